"""In front of a real server, which `S2MOCK_REFERENCE` names: `make upstream` runs these tests."""

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from s2mock import Drop, S2Mock
from tests.powers.conftest import FRAMES, RECORDS, Way
from tests.powers.frames import append_frame
from tests.sdk.typescript_install import install
from tests.upstream.in_flight import (
    IN_FLIGHT_BYTES,
    append_in_one_session,
    assert_in_order,
    watched,
)
from tests.upstream.sdk_suites import compare_typescript, differences, run_flow, run_go

REFERENCE = os.environ.get("S2MOCK_REFERENCE")
REPO = Path(__file__).parent.parent.parent
pytestmark = [
    pytest.mark.skipif(
        REFERENCE is None, reason="S2MOCK_REFERENCE names no real server, such as an s2-lite"
    ),
    pytest.mark.long,
    pytest.mark.timeout(1800),
]


@pytest.fixture
def mock() -> Iterator[S2Mock]:
    assert REFERENCE is not None
    basins = [{"name": "my-basin", "streams": ["log", "orders/eu"]}]
    with S2Mock(upstream=REFERENCE, basin_prefix="ci-*-", basins=basins) as mock:
        yield mock


def outcomes(url: str, folder: Path) -> dict[str, str]:
    """The outcome of each case of the contract suite on the server at that URL."""
    file = folder / "outcomes.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "s2mock/contract"]
    command += [f"--s2mock-target={url}", f"--junitxml={file}"]
    subprocess.run(command, cwd=REPO, check=False, capture_output=True)
    found = {}
    for case in ET.parse(file).iter("testcase"):
        children = [child.tag for child in case if child.tag in ("failure", "error", "skipped")]
        found[f"{case.get('classname')}::{case.get('name')}"] = (
            children[0] if children else "passed"
        )
    return found


def test_the_contract_suite_has_the_same_result_through_the_mock(tmp_path: Path) -> None:
    assert REFERENCE is not None
    straight = outcomes(REFERENCE, tmp_path)
    with S2Mock(upstream=REFERENCE) as mock:
        through = outcomes(mock.url, tmp_path)

    assert "passed" in straight.values()
    assert {name: (straight[name], through.get(name)) for name in straight} == {
        name: (straight[name], straight[name]) for name in straight
    }


def test_the_python_sdk_sees_the_same_through_the_mock(mock: S2Mock) -> None:
    assert REFERENCE is not None
    straight = run_flow(REFERENCE, f"straight-{uuid.uuid4().hex[:12]}")
    through = run_flow(mock.url, "through-basin")

    assert differences(straight, through) == []


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not on the PATH")
@pytest.mark.parametrize("file", ["basins.test.mjs", "streams.test.mjs", "records.test.mjs"])
def test_the_typescript_sdk_has_the_same_result_through_the_mock(file: str) -> None:
    """The server must be empty at first: its basins have the names in the file."""
    assert REFERENCE is not None
    install()

    assert compare_typescript(REFERENCE, file) == []


@pytest.mark.skipif(shutil.which("go") is None, reason="go is not on the PATH")
def test_the_go_sdk_has_the_same_result_through_the_mock() -> None:
    """A few of its tests depend on time: those that differ are run again, both ways.

    Its flood of 50,000 appends is not compared. It sends each batch in a DATA frame of its own, for
    which s2-lite ends the connection after some 20,000 (GOAWAY 11, too_many_data_frames). Through a
    mock there are fewer frames, since batches that were received together are forwarded together.
    """
    assert REFERENCE is not None
    with S2Mock(upstream=REFERENCE) as mock:
        straight, through = run_go(REFERENCE), run_go(mock.url)
        if names := {name.partition("/")[0] for name, _, _ in differences(straight, through)}:
            only = f"^({'|'.join(names)})$"
            straight, through = run_go(REFERENCE, only), run_go(mock.url, only)

    assert differences(straight, through) == []


@pytest.mark.parametrize("name", ["http1", "h2c"])
def test_fifty_thousand_batches_in_flight_keep_their_order(mock: S2Mock, name: str) -> None:
    with watched(mock) as largest:
        acknowledged = append_in_one_session(mock, name, 50_000)
    found = [body.decode() for body in mock.stream("my-basin", "log").bodies]

    assert acknowledged == [(number, number + 1) for number in range(50_000)]
    assert_in_order(found, 50_000)
    assert largest[0] <= IN_FLIGHT_BYTES


@pytest.mark.parametrize("name", ["http1", "h2c"])
def test_faults_decide_what_the_server_has(mock: S2Mock, name: str) -> None:
    log = mock.stream("my-basin", "log")
    way = Way(name, mock)
    for fault in (Drop(), Drop(committed=True)):
        mock.inject(fault, on="append")
        with pytest.raises(ConnectionError):
            way.append("unary")
        mock.inject(fault, on="append", skip=1)
        content = b"".join(map(append_frame, ("first", "second", "third")))
        way.session(RECORDS, FRAMES, "POST", content)
    way.close()

    assert log.bodies == (b"first", b"unary", b"first", b"second")
