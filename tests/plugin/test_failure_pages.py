"""`--s2mock-report`: a page of what happened for each test that failed."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from s2mock import S2Mock
from s2mock.control.views.page import accounts_of
from s2mock.pytest_plugin.failure_pages import file_name
from tests.plugin.conftest import Run

# Faults answer what is not in S2's description.
pytestmark = pytest.mark.openapi_unchecked("faults answer what S2 does not")

HEAD = """
    import json
    from contextlib import suppress
    import pytest
    from s2mock import Drop, S2Mock

    BASINS = [{"name": "my-basin", "streams": [{"name": "log"}]}]
    pytestmark = pytest.mark.s2_mock(basins=BASINS)

    def append(mock, body):
        return mock.client.post(
            "/v1/streams/log/records",
            json={"records": [{"body": body}]},
            headers={"s2-basin": "my-basin"},
        )
"""
NASTY = "</script><script>alert(1)</script><!--"


def pages(pytester: pytest.Pytester) -> dict[str, list[dict[str, Any]]]:
    """What is in each file, by the test's name."""
    found = {}
    for path in sorted((pytester.path / "pages").glob("test_*.html")):
        found[path.name.partition("--")[2].rpartition("-")[0]] = accounts_of(path.read_bytes())
    return found


def test_it_has_all_that_the_journal_has(run: Run, pytester: pytest.Pytester) -> None:
    result = run(
        f"""{HEAD}
    def test_one(s2_mock):
        append(s2_mock, "a")
        append(s2_mock, {NASTY!r})
        s2_mock.inject(Drop(committed=True), on="append")
        with suppress(ConnectionError):
            append(s2_mock, "b")
        s2_mock.inject(Drop(), on="check-tail")
        s2_mock.stream("my-basin", "log").trim(1)
        s2_mock.client.get("/v1/streams/lag/records?seq_num=0", headers={{"s2-basin": "my-basin"}})
        from s2mock.powers.exchange_json import exchange_to_json
        exchanges = [exchange_to_json(exchange) for exchange in s2_mock.journal]
        with open("journal.json", "w") as file:
            json.dump(exchanges, file)
        assert 0
    """,
        "--s2mock-report=pages",
    )
    result.assert_outcomes(failed=1)
    [(name, [account])] = pages(pytester).items()
    assert name == "test_one"
    journal = json.loads((pytester.path / "journal.json").read_text())
    exchanges = account["exchanges"]
    assert [exchanges[number]["exchange"] for number in sorted(exchanges)] == journal
    assert [row["number"] for row in account["timeline"]["rows"]] == [1, 2, 3, 4]
    assert "there is a stream `log`" in exchanges["4"]["exchange"]["reason"]
    assert exchanges["4"]["exchange"]["curl"].startswith("curl ")
    # As they were when the test failed, and not when its faults were taken away.
    assert [(fault["text"], fault["hits"]) for fault in account["status"]["faults"]] == [
        ("inject(Drop(committed=True), on='append')", 1),
        ("inject(Drop(), on='check-tail')", 0),
    ]
    [stream] = account["streams"]["streams"]
    assert (stream["name"], stream["tail"]["seq_num"], stream["trim_point"]) == ("log", 4, 1)
    [history] = account["records"]
    [life] = history["lives"]
    assert [(record["body"], record["by"], record["gone"]) for record in life["records"][:3]] == [
        ("a", 1, "trimmed"),
        (NASTY, 2, None),
        ("b", 3, None),
    ]


def test_secrets_are_blacked_out(run: Run, pytester: pytest.Pytester) -> None:
    run(
        f"""{HEAD}
    def test_one(s2_mock):
        headers = {{"cookie": "hush-cookie", "authorization": "Bearer hush-token"}}
        s2_mock.client.get("/v1/basins?signature=hush-query", headers=headers)
        s2_mock.client.get("/v1/basin?key=hush-query", headers=headers)
        assert 0
    """,
        "--s2mock-report=pages",
    ).stdout.no_fnmatch_line("*hush-query*'*")
    [path] = (pytester.path / "pages").glob("test_*.html")
    text = path.read_text("utf-8")
    assert "signature=***" in text
    assert "hush-" not in text


def test_nothing_of_the_data_is_read_as_html(run: Run, pytester: pytest.Pytester) -> None:
    run(
        f"""{HEAD}
    def test_one(s2_mock):
        append(s2_mock, {NASTY!r})
        assert 0
    """,
        "--s2mock-report=pages",
    )
    [path] = (pytester.path / "pages").glob("test_*.html")
    text = path.read_text("utf-8")
    assert text.count("</script>") == 2
    assert text.count("<script") == 2
    assert "<!--" not in text
    assert 'http-equiv="Content-Security-Policy" content="default-src \'none\'; script-src' in text
    assert "connect-src" not in text


