"""The recorder: it adds each request with its response to the journal, and to the log.

The log is the logger `s2mock` at the level DEBUG, with a line for each request.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, Protocol, TypeVar, cast

from s2mock.powers.connection_notes import explain_loss, explain_mute, is_muted, note_end, note_mute
from s2mock.powers.entry import (
    LONG_HEAD,
    Entry,
    ExchangeHead,
    Failure,
    Note,
    head_size,
    protocol_of,
)
from s2mock.powers.injected import InjectedError, Replaced
from s2mock.powers.journal import Journal
from s2mock.powers.redaction import redact_target
from s2mock.registry.operation import Call, Dropped
from s2mock.registry.rules.append import Append
from s2mock.registry.state import Effect
from s2mock.registry.values.errors import S2Error
from s2mock.runtime import failures
from s2mock.runtime.environ import fields_of
from s2mock.runtime.monotonic import monotonic

if TYPE_CHECKING:
    from s2mock.api.requests import S2Request
    from s2mock.api.responses import S2Response
    from s2mock.powers.call import TrackedCall
    from s2mock.powers.exchange import Exchange
    from s2mock.registry.log.batch import Batch

DEBUG: Final = logging.DEBUG
LOGGER: Final = logging.getLogger("s2mock")

# Effects without numbers, as plain tuples: one of each is kept.
_EFFECTS: Final = {Effect(kind): (kind, None, None) for kind in ("created", "updated", "deleted")}
_INJECTED: Final = (InjectedError, Dropped, Replaced)


Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
SomeRecorder = TypeVar("SomeRecorder", bound="_HasFallback")


class _HasFallback(Protocol):
    def record_failure(self, error: Exception, /, *arguments: Any) -> Any:
        """Add an entry with that error, for a call with these arguments."""


def _catch_failures(
    record: Callable[Concatenate[SomeRecorder, Arguments], Result],
) -> Callable[Concatenate[SomeRecorder, Arguments], Result]:
    """Return the method without exceptions: the request is answered even if recording fails.

    An exception is logged, fails the test (`failures.note`), and is passed to `record_failure`.
    """

    @wraps(record)
    def guarded(
        self: SomeRecorder, /, *arguments: Arguments.args, **more: Arguments.kwargs
    ) -> Result:
        result: Any = None
        try:
            return record(self, *arguments, **more)
        except Exception as error:  # of any kind, since the request goes on
            failures.note(error)
            with suppress(Exception):
                LOGGER.error("s2mock failed to record an exchange", exc_info=error)
            with suppress(Exception):
                result = self.record_failure(error, *arguments, **more)
        return result  # type: ignore[no-any-return]  # the type that `record` returns

    return guarded


class Recorder:
    """Adds requests and responses to a journal."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._store = journal.store
        # The latest head for each operation, which the next exchange may share.
        self._heads: dict[str, ExchangeHead] = {}

    @_catch_failures
    def record_response(self, request: "S2Request", response: "S2Response") -> Entry | None:
        """Record a response before it is sent; return the entry if a session begins with it."""
        call, environ = cast("TrackedCall | None", request.call), request.environ
        if (
            call is None
            or response.session is not None
            or request.failure is not None
            or call.needs_entry
        ):
            return self.record(request, response, request.failure)
        if LOGGER.isEnabledFor(DEBUG):
            _log_request(request, response, None)
        body = request.sent_body or b""
        response_body = response.body
        operation, effect, size = call.operation, call.effect, len(body) + len(response_body)
        name = operation.name
        fields, target = environ.get("s2mock.fields"), request.raw_path
        if fields is None:
            # Of a WSGI call. Its environ refers to large objects.
            fields = fields_of(environ)
        if query := environ.get("QUERY_STRING"):
            target = f"{target}?{query}"
        last = self._heads.get(name)
        has_new_fields = last is None or last.fields != fields
        if last is not None and not has_new_fields:
            fields = last.fields
        head = ExchangeHead(
            environ["REQUEST_METHOD"],
            target,
            fields,
            protocol_of(environ),
            environ.get("s2mock.connection"),
            name,
            operation.basin,
            response.status,
            tuple(response.headers),
        )
        if last == head:
            head = last
        else:
            self._heads[name] = head
            # Counted once for all exchanges that share it.
            if has_new_fields:
                size += head_size(target, fields)
            elif len(target) > LONG_HEAD:
                size += len(target)
        # As few objects as possible, and no environ: see `Bundle`.
        self._store.add_note(
            Note(
                body,
                response_body,
                head,
                operation.stream,
                call.at,
                None if effect is None else _EFFECTS.get(effect) or tuple(effect),
                request.began,
                monotonic(),
                None if response.read is None else _range_of(response.read.batch),
                size,
            )
        )
        return None

    @_catch_failures
    def record(
        self, request: "S2Request", response: "S2Response | None", outcome: Exception | None
    ) -> Entry:
        """Record a response before it is sent, or that there is none; return its entry."""
        entry = self._decided_entry(request, response, outcome)
        if outcome is not None:
            self.note_end(entry, outcome)
        if response is None:
            self._explain_loss(entry, outcome)
            entry.is_left = outcome is None and not self._journal.was_cut_since(entry.began)
        else:
            entry.status = response.status
            entry.headers = response.headers
            if response.read is not None and (numbers := _range_of(response.read.batch)):
                entry.first_seq_num, entry.last_seq_num = numbers
            if response.session is None:
                entry.response_body = response.body
        return self._add(entry, request, response)

    @_catch_failures
    def record_lost(
        self, request: "S2Request", response: "S2Response", outcome: Exception | None
    ) -> Entry:
        """Record that a response does not reach the client, and why; return its entry.

        The client has disconnected, or nothing more is sent on its connection.
        """
        entry = self._decided_entry(request, None, outcome)
        self._explain_loss(entry, outcome)
        entry.is_left = not self._journal.was_cut_since(entry.began)
        return self._add(entry, request, response)

    def _decided_entry(
        self, request: "S2Request", response: "S2Response | None", outcome: Exception | None
    ) -> Entry:
        """Return an entry with the request, its call and its outcome; log it."""
        if LOGGER.isEnabledFor(DEBUG):
            _log_request(request, response, outcome)
        entry = self._entry(request)
        call = cast("TrackedCall | None", request.call)
        if call is not None:
            # First: it may be carried out late at any time from now on.
            call.entry = entry
            _update_from_call(entry, call)
        entry.body = request.raw_body if request.sent_body is None else request.sent_body
        if outcome is not None:
            _set_outcome(entry, outcome)
        return entry

    def _explain_loss(self, entry: Entry, outcome: Exception | None) -> None:
        """Set which other exchange has muted or ended the connection; an error has its own end."""
        explain = explain_loss if outcome is None else explain_mute
        entry.lost_with = explain(entry, self._store)

    def _add(self, entry: Entry, request: "S2Request", response: "S2Response | None") -> Entry:
        """Add an entry; return it."""
        if response is None or response.session is None:
            entry.ended = monotonic()
        else:
            entry.session = entry
        entry.advice = request.advice
        entry.measure()
        self._store.add(entry)
        return entry

    def record_failure(
        self,
        error: Exception,
        request: "S2Request",
        response: "S2Response | None",
        _outcome: Exception | None = None,
    ) -> Entry:
        """Add an entry with that error, for an exchange that could not be recorded."""
        entry = self._entry(request)
        entry.body = entry.response_body = None
        if response is not None:
            entry.status = response.status
        if response is not None and response.session is not None:
            entry.session = entry
        else:
            entry.ended = entry.began
        entry.set_recording_error(error)
        self._store.add(entry)
        return entry

    def note_end(self, entry: Entry, outcome: BaseException) -> None:
        """Note at its connection that the exchange ends that, for the others on it."""
        if isinstance(outcome, Dropped) and outcome.reset.connection:
            note_end(entry, self._store)

    def note_mute(self, entry: Entry) -> None:
        """Note at its connection that the exchange mutes that, for the others on it."""
        note_mute(entry, self._store)

    def start_session(self, entry: Entry) -> "SessionRecorder":
        """Return a recorder for the session that begins with this entry."""
        return SessionRecorder(self._journal, entry)

    def exchange_of(self, call: "TrackedCall") -> "Exchange":
        """Return the exchange of a call, which may not have a response yet."""
        entry = call.entry
        if entry is None:
            request = call.request
            entry = self._entry(request)
            _update_from_call(entry, call)
            if call.is_batch:
                entry.body = call.payload
                opening = cast("TrackedCall | None", request.call)
                entry.session = None if opening is None else opening.entry
            else:
                entry.body = request.raw_body if request.sent_body is None else request.sent_body
        return self._journal.to_exchange(entry)

    def record_late(self, call: "TrackedCall") -> None:
        """Record what has become of a call that a `Late` has taken, in the entry that it has."""
        if (entry := call.entry) is not None:
            _update_from_call(entry, call)
        self._journal.store.notifier.notify()

    def _entry(self, request: "S2Request") -> Entry:
        environ = request.environ
        entry = Entry(
            environ, request.raw_path, request.path_parameters, request.route_name, request.began
        )
        if "s2mock.connection" not in environ:
            entry.reduce_environ()
        return entry


