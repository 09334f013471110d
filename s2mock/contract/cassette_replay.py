"""Replay of a cassette: a fresh fake gets its requests, in the order and at the times in it."""

import base64
import contextlib
import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from math import inf
from typing import Final, Literal, NamedTuple, Self

from google.protobuf.message import DecodeError

from s2mock.contract.client import Client
from s2mock.contract.connection import AnyConnection, connect
from s2mock.contract.exchange import Call, Protocol, Reply, comparable
from s2mock.contract.ledger import Comparable
from s2mock.contract.pending_deletions import NotReplayable, deletion_delay
from s2mock.contract.recordings import Exchange as RecordedExchange
from s2mock.contract.replay import Comparison, RecordedTime, compare
from s2mock.contract.sessions import Frame, Session
from s2mock.exports import cassette as cassettes
from s2mock.exports.cassette import Cassette
from s2mock.exports.secret_values import ENCRYPTION_KEY
from s2mock.handles.backends.in_process import EngineBackend
from s2mock.handles.mock import S2Mock
from s2mock.json_bodies.control_plane import basin_config, stream_config
from s2mock.powers.exchange import Exchange
from s2mock.powers.faults import Delay, Slow
from s2mock.powers.redaction import REDACTED
from s2mock.registry.rules.basins import EnsureBasin
from s2mock.registry.rules.streams import EnsureStream
from s2mock.registry.values.errors import S2Error
from s2mock.registry.values.records import AppendRecord, SequencedRecord

FRAMING_HEADERS: Final = (
    "connection",
    "content-encoding",
    "content-length",
    "date",
    "keep-alive",
    "transfer-encoding",
)
"""Headers of answers that a journal has from some servers only: those of the message's framing."""

_MILLISECOND: Final = 1_000_000
_SECOND: Final = 1_000_000_000
# In seconds of real time. A request that the fake has not answered by then may wait for its clock.
_PATIENCE: Final = 2.0
_TIMEOUT: Final = 10.0
_BLOCKED_SECONDS: Final = 0.02
_OF_CONNECTION: Final = frozenset(
    {
        *FRAMING_HEADERS,
        "authorization",
        "expect",
        "http2-settings",
        "proxy-connection",
        "te",
        "upgrade",
    }
)
_SESSIONS: Final = ("text/event-stream", "s2s/")
_ACKNOWLEDGED: Final = 200
_BAD_KEY: Final = b"invalid encryption key"


class Result(NamedTuple):
    """An exchange with the comparison of its answers, or why there is none."""

    exchange: Exchange
    comparison: Comparison | None
    reason: str = ""

    @property
    def is_new(self) -> bool:
        """True if the answers differ, and not by a known difference."""
        found = self.comparison
        return found is not None and not found.is_equal and found.known is None


class _Clock(RecordedTime):
    """The time of the recording, which passes while the fake waits, but not beyond `limit`."""

    def __init__(self) -> None:
        super().__init__()
        # In nanoseconds since the Unix epoch.
        self.limit: float = inf
        # By identity; kept, so that no later one has the same.
        self._blocked: dict[int, threading.Condition] = {}

    @property
    def waits(self) -> int:
        """The number of waiters that have found the limit before them."""
        return len(self._blocked)

    def wait(self, condition: threading.Condition, until: int) -> None:
        """Move to `until`; beyond the limit, wait for another operation or another limit."""
        if until <= self.limit:
            super().wait(condition, until)
        else:
            self._blocked[id(condition)] = condition
            condition.wait(_BLOCKED_SECONDS)


Step = tuple[Exchange, Callable[[Exchange], None]]


