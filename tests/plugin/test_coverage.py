"""`--s2mock-coverage`: the behaviours that tests covered, and those that never occurred."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.plugin.conftest import Run

# Faults answer what is not in S2's description.
pytestmark = [pytest.mark.slow, pytest.mark.openapi_unchecked("faults answer what S2 does not")]

EXAMPLES = Path(__file__).parents[2] / "conftest_examples"
PYTHON_EXAMPLES = sorted({file.parent.name for file in EXAMPLES.glob("*/test_*.py")})

SUITE = """
    import httpx
    import pytest
    from s2mock import Drop, Fail, S2Mock

    BASINS = [{"name": "my-basin", "streams": [{"name": "log"}]}]
    pytestmark = [
        pytest.mark.s2_mock(basins=BASINS),
        pytest.mark.filterwarnings("ignore::s2mock.S2Advice"),
    ]
    HEADERS = {"s2-basin": "my-basin"}
    PATH = "/v1/streams/log/records"

    def append(mock, body, **more):
        document = {"records": [{"body": body}], **more}
        return mock.client.post(PATH, json=document, headers=HEADERS)

    @pytest.mark.parametrize("number", range(3))
    def test_appends(s2_mock, number):
        append(s2_mock, "a")
        append(s2_mock, "b", match_seq_num=7)

    def test_faults(s2_mock):
        s2_mock.inject([Drop(committed=True), Fail("unavailable")], on="append")
        with pytest.raises(ConnectionError):
            append(s2_mock, "a")
        append(s2_mock, "a")

    def test_what_is_cleared(s2_mock):
        append(s2_mock, "a")
        s2_mock.reset()
        append(s2_mock, "a")
        s2_mock.journal.clear()

    def test_over_the_socket():
        with S2Mock(basins=BASINS) as mock:
            httpx.get(mock.url + "/v1/basin")
            with httpx.stream("GET", f"{mock.url}{PATH}?seq_num=0&count=0",
                              headers={**HEADERS, "accept": "text/event-stream"}) as answer:
                answer.read()

    @pytest.fixture(scope="module")
    def shared():
        with S2Mock() as mock:
            yield mock

    @pytest.mark.parametrize("number", range(2))
    def test_shared(shared, number):
        shared.client.get("/v1/basins")
