"""The differential machine: the same calls to the fake and to the real server.

Each step makes one call to both and compares the answers; each sequence works in basins of its
own. A difference that the ledger does not know is shown as curl lines, shrunk to the shortest
sequence that shows it.
"""

import json
import multiprocessing
import time
import uuid
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from typing import Any, ClassVar
from typing import Protocol as TypingProtocol

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from s2mock import S2Mock
from s2mock.contract.connection import AnyConnection, connect
from s2mock.contract.exchange import PROTOCOLS, Call, Connection, Protocol, Reply, comparable
from s2mock.contract.ledger import excuse
from tests.differential import strategies

# Seconds of real time that the reference may take for what it does in the background; a busy
# machine keeps it from it.
_GONE_WITHIN = 30.0
_SETTLED_WITHIN = 10.0


class SendsCalls(TypingProtocol):
    """A connection, or a wrapper around one."""

    def send(self, call: Call) -> Reply:
        """Make the call."""


class Comparison(RuleBasedStateMachine):
    """One sequence. The function that runs the machine sets `fake_url` and `reference_url`."""

    fake_url: ClassVar[str]
    reference_url: ClassVar[str]
    sequences: ClassVar[int] = 0
    calls: ClassVar[int] = 0
    excused: ClassVar[dict[str, int]] = {}
    protocols: ClassVar[tuple[Protocol, ...]] = PROTOCOLS
    fake: SendsCalls
    reference: SendsCalls

    def __init__(self) -> None:
        super().__init__()
        type(self).sequences += 1
        prefix = f"d{uuid.uuid4().hex[:20]}-"
        self.basins = (f"{prefix}0", f"{prefix}1")
        self.made: list[Call] = []
        self.connections: list[AnyConnection] = []
        self.is_apart = False

    def teardown(self) -> None:
        for connection in self.connections:
            connection.close()

    def connected(self, url: str, protocol: Protocol) -> SendsCalls:
        """A connection that is closed at the end of the sequence."""
        self.connections.append(connect(url, protocol))
        return self.connections[-1]

    def both(self, call: Call) -> None:
        """Make the call to both, and compare."""
        if self.is_apart:
            return
        self.made.append(call)
        type(self).calls += 1
        ours = comparable(call, self.fake.send(call))
        theirs, has_raced = self._of_reference(call)
        if ours == theirs:
            return
        name = excuse(call, ours, theirs) or self._later(call, ours)
        if name is None and has_raced and _is_deleted_by_both(call, ours, theirs):
            name = "background"
        if name is None:
            raise AssertionError(self._difference(ours, theirs))
        self.excused[name] = self.excused.get(name, 0) + 1
        # Where only the reference has carried it out, what comes next cannot be the same.
        self.is_apart = call.method != "GET" and ours["status"] >= 400 > theirs["status"]

    def _of_reference(self, call: Call) -> tuple[dict[str, Any], bool]:
        """The reference's response, and True if it is one to a repeated call.

        A call that has met the reference's own background work is sent again
        (reference: control_plane §3).
        """
        given_up, has_raced = time.monotonic() + _SETTLED_WITHIN, False
        while True:
            theirs = comparable(call, self.reference.send(call))
            body = theirs["body"]
            is_race = isinstance(body, dict) and body.get("code") == "transaction_conflict"
            if not is_race or time.monotonic() >= given_up:
                return theirs, has_raced
            has_raced = True
            time.sleep(0.01)

    def _later(self, call: Call, ours: dict[str, Any]) -> str | None:
        """What the reference answers once it has done what it does in the background."""
        given_up = time.monotonic() + (_SETTLED_WITHIN if call.method == "GET" else 0.0)
        while time.monotonic() < given_up:
            time.sleep(0.01)
            theirs = comparable(call, self.reference.send(call))
            if ours == theirs:
                return "background"
            if name := excuse(call, ours, theirs):
                return name
        return None

    def _difference(self, ours: dict[str, Any], theirs: dict[str, Any]) -> str:
        over = "" if isinstance(self.connections[0], Connection) else " --http2-prior-knowledge"
        lines = [call.curl().replace("curl", f"curl{over}", 1) for call in self.made]
        lines.append(f"fake:      {json.dumps(ours, ensure_ascii=False)}")
        lines.append(f"reference: {json.dumps(theirs, ensure_ascii=False)}")
        return "the last call is answered differently\n" + "\n".join(lines)

    @initialize(data=st.data())
    def first_basin(self, data: st.DataObject) -> None:
        protocol = data.draw(st.sampled_from(self.protocols))
        self.fake = self.connected(self.fake_url, protocol)
        self.reference = self.connected(self.reference_url, protocol)
        config = data.draw(st.just({}) | strategies.basin_configs)
        body = json.dumps({"basin": self.basins[0], "config": config}).encode()
        self.both(Call("POST", "/v1/basins", {"content-type": "application/json"}, body))
        for name in data.draw(st.sampled_from([(), ("a",), ("a", "b"), ("a", "b")])):
            config = json.dumps(data.draw(st.just({}) | strategies.stream_configs)).encode()
            headers = {"s2-basin": self.basins[0], "content-type": "application/json"}
            self.both(Call("PUT", f"/v1/streams/{name}", headers, config))

    @rule(data=st.data())
    def basins_(self, data: st.DataObject) -> None:
        self.both(data.draw(strategies.basin_calls(self.basins)))

    @rule(data=st.data())
    def streams(self, data: st.DataObject) -> None:
        self.both(data.draw(strategies.stream_calls(self.basins[0])))

    @rule(data=st.data())
    def append(self, data: st.DataObject) -> None:
        self.both(data.draw(strategies.append_calls(self.basins[0])))

    @rule(data=st.data())
    def append_again(self, data: st.DataObject) -> None:
        self.both(data.draw(strategies.append_calls(self.basins[0])))

    @rule(data=st.data())
    def read(self, data: st.DataObject) -> None:
        self.both(data.draw(strategies.read_calls(self.basins[0])))

    @rule(data=st.data())
    def read_again(self, data: st.DataObject) -> None:
        self.both(data.draw(strategies.read_calls(self.basins[0])))

    @rule(call=strategies.any_calls() | strategies.account_calls())
    def elsewhere(self, call: Call) -> None:
        self.both(call)

    @rule(name=strategies.stream_names(), really=st.sampled_from([True, False, False, False]))
    def delete(self, name: str, really: bool) -> None:
        if not really:
            return
        path = f"/v1/streams/{strategies.segment(name)}"
        headers = {"s2-basin": self.basins[0]}
        self.both(Call("DELETE", path, headers))
        # The real server takes a moment to forget the stream, in which it answers otherwise.
        given_up = time.monotonic() + _GONE_WITHIN
        while time.monotonic() < given_up:
            if self.reference.send(Call("GET", path, headers)).status != 409:
                return
        raise AssertionError(f"the reference does not forget {path}")


