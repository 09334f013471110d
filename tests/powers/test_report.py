"""What a test that fails is told of s2mock, without being asked.

The reports of typical mistakes are in `reports/`, to be read. With `S2MOCK_WRITE_REPORTS=1` they
are written anew.
"""

import os
import re
from pathlib import Path
from textwrap import dedent

import pytest

from s2mock import S2Mock
from tests.plugin.conftest import Run

pytestmark = pytest.mark.slow

REPORTS = Path(__file__).parent / "reports"
HEAD = """
import httpx
import pytest
from s2mock import AppendRecord, Drop

@pytest.fixture
def s2(s2_mock):
    basin = s2_mock.create_basin("my-basin")
    basin.create_stream("orders/eu").append(["first"])
    with httpx.Client(base_url=s2_mock.url, headers={"s2-basin": "my-basin"}) as client:
        yield client

"""
MISTAKES = {
    "wrong_basin": """
        def test_it(s2):
            s2.headers["s2-basin"] = "my-bassin"
            assert s2.get("/v1/streams/orders%2Feu").status_code == 200
    """,
    "typo_in_the_stream": """
        def test_it(s2):
            assert s2.get("/v1/streams/order%2Feu/records?seq_num=0").status_code == 200
    """,
    "typo_in_the_path": """
        def test_it(s2):
            assert s2.get("/v1/streams/orders/eu/records?seq_num=0").status_code == 200
    """,
    "forgotten_header": """
        def test_it(s2):
            del s2.headers["s2-basin"]
            assert s2.get("/v1/streams").status_code == 200
    """,
    "wrong_content_type": """
        def test_it(s2):
            text = '{"stream": "orders/us"}'
            headers = {"content-type": "text/plain"}
            assert s2.post("/v1/streams", content=text, headers=headers).status_code == 201
    """,
    "read_without_a_start": """
        def test_it(s2):
            assert s2.get("/v1/streams/orders%2Feu/records").json()["records"]
    """,
    "wrong_fencing_token": """
        def test_it(s2, s2_mock):
            s2_mock.basin("my-basin").stream("orders/eu").append([AppendRecord.fence("writer-2")])
            document = {"records": [{"body": "a"}], "fencing_token": "writer-1"}
            answer = s2.post("/v1/streams/orders%2Feu/records", json=document)
            assert answer.status_code == 200
    """,
    "append_to_a_deleted_stream": """
        def test_it(s2):
            s2.delete("/v1/streams/orders%2Feu")
            document = {"records": [{"body": "a"}]}
            answer = s2.post("/v1/streams/orders%2Feu/records", json=document)
            assert answer.status_code == 200
    """,
    "missing_token_scope": """
        def test_it(s2, s2_mock):
            svc = s2_mock.issue_token("svc", basins="*", streams="*", ops=["append", "read"])
            s2.headers["authorization"] = f"Bearer {svc.secret}"
            document = {"records": [{"body": "a"}]}
            assert s2.post("/v1/streams/orders%2Feu/records", json=document).status_code == 200
            trim = {"headers": [["", "trim"]], "body": "\\0\\0\\0\\0\\0\\0\\0\\1"}
            answer = s2.post("/v1/streams/orders%2Feu/records", json={"records": [trim]})
            assert answer.status_code == 200
    """,
    "a_lost_acknowledgement": """
        def append(s2, *bodies):
            document = {"records": [{"body": body} for body in bodies]}
            try:
                return s2.post("/v1/streams/orders%2Feu/records", json=document)
            except httpx.TransportError:
                return append(s2, *bodies)

        def test_it(s2, s2_mock):
            s2_mock.inject(Drop(committed=True), on="append")
            append(s2, "a", "b")
            assert len(s2_mock.basin("my-basin").stream("orders/eu").records) == 3
    """,
}


def section(result: pytest.RunResult) -> str:
    """The part of the report that is s2mock's, without what differs from run to run."""
    text = result.stdout.str()
    start = text.index("s2mock: ")
    start = text.rindex("\n", 0, start) + 1
    end = re.search(r"^(=====|_____)", text[start:], re.MULTILINE)
    text = text[start : start + end.start()] if end else text[start:]
    text = re.sub(r"^-+ (s2mock: .*?) -+$", r"--- \1 ---", text, flags=re.MULTILINE)
    # As the versions of httpx write JSON, now with and now without spaces.
    text = re.sub(r"--data-binary '.*'", lambda body: re.sub(r"([,:]) ", r"\1", body[0]), text)
    text = re.sub(r"\+\d+\.\d{3}", "+0.000", text)
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:41234", text)


@pytest.mark.parametrize("name", MISTAKES)
def test_of_a_typical_mistake(run: Run, name: str) -> None:
    result = run(HEAD + dedent(MISTAKES[name]))
    result.assert_outcomes(failed=1)
    report, golden = section(result), REPORTS / f"{name}.txt"
    if os.environ.get("S2MOCK_WRITE_REPORTS"):
        golden.write_text(report)
    assert report == golden.read_text()


def test_there_is_no_other_report() -> None:
    assert {path.stem for path in REPORTS.glob("*.txt")} == MISTAKES.keys()


