"""The recorder: it takes a note of each request and its answer, for the journal."""

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec, Protocol, TypeVar

from s2mock.powers.call import RecordedRequest, RequestCall
from s2mock.powers.entry import LONG_HEAD, AnswerForm, Entry, head_size
from s2mock.powers.journal import Journal
from s2mock.powers.outcomes import Dropped, InjectedError, Replaced
from s2mock.powers.request_log import DEBUG, LOGGER, log_request
from s2mock.registry.rules.append import Append
from s2mock.registry.state import Effect
from s2mock.registry.values.errors import S2Error
from s2mock.runtime import failures
from s2mock.runtime.environ import fields_of
from s2mock.runtime.monotonic import monotonic

if TYPE_CHECKING:
    from s2mock.powers.exchange import Exchange

# The effects without numbers, so that one of each is kept.
_EFFECTS: Final = {Effect(kind): (kind, None, None) for kind in ("created", "updated", "deleted")}
_INJECTED: Final = (InjectedError, Dropped, Replaced)


Arguments = ParamSpec("Arguments")
Noted = TypeVar("Noted")
Noting = TypeVar("Noting", bound="_Noting")


class _Noting(Protocol):
    def lose(self, error: Exception, /, *arguments: Any) -> Any:
        """Keep an entry that says that the call with these arguments has failed."""


def _never_fails(
    note: Callable[Concatenate[Noting, Arguments], Noted],
) -> Callable[Concatenate[Noting, Arguments], Noted]:
    """The same method; its exceptions fail the test, as any of the fake's, and no request.

    The journal gets an entry that says so.
    """

    @wraps(note)
    def guarded(self: Noting, /, *arguments: Arguments.args, **more: Arguments.kwargs) -> Noted:
        noted: Any = None
        try:
            return note(self, *arguments, **more)
        except Exception as error:  # noqa: BLE001  # a request is to be answered, whatever it is
            failures.note(error)
            with suppress(Exception):
                LOGGER.error("s2mock failed to record an exchange", exc_info=error)
            with suppress(Exception):
                noted = self.lose(error, *arguments, **more)
        return noted  # type: ignore[no-any-return]  # as `note` has it

    return guarded


class RecordedResponse(Protocol):
    """What an answer has that is noted."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    plain: bytes | None
    session: Any


class Recorder:
    """Takes notes of requests and answers."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        # What the latest for each operation may have in common with the next.
        self._forms: dict[str, AnswerForm] = {}

    @_never_fails
    def note_answer(self, request: RecordedRequest, response: RecordedResponse) -> Entry | None:
        """An answer is about to leave; returns the entry of a session."""
        call, environ = request.call, request.environ
        if (
            call is None
            or response.session is not None
            or request.failure is not None
            or call.needs_entry
        ):
            return self.note(request, response, request.failure)
        if LOGGER.isEnabledFor(DEBUG):
            log_request(request, response, None)
        body = request.sent_body or b""
        said = response.body if response.plain is None else response.plain
        operation, effect, size = call.operation, call.effect, len(body) + len(said)
        name = operation.name
        fields, target = environ.get("s2mock.fields"), request.raw_path
        if fields is None:
            # Of a WSGI call. Its environ holds on to much.
            fields = fields_of(environ)
        if query := environ.get("QUERY_STRING"):
            target = f"{target}?{query}"
        last = self._forms.get(name)
        has_new_fields = last is None or last[2] != fields
        if last is not None and not has_new_fields:
            fields = last[2]
        form = (
            environ["REQUEST_METHOD"],
            target,
            fields,
            environ["SERVER_PROTOCOL"],
            environ.get("s2mock.connection"),
            name,
            operation.basin,
            response.status,
            tuple(response.headers),
        )
        if last == form:
            form = last
        else:
            self._forms[name] = form
            # Once for all that have it in common.
            if has_new_fields:
                size += head_size(target, fields)
            elif len(target) > LONG_HEAD:
                size += len(target)
        # As little as can be, since memory that is kept is not at hand for the next request: so no
        # environ, and what a request has in common with the one before is kept once.
        self._journal.note_plainly(
            (
                body,
                said,
                form,
                operation.stream,
                call.at,
                None if effect is None else _EFFECTS.get(effect) or tuple(effect),
                request.began,
                monotonic(),
                request.delivered,
                size,
            ),
            size,
        )
        return None

    @_never_fails
    def note(
        self, request: RecordedRequest, response: RecordedResponse | None, outcome: Exception | None
    ) -> Entry:
        """An answer is about to leave, or it is known that none will."""
        if LOGGER.isEnabledFor(DEBUG):
            log_request(request, response, outcome)
        entry = self._entry(request)
        call = request.call
        if call is not None:
            entry.take(call)
            call.entry = entry
        entry.body = request.raw_body if request.sent_body is None else request.sent_body
        if outcome is not None:
            _take_outcome(entry, outcome)
        if request.delivered is not None:
            entry.first_seq_num, entry.last_seq_num = request.delivered
        if response is not None:
            entry.status = response.status
            entry.headers = response.headers
            if response.session is None:
                entry.said = response.body if response.plain is None else response.plain
                entry.ended = monotonic()
            else:
                entry.session = entry
        else:
            entry.ended = monotonic()
        if request.is_late:
            entry.advice = (request.is_late,)
        entry.measure()
        self._journal.note(entry)
        return entry

    def lose(
        self,
        error: Exception,
        request: RecordedRequest,
        response: RecordedResponse | None,
        _outcome: Exception | None = None,
    ) -> Entry:
        """Note an exchange whose note cannot be taken; of a session, its entry."""
        entry = self._entry(request)
        entry.body = entry.said = None
        if response is not None:
            entry.status = response.status
        if response is not None and response.session is not None:
            entry.session = entry
        else:
            entry.ended = entry.began
        entry.lose(error)
        self._journal.note(entry)
        return entry

    def session(self, entry: Entry) -> "SessionNotes":
        """Notes of what goes on in a session that begins."""
        return SessionNotes(self._journal, entry)

    def exchange_of(self, call: RequestCall) -> "Exchange":
        """Return the exchange of a call, which may not have been answered yet."""
        entry = call.entry
        if entry is None:
            request = call.request
            entry = self._entry(request)
            entry.take(call)
            if call.is_batch:
                entry.body = request.payload
                entry.session = getattr(request.notes, "entry", None)
            else:
                entry.body = request.raw_body if request.sent_body is None else request.sent_body
        return self._journal.exchange(entry)

    def _entry(self, request: RecordedRequest) -> Entry:
        environ = request.environ
        entry = Entry(
            environ, request.raw_path, request.path_parameters, request.route_name, request.began
        )
        if "s2mock.connection" not in environ:
            entry.keep_little()
        return entry