def test_the_failure_says_where_it_is(run: Run, pytester: pytest.Pytester) -> None:
    result = run(
        f"""{HEAD}
    def test_one(s2_mock):
        append(s2_mock, "a")
        assert 0

    def test_good(s2_mock):
        append(s2_mock, "a")
    """,
        "--s2mock-report=some/pages",
    )
    result.assert_outcomes(failed=1, passed=1)
    [path] = (pytester.path / "some/pages").glob("test_*.html")
    result.stdout.fnmatch_lines(["*s2mock: the page of this test*", str(path)])
    assert result.stdout.str().count("the page of this test") == 1


def test_several_mocks_are_told_apart(run: Run, pytester: pytest.Pytester) -> None:
    run(
        f"""{HEAD}
    @pytest.fixture(scope="module")
    def shared(make_s2_mock):
        return make_s2_mock(basins=BASINS)

    def test_before(shared):
        append(shared, "of another test")

    def test_one(shared, s2_mock):
        append(shared, "shared")
        append(s2_mock, "own")
        with S2Mock(basins=BASINS) as ended:
            ended.hold(on="read")
            ended.on("append", lambda exchange: None)
            append(ended, "ended")
            assert 0

    def test_other(shared):
        with S2Mock(basins=BASINS) as own:
            assert 0
    """,
        "--s2mock-report=pages",
    )
    found = pages(pytester)
    assert [account["name"] for account in found["test_one"]] == [
        "mock 1, 1 exchange (fixture make_s2_mock, test_several_mocks_are_told_apart.py:18)",
        "mock 2, 1 exchange (fixture s2_mock)",
        "mock 3, 1 exchange (made at test_several_mocks_are_told_apart.py:26)",
    ]
    rows = [account["timeline"]["rows"] for account in found["test_one"]]
    assert [[row["number"] for row in each] for each in rows] == [[2], [1], [1]]
    logs = [account["records"][0]["lives"][0]["records"] for account in found["test_one"]]
    assert [[record["body"] for record in each] for each in logs] == [
        ["of another test", "shared"],
        ["own"],
        ["ended"],
    ]
    assert [len(account["status"]["holds"]) for account in found["test_one"]] == [0, 0, 1]
    assert [account["status"]["hooks"] for account in found["test_one"]][:2] == [[], []]
    [hook] = found["test_one"][2]["status"]["hooks"]
    assert (hook["text"], hook["calls"]) == ("on('append', at='commit')", 1)
    # That nothing came is worth a look, too.
    assert [account["name"] for account in found["test_other"]] == [
        "mock 1, 0 exchanges (fixture s2_mock)",
        "mock 2, 0 exchanges (made at test_several_mocks_are_told_apart.py:33)",
    ]


def test_a_fault_that_was_not_used(run: Run, pytester: pytest.Pytester) -> None:
    """It fails a test that has passed by itself."""
    run(
        f"""{HEAD}
    def test_one(s2_mock):
        s2_mock.inject(Drop(), on="append")
    """,
        "--s2mock-report=pages",
    ).assert_outcomes(failed=1)
    [[account]] = pages(pytester).values()
    assert account["status"]["faults"][0]["hits"] == 0


def test_failures_of_setup_and_teardown(run: Run, pytester: pytest.Pytester) -> None:
    run(
        f"""{HEAD}
    @pytest.fixture
    def broken(s2_mock):
        append(s2_mock, "a")
        assert 0

    @pytest.fixture
    def late(s2_mock):
        yield
        append(s2_mock, "b")
        assert 0

    def test_setup(broken): pass

    def test_teardown(late): pass

    def test_both(late): assert 0
    """,
        "--s2mock-report=pages",
    ).assert_outcomes(errors=3, passed=1, failed=1)
    names = [path.name for path in sorted((pytester.path / "pages").glob("test_*.html"))]
    assert [re.sub("-[0-9a-f]{8}", "", name.partition("--")[2]) for name in names] == [
        "test_both-teardown.html",
        "test_both.html",
        "test_setup-setup.html",
        "test_teardown-teardown.html",
    ]
    for path in (pytester.path / "pages").glob("*teardown.html"):
        rows = accounts_of(path.read_bytes())[0]["timeline"]["rows"]
        assert rows[-1]["did"] == "+1 → 0..0"


def test_the_attempts_of_a_sweep_that_failed(run: Run, pytester: pytest.Pytester) -> None:
    run(
        f"""{HEAD}
    def test_one(s2_sweep):
        for attempt in s2_sweep([Drop()], on="append"):
            with attempt as s2_mock:
                append(s2_mock, "a")
    """,
        "--s2mock-report=pages",
    ).assert_outcomes(failed=1)
    [accounts] = pages(pytester).values()
    faults = [row["fault"] for account in accounts for row in account["timeline"]["rows"]]
    assert faults == ["Drop()"]


