"""A read that is answered once. Source: reference: data_plane §4.5."""

from collections.abc import Generator
from typing import TYPE_CHECKING

from s2mock.registry.engine.engine import Engine
from s2mock.registry.engine.followers import Waiter
from s2mock.registry.log.batch import Batch
from s2mock.registry.log.read_request import ReadRequest
from s2mock.registry.rules.open_stream import Opened
from s2mock.registry.rules.read_session import ReadSession
from s2mock.registry.values.errors import S2Error
from s2mock.registry.values.positions import StreamPosition
from s2mock.runtime.clock import Moment
from s2mock.runtime.conversation import Wait

if TYPE_CHECKING:
    from s2mock.registry.log.chunks import Span


class UnaryRead(ReadSession):
    """A read of one batch: what there is at once, or, if that is nothing, what comes first (§4.5).

    Its one answer is a `Batch`; until there is one it waits.
    """

    tell_tail = False
    is_streaming = False

    def __init__(
        self,
        engine: Engine,
        basin: str,
        opened: Opened,
        request: ReadRequest,
        position: int,
        tail: StreamPosition,
    ) -> None:
        super().__init__(engine, basin, opened, request, position, tail)
        self._spans: list[Span] = []
        self._told_tail: StreamPosition | None = None
        self._waiting = False

    def answer(self) -> Generator[Wait, None, Batch]:
        """The answer, when there is one. Raises what stepping raises."""
        try:
            outcome = self._first
            while not isinstance(outcome, Batch):
                if isinstance(outcome, S2Error):
                    raise outcome
                assert outcome is not None, "a read of one batch answers"
                yield outcome
                outcome = self.next()
            return outcome
        finally:
            self.close()

    def step(self, moment: Moment) -> Batch | Waiter:
        """The answer, or what to wait for. In turn only."""
        while (outcome := super().step(moment)) is not None:
            if isinstance(outcome, Waiter):
                return outcome
            if not outcome.spans:
                if self._spans:
                    break
                self._waiting = True
                continue
            self._spans += outcome.spans
            self._told_tail = outcome.tail
            if self._waiting:
                break
        return Batch(self._spans, self._told_tail)