class _OpenRead:
    """A read that waits for records: a session or a long poll, whose bytes a thread takes in."""

    def __init__(self, session: Session, opened: int) -> None:
        self.session = session
        # In nanoseconds of the fake's clock, which may be ahead of the recorded time.
        self.opened = opened
        self._thread = threading.Thread(target=self._drain, name="s2mock-drift", daemon=True)
        self._thread.start()

    def _drain(self) -> None:
        with contextlib.suppress(OSError, ValueError, AssertionError):
            for _ in self.session.pieces():
                pass

    def ends_within(self, seconds: float) -> bool:
        """Return True if the answer has ended within that time."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def close(self) -> None:
        """Close the connection."""
        self.session.shut_down()
        self._thread.join(_TIMEOUT)
        self.session.close()


class CassetteReplay:
    """A fake that gets the requests of a cassette. Raises `ValueError` if none can be sent."""

    def __init__(self, cassette: Cassette) -> None:
        self._cassette = cassette
        exchanges = cassette.exchanges
        statuses = [one.response.status for one in exchanges if one.response is not None]
        auth: Literal["open", "required"] = "required" if 401 in statuses else "open"
        # A server without CORS headers never sends this one.
        has_cors = any(
            "access-control-allow-credentials" in one.response.headers
            for one in exchanges
            if one.response is not None
        )
        self._clock = _Clock()
        self._mock = S2Mock(
            clock=self._clock,
            auth=auth,
            cors=has_cors,
            journal_limit=10 * len(exchanges) + 1000,
            journal_bytes=1 << 32,
        )
        self._client = Client(self._mock.url, token=None)
        self._connections: dict[str, AnyConnection] = {}
        self._sessions: dict[int, Session] = {}
        self._reads: dict[int, _OpenRead] = {}
        self._tokens: dict[str, str] = {}
        # The exchanges of the fake, by the numbers of the recorded ones.
        self._answers: dict[int, int] = {}
        self._failures: dict[int, str] = {}
        self._claimed: set[int] = set()
        self._pending: dict[tuple[str, str], list[SequencedRecord]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for read in self._reads.values():
            read.close()
        for connection in (*self._connections.values(), *self._sessions.values()):
            connection.close()
        self._mock.close()

    def run(self, ignored_headers: Sequence[str] = ()) -> list[Result]:
        """Send all requests, and return a result for each exchange."""
        first = next((one.at for one in self._cassette.exchanges if one.at is not None), None)
        if first is not None:
            self._clock.begin(first // _MILLISECOND)
        self._prepare()
        for exchange, act in self._steps():
            self._go_on(exchange)
            if exchange.effect.kind == "deleted":
                engine = self._mock.account.engine
                delay = _deletion_delay(self._cassette.exchanges, exchange)
                engine.settings = engine.settings._replace(deletion_delay=delay)
            act(exchange)
        account = EngineBackend(self._mock.account.engine)
        text = cassettes.render(tuple(self._mock.journal), account)
        fakes = {one.number: one for one in cassettes.parse(text).exchanges}
        return [
            self._result(one, fakes, {*FRAMING_HEADERS, *ignored_headers})
            for one in self._cassette.exchanges
        ]

    def _steps(self) -> list[Step]:
        """Return what to do, in order.

        Requests are sent in the order of the journal, which is that of their answers. A read that
        waits begins before the others that came while it waited, and ends after them.
        """
        exchanges = self._cassette.exchanges
        found: list[tuple[int, int, Step]] = []
        last_of = {one.session: at for at, one in enumerate(exchanges) if one.session is not None}

        def first_after(time: float, default: int) -> int:
            later = (at for at, one in enumerate(exchanges) if one.began > time)
            return min(next(later, default), default)

        for at, one in enumerate(exchanges):
            is_batch = one.session is not None and one.session != one.number
            if not _is_sent(one):
                continue
            if is_batch:
                found.append((at, 1, (one, self.send_batch)))
            elif one.operation == "append-session" and _status(one) == _ACKNOWLEDGED:
                found.append((at, 1, (one, self.open_session)))
                found.append((last_of.get(one.number, at), 2, (one, self.end_session)))
            elif _waits(one):
                begin = first_after(one.began, at)
                found.append((begin, 0, (one, self.open_read)))
                ended = inf if one.ended is None else one.ended
                # What has ended a poll may have been recorded right after it.
                end = max(at, first_after(ended, len(exchanges)) - 1)
                found.append((end, 3, (one, self.end_read)))
            else:
                found.append((at, 1, (one, self.send)))
        return [step for _, _, step in sorted(found, key=lambda entry: entry[:2])]

    # Before the first request.

    def _prepare(self) -> None:
        """Make what was there before; records are appended when an exchange shows them."""
        engine = self._mock.account.engine
        for basin in self._cassette.basins:
            if basin.config is not None:
                engine.carry_out(EnsureBasin(basin.name, basin_config(basin.config)))
            for stream in basin.streams:
                if stream.config is not None:
                    config = stream_config(stream.config)
                    engine.carry_out(EnsureStream(basin.name, stream.name, config))
                self._pending[basin.name, stream.name] = [*stream.records]
        for one in self._cassette.exchanges:
            if _is_applied_unseen(one):
                self._expect_records(one)
        for records in self._pending.values():
            records.sort(key=lambda record: record.seq_num)

    def _expect_records(self, exchange: Exchange) -> None:
        """Add the records of an append that cannot be sent at its place to those of no exchange."""
        first, last = exchange.effect.first_seq_num, exchange.effect.last_seq_num
        if first is None or last is None or exchange.basin is None or exchange.stream is None:
            return
        document = None
        if exchange.request.body is not None:
            from s2mock.diagnostics.documents import decode_request

            headers = exchange.request.headers
            document = decode_request(
                "append",
                headers.get("content-type", ""),
                headers.get("s2-format", "raw"),
                exchange.request.body,
            )
        given = document.get("records", ()) if isinstance(document, dict) else ()
        for number in range(last - first + 1):
            one = given[number] if number < len(given) else {}
            headers_of = tuple(
                (_bytes(name), _bytes(value)) for name, value in one.get("headers", ())
            )
            record = SequencedRecord(
                first + number, one.get("timestamp", 0), headers_of, _bytes(one.get("body", "")), 0
            )
            self._pending.setdefault((exchange.basin, exchange.stream), []).append(record)

    # Steps.

    def _go_on(self, exchange: Exchange) -> None:
        if exchange.at is not None:
            self._clock.go_on(exchange.at // _MILLISECOND)
        self._append_pending(exchange)

    def _append_pending(self, exchange: Exchange) -> None:
        """Append the records of no exchange that this one shows to be there."""
        place = (exchange.basin or "", exchange.stream or "")
        records = self._pending.get(place)
        if not records:
            return
        least = _shown_tail(exchange)
        while records and records[0].seq_num < least:
            try:
                stream = self._mock.basin(place[0]).stream(place[1])
                if stream.tail.seq_num != records[0].seq_num:
                    return
                record = records.pop(0)
                stream.append([AppendRecord(record.body, record.headers, record.timestamp or None)])
            except S2Error:
                return

    def send(self, exchange: Exchange) -> None:
        """Send a request, and wait for its answer."""
        protocol: Protocol = "h2c" if exchange.protocol == "h2c" else "HTTP/1.1"
        if protocol not in self._connections:
            self._connections[protocol] = connect(self._mock.url, protocol)
        call, number = self._call(exchange), exchange.number
        with self._patience(exchange):
            try:
                self._connections[protocol].send(call)
            except (OSError, UnicodeError, ValueError) as error:
                self._failures[number] = f"the request cannot be sent: {error}"
                self._connections.pop(protocol).close()
                return
        self._claim(exchange, call)

    def open_session(self, exchange: Exchange) -> None:
        """Open an append session; its batches follow."""
        call = self._call(exchange)
        self._sessions[exchange.number] = Session(
            self._client, call.method, call.path, headers=call.headers, body_open=True
        )
        self._claim(exchange, call)

    def send_batch(self, exchange: Exchange) -> None:
        """Send a batch of a session, and wait until it is in the fake's journal."""
        session = self._sessions.get(exchange.session or 0)
        number = self._answers.get(exchange.session or 0)
        if session is None or number is None or exchange.request.body is None:
            self._failures[exchange.number] = "its session is not in the cassette"
            return
        with contextlib.suppress(OSError):
            session.send(Frame(0, exchange.request.body).encode())
        body = exchange.request.body
        self._claim_if(
            exchange,
            lambda one: one.session == number != one.number and one.request.body == body,
        )

    def end_session(self, exchange: Exchange) -> None:
        """End an append session, and read its answer to the end."""
        session = self._sessions.pop(exchange.number, None)
        if session is None:
            return
        with contextlib.suppress(OSError, ValueError, AssertionError):
            session.half_close()
            session.rest()
        session.close()

    def open_read(self, exchange: Exchange) -> None:
        """Send a read that waits, and return once it waits or is answered."""
        call = self._call(exchange)
        waits, last = self._clock.waits, self._mock.journal.last_number
        self._clock.limit = self._clock.now()
        try:
            session = Session(self._client, call.method, call.path, headers=call.headers)
        except (OSError, UnicodeError) as error:
            self._failures[exchange.number] = f"the request cannot be sent: {error}"
            return
        self._reads[exchange.number] = _OpenRead(session, self._clock.now())
        until = threading.Event()
        for _ in range(int(_TIMEOUT / _BLOCKED_SECONDS)):
            if self._clock.waits > waits or self._mock.journal.last_number > last:
                break
            until.wait(_BLOCKED_SECONDS)

    def end_read(self, exchange: Exchange) -> None:
        """Let the time of a read pass, wait for what it was given, and end it."""
        read = self._reads.get(exchange.number)
        if read is None:
            return
        self._clock.limit = max(self._end_of(exchange), self._end_of(exchange, read.opened))
        call = self._call(exchange)
        self._claim(exchange, call)
        number = self._answers.get(exchange.number)
        if _is_bounded(exchange) or _is_refused(exchange):
            if not read.ends_within(_PATIENCE):
                self._clock.limit = inf
                read.ends_within(_TIMEOUT)
        elif number is not None and (last := exchange.effect.last_seq_num) is not None:
            self._wait_for_record(number, last)
        read.close()
        del self._reads[exchange.number]

    def _wait_for_record(self, number: int, last: int) -> None:
        pause = threading.Event()
        for _ in range(int(_PATIENCE / _BLOCKED_SECONDS)):
            found = self._mock.journal.since(number - 1)[0]
            if found.ended is not None or (found.effect.last_seq_num or -1) >= last:
                return
            pause.wait(_BLOCKED_SECONDS)

    @contextlib.contextmanager
    def _patience(self, exchange: Exchange) -> Iterator[None]:
        """Let time pass as far as this exchange took; without limit if nothing else waits."""
        self._clock.limit = self._end_of(exchange) if self._reads else inf
        timer = threading.Timer(_PATIENCE, lambda: setattr(self._clock, "limit", inf))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()
            self._clock.limit = self._clock.now() if self._reads else inf

    def _end_of(self, exchange: Exchange, began: int | None = None) -> float:
        """Return when an exchange has ended, in nanoseconds of the account's clock, and a second.

        `began` is when it has begun on the fake, by default at the recorded time.
        """
        if began is None:
            began = self._clock.now() if exchange.at is None else exchange.at
        seconds = 0.0 if exchange.ended is None else exchange.ended - exchange.began
        return began + int((seconds + 1) * _SECOND)

    # Requests and answers.

    def _call(self, exchange: Exchange) -> Call:
        request = exchange.request
        headers = {
            name: value for name, value in request.headers.items() if name not in _OF_CONNECTION
        }
        # A host may name the basin; that of a recording server does not.
        if headers.get("host", "").rpartition(":")[0].replace(".", "").isdigit():
            del headers["host"]
        if _status(exchange) == 415 and "content-encoding" in request.headers:
            headers["content-encoding"] = request.headers["content-encoding"]
        if ENCRYPTION_KEY in headers:
            headers[ENCRYPTION_KEY] = _key_for(headers[ENCRYPTION_KEY])
        if "authorization" in request.headers:
            headers["authorization"] = f"Bearer {self._token_for(exchange)}"
        target = f"{request.path}?{request.query}" if request.query else request.path
        return Call(request.method, target, headers, request.body or None)

    def _token_for(self, exchange: Exchange) -> str:
        if _status(exchange) == 401:
            return "of-no-account"
        return self._tokens.get(exchange.token_id or "", self._mock.token)

    def _has_unknown_end(self, exchange: Exchange) -> bool:
        """True for an append session that ended with the error of no batch in the cassette."""
        if exchange.operation != "append-session" or _status(exchange) != _ACKNOWLEDGED:
            return False
        message = exchange.response and exchange.response.message
        return message is not None and not any(
            one.session == exchange.number
            and one.number != exchange.number
            and _status(one) != _ACKNOWLEDGED
            for one in self._cassette.exchanges
        )

    def _claim(self, exchange: Exchange, call: Call) -> None:
        path, _, query = call.path.partition("?")
        self._claim_if(
            exchange,
            lambda one: (
                (one.request.method, one.request.path, one.request.query)
                == (call.method, path, query)
                and one.session in (None, one.number)
            ),
        )
        if exchange.operation == "issue-access-token" and exchange.number in self._answers:
            [answer] = self._mock.journal.since(self._answers[exchange.number] - 1)[:1]
            self._learn_token(exchange, answer)

    def _learn_token(self, exchange: Exchange, answer: Exchange) -> None:
        if answer.response is not None and answer.response.status == 201:
            asked = json.loads(exchange.request.body or b"{}")
            name = asked[0] if isinstance(asked, list) else asked.get("id")
            self._tokens[name] = json.loads(answer.response.body or b"{}")["access_token"]

    def _claim_if(self, exchange: Exchange, fits: Callable[[Exchange], bool]) -> None:
        """Find the fake's exchange for a recorded one; it is there before its answer leaves."""
        pause = threading.Event()
        first = max(self._claimed, default=0) if not self._reads else 0
        for _ in range(int(_TIMEOUT / _BLOCKED_SECONDS)):
            for one in self._mock.journal.since(0 if self._reads else max(0, first - 50)):
                if one.number not in self._claimed and fits(one):
                    self._claimed.add(one.number)
                    self._answers[exchange.number] = one.number
                    return
            pause.wait(_BLOCKED_SECONDS)
        self._failures[exchange.number] = "the fake has not answered it"

    def _result(self, exchange: Exchange, fakes: dict[int, Exchange], ignored: set[str]) -> Result:
        if (reason := _why_not_compared(exchange)) is not None:
            return Result(exchange, None, reason)
        if self._has_unknown_end(exchange):
            return Result(exchange, None, "the frame that ended the session is in no exchange")
        fake = fakes.get(self._answers.get(exchange.number, 0))
        if fake is None:
            return Result(exchange, None, self._failures.get(exchange.number, "it was not sent"))
        if _is_followed(exchange):
            fake = _until(fake, exchange.effect.last_seq_num)
        call = self._call(exchange)
        # What is redacted in a header is not compared.
        headers = {} if exchange.response is None else exchange.response.headers
        ignored = ignored | {name for name, value in headers.items() if value == REDACTED}
        ours, theirs = (_comparable(call, one, ignored) for one in (fake, exchange))
        return Result(exchange, compare(call, ours, theirs))


