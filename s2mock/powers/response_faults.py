"""The changes that faults make to responses. `FaultMiddleware` calls this with the first fault.

A fault that decides the response raises its outcome at a point of the engine, see `outcomes`. What
breaks off a response that has begun, or ends it after a number of records or bytes, is done here.
Source of `Drain`: reference: account_services §4, data_plane §14.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from functools import partial
from math import inf
from typing import Any, Final, cast

from s2mock.api.responses import S2Response
from s2mock.api.session import Acknowledged, Delivered, Form, Piece, Pieces, Session
from s2mock.powers.call import TrackedCall
from s2mock.powers.fault_injector import FaultInjector
from s2mock.powers.faults import Cut, Drain, Fail, Fault, Silence, Slow
from s2mock.powers.injected import InjectedError
from s2mock.powers.outcomes import error_of, reset_of
from s2mock.registry.log.batch import Batch
from s2mock.registry.operation import Dropped
from s2mock.registry.rules.append import OpenAppendSession
from s2mock.registry.values.errors import S2Error
from s2mock.runtime.conversation import (
    DRAINED,
    READ,
    CloseAfterResponse,
    Conversation,
    Head,
    Read,
    ReadUnless,
    ReadWithin,
    Step,
    Wait,
    relay,
)
from s2mock.runtime.monotonic import monotonic

End = Callable[[], Conversation]
"""A function whose steps end a response at the place of its fault; it raises the outcome."""

_MAX_RATE: Final = 10**12
"""In bytes per second."""

_DRAIN_SECONDS: Final = 5.0
"""The time for which a session is served after the advice to reconnect, in real time."""


def change_response(response: S2Response, call: TrackedCall, injector: FaultInjector) -> None:
    """Have a response end, slow down or drain as the fault of its call says."""
    fault = call.fault
    end = partial(_end_at_place, fault, injector)
    if response.session is not None:
        _change_session(response.session, call, injector)
    if isinstance(fault, Cut | Silence):
        _break_off(response, fault, end)
    elif isinstance(fault, Slow):
        response.transform = partial(_slow_down, pace=_Pace(fault, injector))


def _end_at_place(fault: Fault | None, injector: FaultInjector) -> Conversation:
    """End a response at the place of its fault."""
    assert fault is not None
    if isinstance(fault, Silence):
        yield from injector.mute_connection()
        yield from injector.delay(inf)
    raise Dropped(reset_of(fault)) if isinstance(fault, Cut) else error_of(fault)


def _change_session(session: Session, call: TrackedCall, injector: FaultInjector) -> None:
    """Have a session end, or drain, as its fault says; or as that of one of its batches."""
    form, pieces, fault = session.form, session.pieces, call.fault
    end = partial(_end_at_place, fault, injector)
    if isinstance(call.operation, OpenAppendSession):
        session.pieces = relay(pieces, AckChange(form, fault, injector))
    elif isinstance(fault, Drain) and form.can_advise:
        session.pieces = _drained(pieces, form, Draining(fault))
    elif isinstance(fault, Drain):
        # Its form has no advice to reconnect.
        session.pieces = _limited(pieces, fault.records or 0, end)
    elif isinstance(fault, Cut | Fail | Silence) and fault.records is not None:
        session.pieces = _limited(pieces, fault.records, end)
    elif injector.counts_reads:
        session.pieces = _counted(pieces, partial(injector.count_read, call))


def _counted(pieces: Pieces, count_read: Callable[[], object]) -> Pieces:
    """Count a read session as answered when it waits at the tail, or has ended."""
    is_answered = is_at_tail = False

    def count(piece: Piece | Step) -> None:
        nonlocal is_answered, is_at_tail
        if is_answered:
            return
        if isinstance(piece, Delivered):
            is_at_tail = piece.batch.is_at_tail
        elif is_at_tail or not getattr(piece, "is_network", False):
            # A wait for an upstream is one at the tail only behind what says so.
            is_answered = True
            count_read()

    try:
        yield from relay(pieces, count)
    except S2Error:
        count(READ)
        raise
    count(READ)


# Responses that break off.


def _break_off(response: S2Response, fault: Cut | Silence, end: End) -> None:
    """Have a response end after a part of its body; a session after a number of bytes."""
    size = fault.bytes
    if response.session is not None:
        if size is not None or fault.records is None:
            response.transform = partial(_cut_session, size=size, end=end)
        return
    # What breaks off is sent as it is. Without a body it has no length, so that its end is missing.
    response.coding, response.has_length = None, False
    response.headers = [field for field in response.headers if field[0] != "content-encoding"]
    if fault.records is not None:
        # An error has no records.
        read, size = response.read, len(response.body)
        if read is not None:
            size = _common_size(response.body, read.encode(read.batch.first(fault.records)))
    response.transform = partial(_cut_body, size=size, end=end)


def _common_size(whole: bytes, begun: bytes) -> int:
    """Return the number of bytes with which both begin."""
    limit = min(len(whole), len(begun))
    return next((at for at in range(limit) if whole[at] != begun[at]), limit)


def _cut_body(steps: Conversation, size: int | None, end: End) -> Conversation:
    """Send the head of a whole response and `size` bytes of its body; None: not even the head."""
    for step in steps:
        if not isinstance(step, Head):
            yield step
            continue
        if size is not None:
            body, headers = step.body or b"", step.headers
            # A forwarded response has its length already, which would be that of all of it.
            headers = [field for field in headers if field[0] != "content-length"]
            if size < len(body):
                headers = _with_length(headers, body)
            # Without a length, a response with all of its body is broken off too.
            yield Head(step.status, headers)
            if begun := body[:size]:
                yield begun
        break
    yield from end()


def _with_length(headers: list[tuple[str, str]], body: bytes) -> list[tuple[str, str]]:
    """Return headers with the length of the body, which a forwarded response may have already."""
    if any(name == "content-length" for name, _ in headers):
        return headers
    return [*headers, ("content-length", str(len(body)))]


def _cut_session(steps: Conversation, size: int | None, end: End) -> Conversation:
    """Send the head of a session, and `size` bytes of its body; None: not even the head."""
    left = size

    def change(step: Step) -> Conversation | None:
        if left is None or (not left and not isinstance(step, Head)):
            return end()
        return send_part(step) if isinstance(step, bytes) else None

    def send_part(data: bytes) -> Conversation:
        nonlocal left
        assert left is not None
        part = data[:left]
        left -= len(part)
        yield part
        if not left:
            yield from end()

    yield from relay(steps, change)
    yield from end()


# Slow responses.


class _Pace:
    """The pieces in which a response is sent, and the time that each takes."""

    def __init__(self, fault: Slow, injector: FaultInjector) -> None:
        self._injector = injector
        # Faster is as fast as it can be.
        rate = None if fault.bytes_per_second is None else min(fault.bytes_per_second, _MAX_RATE)
        self._rate: float | None = rate
        tenth = 1 if rate is None else max(1, int(rate / 10))
        self._chunk: int = tenth if fault.chunk is None else fault.chunk

    def pieces(self, data: bytes) -> Conversation:
        """Send the bytes, each piece when its time has passed and the one before has left."""
        for start in range(0, len(data), self._chunk):
            piece = data[start : start + self._chunk]
            if self._rate is not None:
                yield from self._injector.delay(len(piece) / self._rate)
            yield piece
            yield DRAINED


def _slow_down(steps: Conversation, pace: _Pace) -> Conversation:
    """Send the body of a response at that pace."""

    def change(step: Step) -> Conversation | None:
        if isinstance(step, Head) and step.body:
            return send_whole(step, step.body)
        return pace.pieces(step) if isinstance(step, bytes) and step else None

    def send_whole(head: Head, body: bytes) -> Conversation:
        yield Head(head.status, _with_length(head.headers, body))
        yield from pace.pieces(body)

    yield from relay(steps, change)


# Sessions.


def _limited(pieces: Pieces, left: int, end: End) -> Pieces:
    """Yield the pieces of a read up to that number of records, and then end it.

    It ends so even if it has fewer records.
    """
    with closing(pieces):
        if left:
            for piece in pieces:
                if not isinstance(piece, Delivered) or not piece.batch.spans:
                    yield piece
                    continue
                batch = piece.batch.first(left)
                # The whole of it is sent as it was made.
                yield piece if batch is piece.batch else Delivered(batch)
                left -= batch.count
                if not left:
                    break
        yield from end()


class Draining:
    """The progress of a session that drains, after a number of records of a read."""

    def __init__(self, fault: Drain) -> None:
        self._fault = fault
        self._left = fault.records or 0
        self._until: float | None = None

    @property
    def error(self) -> InjectedError:
        """The error that ends the session."""
        return error_of(self._fault)

    @property
    def is_over(self) -> bool:
        """True if the time after the advice is over."""
        return self._until is not None and self._seconds_left <= 0

    @property
    def read(self) -> Read | ReadWithin:
        """The step that reads more of the request; its result is None if that is too late."""
        return READ if self._until is None else ReadWithin(self._seconds_left)

    def advise(self) -> bool:
        """Return True if the next frame carries the advice, which is sent once."""
        if self._until is not None:
            return False
        self._until = monotonic() + _DRAIN_SECONDS
        return True

    def parts(self, batch: Batch) -> Iterator[tuple[Batch, bool]]:
        """Yield the parts of a batch, each with True if it carries the advice."""
        if self._left:
            first = batch.first(self._left)
            self._left -= first.count
            yield first, False
            batch = batch.after(first.count)
            if not batch.spans:
                return
        yield batch, self.advise()

    def limit(self, wait: Wait) -> Wait:
        """Return the wait, ended when the time after the advice is over."""
        return wait if self._until is None else _Limited(wait, self._seconds_left)

    @property
    def _seconds_left(self) -> float:
        assert self._until is not None
        return max(0.0, self._until - monotonic())


class _Limited:
    """A wait that ends after a number of seconds at the latest."""

    def __init__(self, wait: Wait, seconds: float) -> None:
        self._wait = wait
        self._seconds = seconds

    @property
    def timeout(self) -> float | None:
        own = self._wait.timeout
        return self._seconds if own is None else min(own, self._seconds)

    @property
    def is_on_clock(self) -> bool:
        return getattr(self._wait, "is_on_clock", False)

    @property
    def is_follower(self) -> bool:
        return getattr(self._wait, "is_follower", False)

    def subscribe(self, wake: Callable[[], None]) -> None:
        self._wait.subscribe(wake)


def _drained(pieces: Pieces, form: Form, draining: Draining) -> Pieces:
    """Yield the pieces of a read that drains. Raises the error that ends it."""
    with closing(pieces):
        for piece in pieces:
            if not isinstance(piece, Delivered):
                is_wait = hasattr(piece, "subscribe")
                yield draining.limit(cast("Wait", piece)) if is_wait else piece
            else:
                for batch, advises in draining.parts(piece.batch):
                    part = Delivered(batch)
                    yield part._replace(data=form.encode(part, advises_reconnect=advises))
                    if advises:
                        yield CloseAfterResponse()
            if draining.is_over:
                raise draining.error


class AckChange:
    """The change to the pieces of an append session: the faults of its batches.

    Raises `Dropped`, and the error that ends a session that drains.
    """

    def __init__(
        self,
        form: Form,
        fault: Fault | None,
        injector: FaultInjector,
    ) -> None:
        self._form = form
        self._injector = injector
        self._draining = Draining(fault) if isinstance(fault, Drain) else None

    def __call__(self, piece: Piece | Step) -> Generator[Piece | Step, Any, Any] | None:
        """Return the pieces in the place of one; None to leave it as it is."""
        if type(piece) is Acknowledged:
            fault = cast("TrackedCall", piece.call).fault
            if isinstance(fault, Drain) and self._draining is None:
                self._draining = Draining(fault)
            if isinstance(fault, Cut | Silence):
                return self._break_off(piece, fault)
            if isinstance(fault, Slow):
                return self._slow_down(piece, fault)
            if self._draining is not None and self._draining.advise():
                return self._advise(piece)
        elif self._draining is None:
            return None
        elif piece is READ:
            return self._read(self._draining)
        elif isinstance(piece, ReadUnless) or getattr(piece, "is_network", False):
            return self._read_or_wait(piece, self._draining)
        return None

    def _break_off(self, piece: Acknowledged, fault: Cut | Silence) -> Pieces:
        frame = self._form.encode(piece)
        # A part of it is always missing.
        yield piece._replace(data=frame[: min(fault.bytes or 0, len(frame) - 1)])
        if isinstance(fault, Silence) and (yield from self._injector.mute_connection()):
            # The batches that still arrive are appended, as those of other sessions are.
            return
        yield from _end_at_place(fault, self._injector)

    def _slow_down(self, piece: Acknowledged, fault: Slow) -> Pieces:
        yield piece._replace(data=b"")
        yield from _Pace(fault, self._injector).pieces(self._form.encode(piece))

    def _advise(self, piece: Acknowledged) -> Pieces:
        yield piece._replace(data=self._form.encode(piece, advises_reconnect=True))
        yield CloseAfterResponse()

    def _read_or_wait(self, step: Any, draining: Draining) -> Generator[Piece | Step, Any, Any]:
        """Wait for the upstream, and for the client if the step reads, while the session lasts."""
        if isinstance(step, ReadUnless):
            result = yield ReadUnless(draining.limit(step.wait))
        else:
            result = yield draining.limit(step)
        if draining.is_over:
            raise draining.error
        return result

    def _read(self, draining: Draining) -> Generator[Piece | Step, Any, bytes]:
        data: bytes | None = yield draining.read
        if data is None:
            raise draining.error
        return data
