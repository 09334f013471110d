"""In front of a real server, which `S2MOCK_REFERENCE` names: `make upstream` runs these tests."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from s2mock import Drop, S2Mock
from tests.powers.conftest import FRAMES, RECORDS, Way
from tests.powers.frames import append_frame

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