def _waits(exchange: Exchange) -> bool:
    """True for a read that may be answered by what comes after it."""
    is_read = exchange.operation == "read" and exchange.request.method == "GET"
    return is_read and (_is_session(exchange) or "wait=" in exchange.request.query)


def _is_sent(exchange: Exchange) -> bool:
    """True if the fake gets the request: for its answer, or for its effect."""
    if _is_applied_unseen(exchange) or exchange.request.body is None:
        return False
    return _why_not_compared(exchange) is None or exchange.effect.committed


def _is_applied_unseen(exchange: Exchange) -> bool:
    """True for an append that took effect at another time, or whose body is gone."""
    if exchange.operation != "append" or not exchange.effect.committed:
        return False
    is_late = type(exchange.fault).__name__ == "Late"
    return is_late or exchange.request.body is None


def _why_not_compared(exchange: Exchange) -> str | None:
    fault = exchange.fault
    if fault is not None and not isinstance(fault, Delay | Slow):
        return f"{fault!r} was injected"
    if exchange.response is None:
        return "it had no answer"
    body = exchange.response.body
    if ENCRYPTION_KEY in exchange.request.headers and _BAD_KEY in (body or b""):
        return "its encryption key is blacked out"
    if exchange.request.body is None or (body is None and not _is_session(exchange)):
        return "the journal no longer kept its body"
    return None