class SessionRecorder:
    """Adds the batches of one session to a journal, and the range of records to its entry."""

    __slots__ = ("_batch", "_journal", "_notes", "_store", "entry")

    def __init__(self, journal: Journal, entry: Entry) -> None:
        self._journal = journal
        self._store = journal.store
        self.entry: Entry = entry
        # The last batch with a fault, and the notes of the connection.
        self._batch: Entry | None = None
        self._notes: object = entry.environ.get("s2mock.notes")

    @property
    def _affected(self) -> Entry:
        """The entry with the fault that ends or mutes the connection."""
        has_own = self.entry.fault is not None or self._batch is None
        return self.entry if has_own else cast("Entry", self._batch)

    @_catch_failures
    def record_batch(
        self, call: "TrackedCall", ack: bytes | None, error: BaseException | None
    ) -> None:
        """Record a batch before its acknowledgement is sent, or that it has none."""
        session, has_left = self.entry, call.request.has_left()
        entry = Entry(session.environ, session.path, session.parameters, "append", call.began)
        call.entry = entry
        _update_from_call(entry, call)
        entry.session = session
        entry.body = call.payload
        entry.ended = monotonic()
        if ack is not None and not has_left:
            entry.status = 200
            entry.headers = session.headers
            entry.response_body = ack
        elif isinstance(error, S2Error) and not has_left:
            entry.status = error.status
        if error is not None:
            _set_outcome(entry, error)
        if isinstance(error, GeneratorExit):
            entry.lost_with = explain_loss(entry, self._store)
        elif has_left:
            entry.lost_with = explain_mute(entry, self._store)
        if has_left or isinstance(error, GeneratorExit):
            entry.is_left = not self._journal.was_cut_since(entry.began)
        if call.fault is not None:
            self._batch = entry
        effect = call.effect
        if effect is not None and effect.first_seq_num is not None:
            if session.first_seq_num is None:
                session.first_seq_num = effect.first_seq_num
            session.last_seq_num = effect.last_seq_num
        self._store.add(entry)

    @_catch_failures
    def record_acknowledgement(self, call: "TrackedCall", ack: bytes) -> None:
        """Record a batch before its acknowledgement is sent."""
        request = call.request
        if call.needs_entry or request.account.observers or request.has_left():
            self.record_batch(call, ack, None)
            return
        entry, effect, append = self.entry, call.effect, call.operation
        assert effect is not None, "an append has an effect"
        assert isinstance(append, Append), "a batch is an append"
        if entry.first_seq_num is None:
            entry.first_seq_num = effect.first_seq_num
        entry.last_seq_num = effect.last_seq_num
        # Without its bytes, which would take as much memory again as the records of the log.
        self._store.add_note(
            Note(
                append.batch,
                ack,
                entry,
                append.stream,
                call.at,
                effect,
                0.0,
                monotonic(),
                None,
                len(call.payload or b"") + len(ack),
            )
        )

    def record_failure(self, error: Exception, call: Any = None, *_: Any, **__: Any) -> None:
        """Add an entry with that error for a batch; without one, set it at the session's entry."""
        session = self.entry
        if not isinstance(call, Call):
            session.set_recording_error(error)
            if call is None:
                session.ended = session.began
            return
        entry = Entry(session.environ, session.path, session.parameters, "append", session.began)
        entry.session, entry.basin, entry.stream = session, session.basin, session.stream
        entry.body = entry.response_body = None
        entry.ended = entry.began
        entry.set_recording_error(error)
        self._store.add(entry)

    @_catch_failures
    def record_delivery(self, first_seq_num: int, last_seq_num: int) -> None:
        """Record the sequence numbers of records before a read session sends them."""
        entry = self.entry
        if self._notes and is_muted(entry.environ):
            return
        if entry.first_seq_num is None:
            entry.first_seq_num = first_seq_num
        entry.last_seq_num = last_seq_num
        self._journal.notify_of_progress()

    @_catch_failures
    def record_error(self, error: Exception) -> None:
        """Record the error that ends the session."""
        _set_outcome(self.entry, error)
        if isinstance(error, Dropped) and error.reset.connection:
            note_end(self._affected, self._store)

    @_catch_failures
    def record_mute(self) -> None:
        """Record that the session, or its last batch with a fault, mutes the connection."""
        note_mute(self._affected, self._store)

    @_catch_failures
    def record_loss(self) -> None:
        """Record that the client, or the end of the connection, has ended the session."""
        self.entry.lost_with = explain_loss(self.entry, self._store)

    @_catch_failures
    def record_end(self) -> None:
        """Record that the session has ended."""
        if self._notes and self.entry.lost_with is None:
            self.entry.lost_with = explain_mute(self.entry, self._store)
        self._journal.end_session(self.entry, monotonic())