def test_a_passing_test_prints_nothing(run: Run) -> None:
    result = run(
        """
        def test_it(s2_mock):
            s2_mock.client.get("/v1/nothing")
        """,
        "-rA",
    )
    result.assert_outcomes(passed=1)
    assert "s2mock:" not in result.stdout.str()


def test_a_test_that_met_nothing_has_no_section(run: Run) -> None:
    result = run("def test_it(s2_mock): assert 0")
    assert "s2mock:" not in result.stdout.str()


def test_every_mock_that_met_something_has_one(run: Run) -> None:
    """Also one that the test has closed, and of one of a wider scope the part of that test."""
    result = run(
        """
        import pytest
        from s2mock import S2Mock

        @pytest.fixture(scope="module")
        def shop():
            with S2Mock() as mock:
                yield mock

        def test_before(shop):
            shop.client.get("/v1/basins?prefix=before")

        def test_it(s2_mock, shop):
            shop.client.get("/v1/basins?prefix=shop")
            s2_mock.client.get("/v1/streams")
            with S2Mock() as own:
                own.client.get("/v1/locations")
                assert 0

        def test_after(s2_mock):
            s2_mock.client.get("/v1/metrics")
            assert 0
        """
    )
    result.assert_outcomes(passed=1, failed=2)
    text = result.stdout.str()
    one, two = text[: text.index("_ test_after _")], text[text.index("_ test_after _") :]
    assert re.findall(r"- s2mock: (.*?) -", one) == ["1 exchange"] * 3
    assert re.findall(r"list-basins|list-streams|list-locations", one) == [
        "list-basins",
        "list-streams",
        "list-locations",
    ]
    assert "before" not in one
    assert re.findall(r"- s2mock: (.*?) -", two) == ["1 exchange"]
    assert "account-metrics" in two


@pytest.mark.parametrize("phase", ["setup", "teardown"])
def test_a_fixture_that_fails_has_one_too(run: Run, phase: str) -> None:
    before, after = ("assert 0", "") if phase == "setup" else ("", "assert 0")
    result = run(
        f"""
        import pytest

        @pytest.fixture
        def broken(s2_mock):
            s2_mock.client.get("/v1/basins")
            {before}
            yield
            {after}

        def test_it(broken):
            pass
        """
    )
    assert result.parseoutcomes()["errors"] == 1
    result.stdout.fnmatch_lines(["*- s2mock: 1 exchange -*", "*list-basins*"])


def test_long_ones_are_cut_and_appends_of_a_session_folded(run: Run) -> None:
    result = run(
        """
        import pytest
        from tests.powers.frames import append_frame

        HEADERS = {"s2-basin": "my-basin", "content-type": "s2s/proto"}

        @pytest.mark.s2_mock(basins=[{"name": "my-basin", "streams": [{"name": "log"}]}])
        def test_it(s2_mock):
            for _ in range(40):
                s2_mock.client.get("/v1/basins")
            data = b"".join([append_frame("a", "b")] * 5)
            answer = s2_mock.client.post("/v1/streams/log/records", data=data, headers=HEADERS)
            assert answer.data == 5
        """
    )
    text = section(result)
    lines = text.splitlines()
    assert lines[0] == "--- s2mock: 46 exchanges ---"
    assert lines[1] == "... 12 lines before these"
    folded = ["200", "10", "records,", "0..9"]
    about = ["my-basin", "log"]
    assert lines[-2].split() == ["41", "+0.000", "append-session", *about, *folded]
    assert lines[-1].split() == ["42-46", "+0.000", "append", *about, *folded]
    assert len(lines) == 2 + 30


def test_with_xdist(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("number", range(4))
        def test_it(s2_mock, number):
            s2_mock.client.get("/v1/basin")
            assert 0
        """
    )
    result = pytester.runpytest_subprocess("-n", "2", "-p", "no:schemathesis")
    result.assert_outcomes(failed=4)
    assert result.stdout.str().count("no route /v1/basin; is it /v1/basins?") == 4


PATHS = {
    "/v1/basin": "/v1/basins",
    "/basins": "/v1/basins",
    "/v1/stream/log": "/v1/streams/log",
    "/v1/streams/orders/eu": "/v1/streams/orders%2Feu",
    "/v1/streams/orders/eu/records/tail": "/v1/streams/orders%2Feu/records/tail",
    "/v1/streams/log/record": "/v1/streams/log/records",
    "/v1/streams/log/records/tial": "/v1/streams/log/records/tail",
    "/v2/basins": "/v1/basins",
    "/v1/acces-tokens": "/v1/access-tokens",
    "/v1/locations/defaults": "/v1/locations/default",
    "/nowhere/near": None,
}


@pytest.mark.parametrize(("path", "near"), PATHS.items())
def test_the_nearest_path(path: str, near: str | None) -> None:
    with S2Mock() as mock:
        client = mock.client
        client.open(path, environ_overrides={"REQUEST_URI": path})
        hint = f"; is it {near}?" if near else ""
        assert mock.journal[0].reason == f"no route {path}{hint}"