def _status(exchange: Exchange) -> int:
    return 0 if exchange.response is None else exchange.response.status


def _is_refused(exchange: Exchange) -> bool:
    return _status(exchange) != _ACKNOWLEDGED


def _is_session(exchange: Exchange) -> bool:
    """True for a session, whose body is in no journal."""
    if exchange.response is None:
        return False
    return exchange.response.headers.get("content-type", "").startswith(_SESSIONS)


def _is_bounded(exchange: Exchange) -> bool:
    """True for a read that ends by itself."""
    if not _is_session(exchange):
        return True
    names = {part.partition("=")[0] for part in exchange.request.query.split("&")}
    return bool(names & {"count", "bytes", "until", "wait"})


def _is_followed(exchange: Exchange) -> bool:
    """True for a read session that its client has ended."""
    is_read = exchange.operation == "read" and _is_session(exchange)
    return is_read and not _is_bounded(exchange)


def _until(fake: Exchange, last: int | None) -> Exchange:
    """Return a read session of the fake as if its client had left after that record."""
    found = fake.effect.last_seq_num
    if found is None or (last is not None and found <= last):
        return fake
    first = None if last is None else fake.effect.first_seq_num
    return replace(fake, effect=replace(fake.effect, first_seq_num=first, last_seq_num=last))