def test_a_folder_that_cannot_be_made(run: Run, pytester: pytest.Pytester) -> None:
    """It is noticed before the first test."""
    (pytester.path / "taken").write_text("a file")
    result = run(
        f"""{HEAD}
    def test_one(s2_mock):
        assert 0
    """,
        "--s2mock-report=taken/below",
    )
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    taken = pytester.path / "taken"
    result.stderr.fnmatch_lines([f"*--s2mock-report writes to a directory, and {taken} is a file*"])


@pytest.mark.parametrize("name", ["a/b", "ü", "../..", "<&'\"", "x" * 500, "con", "\ud800", ""])
def test_names_of_files(name: str) -> None:
    made = file_name(f"tests/test_it.py::test_one[{name}]", "call")
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*-[0-9a-f]{8}\.html", made), made
    assert len(made) < 200
    assert made != file_name(f"tests/test_it.py::test_one[{name}x]", "call")
    assert Path(made).name == made


def closing_lines(pytester: pytest.Pytester, result: pytest.RunResult) -> list[str]:
    """Return the lines that say where the pages are."""
    index = pytester.path / "pages" / "index.html"
    assert index.is_file()
    return [line for line in result.outlines if "of failed tests" in line and str(index) in line]


TWO_FAIL = f"""{HEAD}
    @pytest.mark.parametrize("number", range(3))
    def test_one(s2_mock, number):
        append(s2_mock, str(number))
        assert number == 2
"""


@pytest.mark.parametrize("options", [[], ["-q"], ["--tb=no"], ["-q", "--tb=no"]])
def test_one_line_at_the_end_says_where_they_are(
    run: Run, pytester: pytest.Pytester, options: list[str]
) -> None:
    result = run(TWO_FAIL, "--s2mock-report=pages", *options)
    result.assert_outcomes(failed=2, passed=1)
    index = pytester.path / "pages" / "index.html"
    assert closing_lines(pytester, result) == [f"s2mock: 2 pages of failed tests: {index}"]


@pytest.mark.slow
def test_with_xdist_the_line_is_printed_once(pytester: pytest.Pytester) -> None:
    """The workers print none, nor write the list."""
    pytester.makepyfile(TWO_FAIL)
    arguments = ("--disable-plugin-autoload", "-p", "s2mock", "-p", "xdist", "-n", "2")
    options = ("-q", "--tb=no", "--s2mock-report=pages")
    result = pytester.runpytest_subprocess(*arguments, *options)
    result.assert_outcomes(failed=2, passed=1)
    index = pytester.path / "pages" / "index.html"
    assert closing_lines(pytester, result) == [f"s2mock: 2 pages of failed tests: {index}"]
    # Both pages are in the list, which each worker has a part of.
    text = index.read_text("utf-8")
    pages_there = [path.name for path in (pytester.path / "pages").glob("test_*.html")]
    assert len(pages_there) == 2
    assert all(name in text for name in pages_there)


@pytest.mark.slow
def test_with_xdist_it_is_the_same(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        f"""{HEAD}
    @pytest.mark.parametrize("number", range(4))
    def test_one(s2_mock, number):
        append(s2_mock, str(number))
        assert 0
    """
    )
    arguments = ("-p", "no:asyncio", "-p", "no:schemathesis", "-n", "2", "--s2mock-report=pages")
    result = pytester.runpytest_subprocess(*arguments)
    result.assert_outcomes(failed=4)
    assert result.stdout.str().count("the page of this test") == 4
    bodies = [
        account["records"][0]["lives"][0]["records"][0]["body"]
        for [account] in pages(pytester).values()
    ]
    assert bodies == ["0", "1", "2", "3"]
    for path in (pytester.path / "pages").glob("test_*.html"):
        assert str(path) in result.stdout.str()


@pytest.mark.slow
def test_on_a_server_it_is_the_servers(run: Run, pytester: pytest.Pytester) -> None:
    with S2Mock(control=True) as server:
        run(
            """
    import pytest
    from s2mock import Drop

    @pytest.mark.parametrize("fails", [True, False])
    def test_one(s2_mock, fails):
        name = s2_mock.fresh_basin()
        if not fails:
            s2_mock.inject(Drop(), on="append")
        assert not fails
    """,
            f"--s2mock-target={server.url}",
            "--s2mock-report=pages",
        ).assert_outcomes(failed=2)
    found = pages(pytester)
    assert len(found) == 2
    for accounts in found.values():
        # The server is of this process here, and its own mocks are there, too.
        [account] = [one for one in accounts if one["name"].startswith("test_one")]
        assert account["streams"]["basins"]


def test_without_the_option_there_is_no_page(run: Run, pytester: pytest.Pytester) -> None:
    result = run(f"{HEAD}\n    def test_one(s2_mock): assert 0")
    assert "the page of this test" not in result.stdout.str()
    assert not (pytester.path / "pages").exists()
