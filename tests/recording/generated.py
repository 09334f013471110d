"""Recording generated sequences: those of the differential machine, drawn from a fixed seed."""

from contextlib import suppress
from typing import ClassVar

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from s2mock import S2Mock
from s2mock.contract.exchange import Call, Protocol, Reply
from s2mock.contract.recordings import Group
from tests.differential.machine import Comparison, SendsCalls
from tests.recording.groups import group
from tests.recording.observed import Observed, kept, now

SEQUENCES = 320
_STEPS = 10
_SEED = 20_260_101


class _Watched:
    """A connection that remembers its latest exchange."""

    latest: Observed

    def __init__(self, connection: SendsCalls) -> None:
        self._connection = connection

    def send(self, call: Call) -> Reply:
        begun = now()
        reply = self._connection.send(call)
        self.latest = Observed(begun, now(), call, reply._replace(headers=kept(reply.headers)))
        return reply


@seed(_SEED)
class _Recorder(Comparison):
    """A sequence whose answers are written down, also where the fake's differ.

    The fake is there all the same, since the reference does some things in the background: a call
    is made again until both agree, or for a while, and what came last is what is recorded.
    """

    groups: ClassVar[list[Group]] = []
    prefix: ClassVar[str]
    watched: _Watched

    def __init__(self) -> None:
        super().__init__()
        self.number = len(self.groups) + 1
        name = f"{self.prefix}sequence-{self.number:04}"
        self.basins = (f"{name}-0", f"{name}-1")
        self.observed: list[Observed] = []

    def connected(self, url: str, protocol: Protocol) -> SendsCalls:
        connection = super().connected(url, protocol)
        if url == self.reference_url:
            self.watched = _Watched(connection)
            return self.watched
        return connection

    def both(self, call: Call) -> None:
        with suppress(AssertionError):
            super().both(call)
        self.observed.append(self.watched.latest)

    def teardown(self) -> None:
        super().teardown()
        self.groups.append(group(f"sequence {self.number}", self.observed))


def record_sequences(reference: str, protocol: Protocol) -> list[Group]:
    """What the fresh server at `reference` answers to each sequence, over that protocol."""
    _Recorder.groups.clear()
    _Recorder.protocols = (protocol,)
    # The names of the others are taken on that server.
    _Recorder.prefix = "" if protocol == "HTTP/1.1" else f"{protocol}-"
    with S2Mock() as mock:
        _Recorder.fake_url, _Recorder.reference_url = mock.url, reference
        run_state_machine_as_test(
            _Recorder,
            settings=settings(
                max_examples=SEQUENCES,
                stateful_step_count=_STEPS,
                phases=[Phase.generate],
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    return list(_Recorder.groups)