def _shown_tail(exchange: Exchange) -> int:
    """Return the least tail that the stream had when an exchange was answered."""
    effect = exchange.effect
    if exchange.operation == "append" and effect.first_seq_num is not None:
        return effect.first_seq_num
    if exchange.operation == "read" and effect.last_seq_num is not None:
        return effect.last_seq_num + 1
    response = exchange.response
    with contextlib.suppress(ValueError, AttributeError, TypeError, KeyError):
        document = json.loads((response and response.body) or b"")
        if "seq_num_mismatch" in document:
            return int(document["seq_num_mismatch"])
        return int(document["tail"]["seq_num"])
    return 0


def _comparable(call: Call, exchange: Exchange, ignored: set[str]) -> Comparable:
    """Return the parts of an answer that must be equal, and the effect of the operation."""
    response = exchange.response
    assert response is not None, "an exchange with an answer"
    headers = tuple(
        (name, _without_coding(name, value))
        for name, value in response.headers.items()
        if name not in ignored
    )
    body = response.body or b""
    is_batch = exchange.session is not None and exchange.session != exchange.number
    if is_batch and body:
        body = Frame(0, body).encode()
    try:
        parts = comparable(call, Reply(response.status, headers, body))
    except (DecodeError, LookupError, TypeError, UnicodeError, ValueError):
        # A body that is not of its form.
        parts = comparable(call, Reply(response.status, (), b""))
        parts |= {"headers": dict(headers), "body": body.decode("utf-8", "replace")}
    parts["effect"] = asdict(exchange.effect)
    if exchange.session is not None:
        parts |= {"code": response.code, "message": response.message}
    return parts