def compare(reference: str, sequences: int) -> None:
    """Compare the fake with the server at `reference`. Raises `AssertionError`."""
    with S2Mock() as mock:
        Comparison.fake_url, Comparison.reference_url = mock.url, reference
        run_state_machine_as_test(
            Comparison,
            settings=settings(
                max_examples=sequences,
                stateful_step_count=15,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )


def _is_deleted_by_both(call: Call, ours: dict[str, Any], theirs: dict[str, Any]) -> bool:
    """True if a repeated deletion finds nothing, since the first one had begun it.

    s2-lite trims a stream for good before it marks it as deleted, and only the second step can meet
    its background work, which by then may have removed the stream.
    """
    return call.method == "DELETE" and (ours["status"], theirs["status"]) == (202, 404)


def compare_in_parts(reference: str, sequences: int, processes: int) -> None:
    """Compare in `processes` processes at a time, each with a fake of its own.

    What a sequence costs is mostly waiting for the other side, and the drawing of its calls.
    """
    part = -(-sequences // processes)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=spawn) as pool:
        for made, calls, excused in pool.map(_part, repeat(reference), [part] * processes):
            Comparison.sequences += made
            Comparison.calls += calls
            for name, times in excused.items():
                Comparison.excused[name] = Comparison.excused.get(name, 0) + times


def _part(reference: str, sequences: int) -> tuple[int, int, dict[str, int]]:
    compare(reference, sequences)
    return Comparison.sequences, Comparison.calls, Comparison.excused