"""
TABLE = [
    "*= s2mock: behaviours that the tests covered =*",
    "list-basins      2  200 2; json 2; wsgi 2",
    "                    never an answer lost; never a failure of the server",
    "append          10  200 5, 412 3, 503 1, none 1; seq_num_mismatch 3, unavailable 1; *",
    "                    never refused by a fencing token; never refused for a stream that is *",
    "read             1  200 1; sse 1; HTTP/1.1 1",
    "                    never refused for a stream that is not there; never a read behind *",
    "(no route)       1  404 1; json 1; HTTP/1.1 1",
    "never called: create-basin, delete-basin, *",
]


def table(result: pytest.RunResult) -> list[str]:
    """The lines of it."""
    lines = result.outlines
    [start] = [at for at, line in enumerate(lines) if "behaviours that the tests covered" in line]
    end = next(at for at in range(start + 1, len(lines)) if lines[at].startswith("=="))
    return [line for line in lines[start + 1 : end] if not line.startswith("written")]


def test_it_counts_all_that_came(run: Run) -> None:
    result = run(SUITE, "--s2mock-coverage")
    result.assert_outcomes(passed=8)
    result.stdout.fnmatch_lines(TABLE, consecutive=True)


def test_it_writes_a_file(run: Run, pytester: pytest.Pytester) -> None:
    run(SUITE, "--s2mock-coverage=met.json").stdout.fnmatch_lines(["written to met.json"])
    document = json.loads((pytester.path / "met.json").read_text())
    append = document["operations"]["append"]
    assert append == {
        "calls": 10,
        "statuses": {"200": 5, "412": 3, "503": 1, "none": 1},
        "codes": {"seq_num_mismatch": 3, "unavailable": 1},
        "forms": {"json": 10},
        "protocols": {"wsgi": 10},
        "faults": {"Drop, committed": 1, "Fail": 1},
        "events": {"a failure": 1, "an answer lost": 1},
        "never": [
            "refused by a fencing token",
            "refused for a stream that is not there",
        ],
    }
    assert (document["not_counted"], document["journals_off"]) == (0, 0)
    assert "issue-access-token" in document["never_asked_for"]


@pytest.mark.parametrize(
    "fault", ["Cut(bytes=5)", "Fail('request_timeout', committed=True)", "Drop()"]
)
def test_each_fault_that_loses_an_answer_counts_as_one(run: Run, fault: str) -> None:
    result = run(
        f"""
        import pytest
        from s2mock import Cut, Drop, Fail

        @pytest.mark.s2_mock(basins=["my-basin"])
        def test_it(s2_mock):
            s2_mock.inject({fault}, on="create-basin")
            try:
                s2_mock.client.post("/v1/basins", json={{"basin": "new-basin"}})
            except ConnectionError:
                pass
        """,
        "--s2mock-coverage",
    )
    result.assert_outcomes(passed=1)
    assert "never an answer lost" not in result.stdout.str()


def test_what_no_journal_has_kept_is_said(run: Run) -> None:
    result = run(SUITE, "--s2mock-coverage", "--s2mock-journal-limit=1")
    result.assert_outcomes(passed=8)
    result.stdout.fnmatch_lines(["4 exchanges are not counted: no journal keeps them any more"])


def test_a_journal_that_is_off_is_said(run: Run) -> None:
    off = "the exchanges of 2 mocks are not counted: the journal was off (journal_limit=0)"
    result = run(
        """
        import pytest

        @pytest.mark.s2_mock(journal_limit=0)
        @pytest.mark.parametrize("number", range(2))
        def test_off(s2_mock, number):
            s2_mock.client.get("/v1/basins")

        def test_on(s2_mock):
            s2_mock.client.get("/v1/basins")
        """,
        "--s2mock-coverage",
    )
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["list-basins      1  *", off])
    # It is unknown whether a request was sent.
    result = run(None, "--s2mock-coverage", "-k", "off")
    result.stdout.fnmatch_lines([off])
    assert "nothing was asked" not in result.stdout.str()


def test_where_nothing_was_asked(run: Run) -> None:
    result = run("def test_it(): pass", "--s2mock-coverage")
    result.stdout.fnmatch_lines(["s2mock received no request"])


def test_without_the_option_nothing_is_said(run: Run) -> None:
    assert "behaviours that the tests covered" not in run(SUITE).stdout.str()


def test_a_path_is_no_file_to_write_to(run: Run) -> None:
    result = run(SUITE, "--s2mock-coverage", "test_it.py")
    result.stderr.fnmatch_lines(["*--s2mock-coverage writes to a .json file, not to 'test_it.py'*"])


def test_with_xdist_it_is_the_same(run: Run, pytester: pytest.Pytester) -> None:
    alone = run(SUITE, "--s2mock-coverage")
    together = pytester.runpytest_subprocess(
        "-p", "no:asyncio", "-p", "no:schemathesis", "--s2mock-coverage", "-n", "2"
    )
    alone.assert_outcomes(passed=8)
    together.assert_outcomes(passed=8)
    assert table(together) == table(alone)
    alone.stdout.fnmatch_lines(TABLE, consecutive=True)


@pytest.mark.long
@pytest.mark.whole(3)
@pytest.mark.timeout(300)
@pytest.mark.parametrize("example", PYTHON_EXAMPLES)
def test_of_our_own_examples_too(example: str, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLES / example, tmp_path / example)
    documents: list[Any] = []
    for arguments in (["-p", "no:xdist", "-o", "addopts="], ["-n", "2"]):
        file = tmp_path / "met.json"
        ended = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-p", "no:schemathesis"),
                *(*arguments, f"--s2mock-coverage={file}"),
            ],
            cwd=tmp_path / example,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout
        assert re.search("behaviours that the tests covered", ended.stdout)
        documents.append(json.loads(file.read_text()))
    assert documents[0] == documents[1]
    assert documents[0]["operations"]