def _without_coding(name: str, value: str) -> str:
    """Return the value of a header; `vary` without the coding, by which a server may compress."""
    if name != "vary":
        return value
    fields = [field.strip() for field in value.split(",")]
    return ", ".join(field for field in fields if field != "accept-encoding")


def _deletion_delay(exchanges: Sequence[Exchange], deletion: Exchange) -> float:
    """Return how long the exchanges show that a deletion was pending, in seconds."""
    concerned = [deletion]
    for one in exchanges:
        if one.number <= deletion.number:
            continue
        if one.effect.kind == "created" and one.effect.name == deletion.effect.name:
            break
        if _concerns(one, deletion):
            concerned.append(one)
    recorded = [
        RecordedExchange(
            one.at // _MILLISECOND,
            Call(one.request.method, one.request.path),
            Reply(one.response.status, (), one.response.body or b""),
        )
        for one in concerned
        if one.at is not None and one.response is not None
    ]
    try:
        return deletion_delay(recorded)
    except NotReplayable:
        return 0.0


def _concerns(exchange: Exchange, deletion: Exchange) -> bool:
    """True if the answer tells of what was deleted, or of its pending deletion."""
    if exchange.operation in ("list-basins", "list-streams"):
        with contextlib.suppress(ValueError, AttributeError, TypeError, KeyError):
            document = json.loads((exchange.response and exchange.response.body) or b"")
            listed = document[exchange.operation.removeprefix("list-")]
            return any(
                one["name"] == deletion.effect.name and one["deleted_at"] is not None
                for one in listed
            )
        return False
    if exchange.basin != deletion.basin:
        return False
    return deletion.operation == "delete-basin" or exchange.stream == deletion.stream


def _key_for(redacted: str) -> str:
    """Return an encryption key for the redacted form of one, another for another."""
    return base64.b64encode(hashlib.sha256(redacted.encode()).digest()).decode()


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")