def _range_of(batch: "Batch") -> tuple[int, int] | None:
    """Return the first and the last sequence number of a batch; None if it has no records."""
    spans = batch.spans
    return (spans[0].first_seq_num, batch.end_seq_num - 1) if spans else None


def _update_from_call(entry: Entry, call: "TrackedCall") -> None:
    """Copy what is known of a call and its operation by now."""
    operation = call.operation
    entry.is_operation = True
    entry.name = operation.name
    entry.basin = operation.basin
    entry.stream = operation.stream
    entry.at = call.at
    entry.effect = call.effect
    entry.fault = call.fault
    entry.late = call.late
    entry.held = call.held
    entry.held_at = call.held_at


def _set_outcome(entry: Entry, error: BaseException) -> None:
    """Copy the parts of an error to the entry; the error itself refers to large objects."""
    entry.is_injected = isinstance(error, _INJECTED)
    code: Any = getattr(error, "given_code", None) or getattr(error, "code", None)
    if isinstance(error, S2Error):
        entry.failure = Failure(type(error), error.rule, error.message, error.explanation)
        entry.code = code or None


def _log_request(
    request: "S2Request", response: "S2Response | None", outcome: Exception | None
) -> None:
    """Log a line such as `POST /v1/basins 201 create-basin my-basin (0.4 ms)`.

    Without a response, its status is `---`.
    """
    environ, call = request.environ, cast("TrackedCall | None", request.call)
    path, _, query = (environ.get("REQUEST_URI") or environ["PATH_INFO"]).partition("?")
    parts = [environ["REQUEST_METHOD"], redact_target(path, query)]
    parts.append("---" if response is None else str(response.status))
    if call is not None:
        operation = call.operation
        parts += [name for name in (operation.name, operation.basin, operation.stream) if name]
    code = getattr(outcome, "code", None)
    if code:
        parts.append(code)
    fault = None if call is None else call.fault
    if fault is not None:
        parts.append(repr(fault))
    LOGGER.debug("%s (%.1f ms)", " ".join(parts), (monotonic() - request.began) * 1000)
