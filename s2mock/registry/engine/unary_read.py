"""A read that is answered once. Source: reference: data_plane §4.5."""

from collections.abc import Generator
from typing import TYPE_CHECKING

from s2mock.registry.engine.account_lock import AccountLock
from s2mock.registry.engine.read_session import ReadSession
from s2mock.registry.engine.sessions import Sessions
from s2mock.registry.engine.store import Store
from s2mock.registry.engine.waiter import Waiter
from s2mock.registry.log.batch import Batch
from s2mock.registry.state import ReadStart
from s2mock.registry.values.errors import S2Error
from s2mock.runtime.clock import Moment
from s2mock.runtime.conversation import Wait

if TYPE_CHECKING:
    from s2mock.registry.log.chunks import Span
    from s2mock.registry.values.positions import StreamPosition


class UnaryRead(ReadSession):
    """A read of one batch: the records that exist, or else the next ones that are appended (§4.5).

    Its answer is one `Batch`; until there is one it waits.
    """

    tell_tail = False
    is_streaming = False

    def __init__(
        self,
        lock: AccountLock,
        store: Store,
        sessions: Sessions,
        start: ReadStart,
        *,
        is_counted: bool,
    ) -> None:
        super().__init__(lock, store, sessions, start, is_counted=is_counted)
        self._spans: list[Span] = []
        self._told_tail: StreamPosition | None = None
        self._waiting = False

    def answer(self) -> Generator[Wait, None, Batch]:
        """Yield waits and return the batch. Raises what stepping raises."""
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
        """Return the batch, or what to wait for. Call it with the lock held."""
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