class SessionNotes:
    """Notes of one session: each batch is an exchange, and the session itself keeps ranges."""

    __slots__ = ("_journal", "entry")

    def __init__(self, journal: Journal, entry: Entry) -> None:
        self._journal = journal
        self.entry: Entry = entry

    @_never_fails
    def batch(
        self,
        call: RequestCall,
        began: float,
        payload: bytes,
        answer: bytes | None,
        error: BaseException | None,
        *,
        has_left: bool,
    ) -> None:
        """A batch was appended and is about to be acknowledged, or was refused, or dropped.

        With `has_left` the client has left, and gets no answer.
        """
        session = self.entry
        entry = Entry(session.environ, session.path, session.parameters, "append", began)
        entry.take(call)
        call.entry = entry
        entry.session = session
        entry.body = payload
        entry.ended = monotonic()
        if answer is not None and not has_left:
            entry.status = 200
            entry.headers = session.headers
            entry.said = answer
        elif isinstance(error, S2Error) and not has_left:
            entry.status = error.status
        if error is not None:
            _take_outcome(entry, error)
        effect = call.effect
        if effect is not None and effect.first_seq_num is not None:
            if session.first_seq_num is None:
                session.first_seq_num = effect.first_seq_num
            session.last_seq_num = effect.last_seq_num
        self._journal.note(entry)

    @_never_fails
    def acked(self, call: RequestCall, append: Append, size: int, answer: bytes) -> None:
        """Note a batch that was appended without observers, before its acknowledgement is sent."""
        entry, effect = self.entry, call.effect
        assert effect is not None, "an append has an effect"
        if entry.first_seq_num is None:
            entry.first_seq_num = effect.first_seq_num
        entry.last_seq_num = effect.last_seq_num
        size += len(answer)
        # Not its bytes, which are as many again as those that the log keeps.
        self._journal.note_plainly(
            (
                append.batch,
                answer,
                entry,
                append.stream,
                call.at,
                effect,
                0.0,
                monotonic(),
                None,
                size,
            ),
            size,
        )

    def lose(self, error: Exception, call: Any = None, *_: Any, **__: Any) -> None:
        """Note a batch whose note cannot be taken; without a call, say so of the session."""
        session = self.entry
        if not isinstance(call, RequestCall):
            session.lose(error)
            if call is None:
                session.ended = session.began
            return
        entry = Entry(session.environ, session.path, session.parameters, "append", session.began)
        entry.session, entry.basin, entry.stream = session, session.basin, session.stream
        entry.body = entry.said = None
        entry.ended = entry.began
        entry.lose(error)
        self._journal.note(entry)

    @_never_fails
    def delivered(self, first_seq_num: int, last_seq_num: int) -> None:
        """A read is about to deliver records."""
        entry = self.entry
        if entry.first_seq_num is None:
            entry.first_seq_num = first_seq_num
        entry.last_seq_num = last_seq_num
        self._journal.session_went_on()

    @_never_fails
    def failed(self, error: Exception) -> None:
        """The session ends with an error."""
        _take_outcome(self.entry, error)

    @_never_fails
    def end(self) -> None:
        """The session is over."""
        self._journal.end(self.entry, monotonic())


def _take_outcome(entry: Entry, error: BaseException) -> None:
    """Note why there was no answer, or an error; not the error itself, which holds on to much."""
    entry.is_injected = isinstance(error, _INJECTED)
    code: Any = getattr(error, "given_code", None) or getattr(error, "code", None)
    if isinstance(error, S2Error):
        entry.failure = (type(error), error.rule, error.message, error.explanation)
        entry.code = code or None
