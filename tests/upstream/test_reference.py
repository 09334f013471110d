"""In front of a real server: `make upstream` runs these tests.

`S2MOCK_REFERENCE` names the server. `S2MOCK_TEST_LITE` is the path of the program of s2-lite, of
which the recordings need two, both empty.
"""

import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from time import sleep
from typing import NamedTuple
from xml.etree import ElementTree as ET

import pytest

from s2mock import Drop, S2Mock
from s2mock.contract import recordings
from s2mock.contract.connection import AnyConnection, connect
from s2mock.contract.exchange import Call, comparable
from s2mock.contract.recordings import Group, Recording
from s2mock.runtime.http_client import Client
from tests.ports import unused_port
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
LITE = os.environ.get("S2MOCK_TEST_LITE")
# How far a deletion has come when a call arrives is a race with the server, which a repetition
# decides otherwise. A difference is one that is there each time.
REPETITIONS = 4
POLLS = 100
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


def outcomes(url: str, folder: Path, modules: Iterable[str] = ("",)) -> dict[str, str]:
    """The outcome of each case of the contract suite, or of these modules, on the server there."""
    file = folder / "outcomes.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2"]
    command += [f"s2mock/contract/{module}" for module in modules]
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
    differing: dict[str, tuple[str, str | None]] = {}
    modules = [""]
    with S2Mock(upstream=REFERENCE) as mock:
        for repetition in range(REPETITIONS):
            straight = outcomes(REFERENCE, tmp_path, modules)
            through = outcomes(mock.url, tmp_path, modules)
            assert "passed" in straight.values()
            differing = {
                name: (outcome, through.get(name))
                for name, outcome in straight.items()
                if outcome != through.get(name) and (name in differing or not repetition)
            }
            if not differing:
                break
            modules = sorted({f"{name.split('::')[0].split('.')[2]}.py" for name in differing})

    assert not differing


class Recorded(NamedTuple):
    """A group of recorded exchanges, and those of its recording that come before it."""

    recording: Recording
    group: Group
    before: tuple[Group, ...]


def all_recorded() -> Iterator[Recorded]:
    for name in recordings.replayable():
        recording = recordings.load(name)
        named = {group.name: group for group in recording.groups}
        for group in recording.groups:
            yield Recorded(recording, group, tuple(named[name] for name in group.after))


@contextmanager
def started() -> Iterator[str]:
    """The URL of an s2-lite that is empty."""
    assert LITE is not None
    port = unused_port()
    server = subprocess.Popen(
        [LITE, "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        while True:
            assert server.poll() is None, "s2-lite has ended"
            try:
                Client(url).request("GET", "/health")
                break
            except OSError:
                sleep(0.05)
        yield url
    finally:
        server.kill()
        server.wait()


def told(connection: AnyConnection, call: Call) -> object:
    try:
        return comparable(call, connection.send(call))
    except TimeoutError:
        connection.close()
        return "no answer"


def differing(groups: Iterable[Recorded]) -> tuple[list[tuple[Recorded, str]], int]:
    """The groups that are answered otherwise through a mock, with the first difference of each.

    Also the number of the exchanges.
    """
    found = []
    count = 0
    with started() as straight_url, started() as behind, S2Mock(upstream=behind) as mock:
        replayed: set[tuple[str, str]] = set()
        for one in groups:
            protocol = one.recording.protocol
            pair: list[object] = []
            with (
                closing(connect(straight_url, protocol)) as straight,
                closing(connect(mock.url, protocol)) as through,
            ):
                for before in one.before:
                    if (protocol, before.name) not in replayed:
                        for exchange in before.exchanges:
                            told(straight, exchange.call)
                            told(through, exchange.call)
                replayed.add((protocol, one.group.name))
                for exchange in one.group.exchanges:
                    count += 1
                    for _ in range(POLLS):
                        pair = [told(either, exchange.call) for either in (straight, through)]
                        if pair[0] == pair[1] or exchange.call.method != "GET":
                            break
                        # Trims and deletions are carried out later, by each server in its own time.
                        sleep(0.1)
                    if pair[0] != pair[1]:
                        curl = exchange.call.curl()
                        told_both = f"straight: {pair[0]}\nthrough:  {pair[1]}"
                        found.append((one, f"{protocol} {one.group.name}: {curl}\n{told_both}"))
                        # What follows may differ because of that.
                        break
    return found, count


@pytest.mark.skipif(LITE is None, reason="S2MOCK_TEST_LITE has no path of s2-lite's server")
def test_each_recorded_request_is_answered_through_the_mock_as_straight() -> None:
    found, count = differing(all_recorded())
    for _ in range(1, REPETITIONS):
        if not found:
            break
        found, _ = differing([one for one, _ in found])

    differences = [difference for _, difference in found]
    assert not differences, "\n\n".join(differences)
    assert count > 10_000


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
