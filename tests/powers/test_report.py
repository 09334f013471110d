"""What a test that fails is told of s2mock, without being asked.

The reports of typical mistakes are in `reports/`, to be read. With `S2MOCK_WRITE_REPORTS=1` they
are written anew.
"""

import os
import re
from pathlib import Path

import pytest

from s2mock import S2Mock
from s2mock.powers.timeline import make_timeline
from tests.plugin.conftest import Run
from tests.powers.failures import CAUSES, FIRST_LINES, MISTAKES, module_of

pytestmark = pytest.mark.slow

REPORTS = Path(__file__).parent / "reports"


def section(result: pytest.RunResult) -> str:
    """The part of the report that is s2mock's, without what differs from run to run."""
    text = result.stdout.str()
    # A campaign that fails has no other section.
    found = re.search(r"s2mock: |s2_orders: ", text)
    assert found is not None
    start = text.rindex("\n", 0, found.start()) + 1
    end = re.search(r"^(=====|_____)", text[start:], re.MULTILINE)
    text = text[start : start + end.start()] if end else text[start:]
    # The source of a test is in the documentation, and runs in other tests.
    text, _, _ = text.partition("\nThe shortest failure as a test")
    text = re.sub(r"^-+ (s2mock: .*?) -+$", r"--- \1 ---", text, flags=re.MULTILINE)
    # As the versions of httpx write JSON, now with and now without spaces.
    text = re.sub(r"--data-binary '.*'", lambda body: re.sub(r"([,:]) ", r"\1", body[0]), text)
    text = re.sub(r"\+\d+\.\d{3}", "+0.000", text)
    return re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:41234", text)


@pytest.mark.parametrize("name", MISTAKES)
def test_of_a_typical_mistake(run: Run, name: str) -> None:
    result = run(module_of(name))
    result.assert_outcomes(failed=1)
    report, golden = section(result), REPORTS / f"{name}.txt"
    if os.environ.get("S2MOCK_WRITE_REPORTS"):
        golden.write_text(report)
    assert report == golden.read_text()
    assert CAUSES[name] in "\n".join(report.splitlines()[:FIRST_LINES])


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
    assert re.findall(r"- s2mock: (.*?) -", one) == [
        "1 exchange (made at test_every_mock_that_met_something_has_one.py:6)",
        "1 exchange (fixture s2_mock)",
        "1 exchange (made at test_every_mock_that_met_something_has_one.py:15)",
    ]
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
    assert lines[1] == "... 23 exchanges without a fault, a hold, a refusal or advice"
    folded = ["200", "10", "records,", "0..9"]
    about = ["my-basin", "log"]
    assert lines[-2].split() == ["41", "+0.000", "append-session", *about, *folded]
    assert lines[-1].split() == ["42-46", "+0.000", "append", *about, *folded]
    assert len(lines) == 2 + 19


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


def test_lines_of_note_are_never_left_out(run: Run) -> None:
    """Also among hundreds of others, and several times: a fault, a hold, a refusal, an advice."""
    text = section(
        run(
            """
            import threading

            import pytest
            from s2mock import Drop

            HEADERS = {"s2-basin": "my-basin"}

            def append(s2_mock, body, **more):
                document = {"records": [{"body": body}], **more}
                path = "/v1/streams/log/records"
                return s2_mock.client.post(path, json=document, headers=HEADERS)

            @pytest.mark.s2_mock(basins=[{"name": "my-basin", "streams": [{"name": "log"}]}])
            def test_it(s2_mock):
                s2_mock.inject(Drop(committed=True), on="append")
                with pytest.raises(ConnectionError):
                    append(s2_mock, "a")
                append(s2_mock, "a")
                for _ in range(20):
                    append(s2_mock, "refused", match_seq_num=99)
                    append(s2_mock, "b")
                with s2_mock.hold(on="append") as hold:
                    held = threading.Thread(target=append, args=(s2_mock, "held"))
                    held.start()
                    hold.wait()
                    append(s2_mock, "c")
                    hold.release()
                    held.join()
                for _ in range(200):
                    s2_mock.client.get("/v1/basins")
                assert 0
            """
        )
    )
    lines = text.splitlines()
    assert lines[1] == "in the order of their ends; the times are those of their arrivals"
    for part in (
        "1 record, 0..0  Drop(committed=True)",
        "200  1 record, 1..1  the same batch as 1",
        "the same batch as that of exchange 1, whose response was lost",
        "412  seq_num_mismatch  and 19 more like it, up to 41",
        "held at its commit, released after 43",
    ):
        assert any(part in line for line in lines), part
    assert len(lines) < 32


def test_client_that_hung_up_is_named(run: Run) -> None:
    text = section(
        run(
            """
            import socket
            from urllib.parse import urlsplit

            import pytest

            @pytest.mark.s2_mock(basins=[{"name": "my-basin", "streams": [{"name": "log"}]}])
            def test_it(s2_mock):
                with s2_mock.hold(on="check-tail", at="arrival") as hold:
                    address = urlsplit(s2_mock.url)
                    with socket.create_connection((address.hostname, address.port)) as client:
                        lines = ["GET /v1/streams/log/records/tail HTTP/1.1", "host: localhost"]
                        lines += ["s2-basin: my-basin", "", ""]
                        client.sendall("\\r\\n".join(lines).encode())
                        hold.wait()
                    s2_mock.journal.wait_for()
                assert 0
            """
        )
    )
    assert "---  its client closed the connection before the response" in text


def test_only_the_failing_run_of_hypothesis_is_shown(run: Run) -> None:
    text = section(
        run(
            """
            from hypothesis import given, settings, strategies as st
            from s2mock import S2Mock

            @settings(max_examples=20, database=None, derandomize=True)
            @given(st.integers(0, 9))
            def test_it(count):
                with S2Mock() as mock:
                    for _ in range(count):
                        mock.client.get("/v1/basins")
                    assert count < 3
            """,
            "-p",
            "_hypothesis_pytestplugin",
        )
    )
    assert text.splitlines()[0] == "--- s2mock: 3 exchanges ---"
    assert text.count("list-basins") == 3


def test_cause_that_is_one_of_many_is_at_the_top() -> None:
    """The last of hundreds of equal refusals shares a line with the first."""
    with S2Mock(basins=["my-basin"]) as mock:
        for _ in range(40):
            mock.client.get("/v1/streams/log", headers={"s2-basin": "my-basin"})
            mock.client.get("/v1/basins")
        for _ in range(30):
            mock.client.get("/v1/basins")
        lines = make_timeline(mock.journal[:]).splitlines()
    assert lines[0].startswith("the likely cause is exchange 79: get-stream-config  my-basin  log")
    assert "there are no streams in that basin" in lines[1]
    assert any("and 39 more like it, up to 79" in line for line in lines)
    assert lines[-1].strip().startswith("curl ")
