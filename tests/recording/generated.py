"""Recording generated sequences: those of the differential machine, drawn from a fixed seed."""

from contextlib import suppress
from typing import ClassVar

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from s2mock import S2Mock
from s2mock.contract.exchange import Call, Connection, Reply
from s2mock.contract.recordings import Group
from tests.differential.machine import Comparison
from tests.recording.groups import group
from tests.recording.observed import Observed, kept, now

SEQUENCES = 320
_STEPS = 10
_SEED = 20_260_101


class _Watched(Connection):
    """A connection that remembers its latest exchange."""

    latest: Observed

    def send(self, call: Call) -> Reply:
        begun = now()
        reply = super().send(call)
        self.latest = Observed(begun, now(), call, reply._replace(headers=kept(reply.headers)))
        return reply


@seed(_SEED)
class _Recorder(Comparison):
    """A sequence whose answers are written down, whatever the fake says to it.

    The fake is there all the same, since the reference does some things in the background: a call
    is made again until both agree, or for a while, and what came last is what is recorded.
    """

    groups: ClassVar[list[Group]] = []

    def __init__(self) -> None:
        super().__init__()
        self.reference = _Watched(self.reference_url)
        self.number = len(self.groups) + 1
        self.basins = (f"sequence-{self.number:04}-0", f"sequence-{self.number:04}-1")
        self.observed: list[Observed] = []

    def both(self, call: Call) -> None:
        with suppress(AssertionError):
            super().both(call)
        self.observed.append(self.reference.latest)

    def teardown(self) -> None:
        super().teardown()
        self.groups.append(group(f"sequence {self.number}", self.observed))


def record_sequences(reference: str) -> list[Group]:
    """What the fresh server at `reference` answers to each sequence."""
    _Recorder.groups.clear()
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
