"""Load on a server that is killed, and the ledger of what it has acknowledged and was asked for.

Each writer has names of its own, so that a ledger needs no order among writers. A request without
an answer may have been carried out or not; `check` looks, and holds the server to that from then
on.
"""

import random
import socket
import ssl
import threading
from collections import deque
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any, Final, Protocol
from urllib.parse import quote, urlsplit

import httpx
from s2_sdk._generated.s2.v1 import s2_pb2

from tests.sessions.h2_client import H2Client

BASIN: Final = "kill-basin"
_LOCATIONS: Final = ("aws:us-east-1", "aws:us-west-2", "aws:eu-north-1")
_HEADERS: Final = {"s2-basin": BASIN}
# Batches that a session sends ahead of their acknowledgements.
_AHEAD: Final = 8

Noted = Callable[[], None]
"""Called with each acknowledgement, before the writer notes it."""

Tls = ssl.SSLContext | None
"""How a writer trusts a server that speaks TLS; None for plain HTTP."""

Acknowledged = tuple[int, list[bytes]] | None
"""The first number and the bodies of a batch that was acknowledged; None if there is none yet."""

Way = Generator[Acknowledged, list[bytes], None]
"""A way to append: it is sent batches, and yields an earlier one that was acknowledged since."""

# How a writer hears of the death of the server.
ENDS: Final = (OSError, httpx.HTTPError, EOFError)


class Lost(AssertionError):
    """The server has lost what it acknowledged, or has what it was never asked for."""


def demand(holds: bool, what: str, *values: object) -> None:
    if not holds:
        raise Lost(f"{what}: {', '.join(map(repr, values))}")


class Writer(Protocol):
    """A client of the server, with its ledger."""

    def write(self, url: str, noted: Noted) -> None:
        """Write until the server dies. Raises one of `ENDS`."""

    def check(self, client: httpx.Client) -> None:
        """Raise `Lost` if the server does not have all that is in the ledger, and nothing else."""


class Appender:
    """Appends to one stream, by one protocol. A body has its number, and is sent once."""

    def __init__(
        self, name: str, open_way: Callable[[str, str, Tls], Way], tls: Tls = None
    ) -> None:
        self.name = name
        self._open_way = open_way
        self._tls = tls
        self._number = 0
        # Bodies by sequence number, and those without an answer.
        self.acknowledged: dict[int, bytes] = {}
        self.sent: list[bytes] = []

    def _batch(self) -> list[bytes]:
        bodies = []
        for _ in range(1 + self._number % 3):
            bodies.append(b"%s %d %s" % (self.name.encode(), self._number, b"x" * 50))
            self._number += 1
        self.sent += bodies
        return bodies

    def write(self, url: str, noted: Noted) -> None:
        way = self._open_way(url, self.name, self._tls)
        next(way)
        while True:
            bodies = self._batch()
            # The bodies of the batch that was acknowledged by now, and its first number.
            acknowledged = way.send(bodies)
            if acknowledged is not None:
                noted()
                first, those = acknowledged
                self.acknowledged |= dict(enumerate(those, first))
                for body in those:
                    self.sent.remove(body)

    def check(self, client: httpx.Client) -> None:
        found = records_of(client, self.name)
        for seq_num, body in self.acknowledged.items():
            demand(found.get(seq_num) == body, "acknowledged and lost", self.name, seq_num, body)
        demand([*found] == [*range(len(found))], "sequence numbers", [*found])
        more = [body for seq_num, body in found.items() if seq_num not in self.acknowledged]
        # In their order; a batch is there as a whole.
        rest = iter(self.sent)
        for body in more:
            demand(body in rest, "never sent, twice, or in another order", self.name, body)
        numbers = {int(body.split()[1]) for body in found.values()}
        for body in self.sent:
            number = int(body.split()[1])
            batch = set(batch_of(number))
            demand(batch <= numbers or not batch & numbers, "a part of a batch", self.name, number)
        self.acknowledged, self.sent = found, []


def batch_of(number: int) -> range:
    """Return the numbers of the bodies in the batch of one of them."""
    start = 0
    while number >= start + 1 + start % 3:
        start += 1 + start % 3
    return range(start, start + 1 + start % 3)


def records_of(client: httpx.Client, stream: str) -> dict[int, bytes]:
    """Return the bodies of a stream's records by their numbers."""
    found: dict[int, bytes] = {}
    while True:
        answer = client.get(
            f"/v1/streams/{quote(stream, safe='')}/records",
            params={"seq_num": max(found, default=-1) + 1, "clamp": "true"},
            headers=_HEADERS,
        )
        if answer.status_code == 416:
            return found
        demand(answer.status_code == 200, "read", stream, answer.text)
        records = answer.json()["records"]
        if not records:
            return found
        found |= {record["seq_num"]: record.get("body", "").encode() for record in records}


def new_client(url: str, tls: Tls) -> httpx.Client:
    return httpx.Client(
        base_url=url, trust_env=False, timeout=60, verify=True if tls is None else tls
    )


def connect(host: str | None, port: int | None, tls: Tls) -> socket.socket:
    connected = socket.create_connection((host, port), timeout=60)
    return connected if tls is None else tls.wrap_socket(connected, server_hostname=host)


def by_request(url: str, stream: str, tls: Tls) -> Way:
    """One request after the other, by HTTP/1.1."""
    with new_client(url, tls) as client:
        acknowledged: Acknowledged = None
        while True:
            bodies = yield acknowledged
            answer = client.post(
                f"/v1/streams/{stream}/records",
                json={"records": [{"body": body.decode()} for body in bodies]},
                headers=_HEADERS,
            )
            demand(answer.status_code == 200, "append", answer.text)
            acknowledged = answer.json()["start"]["seq_num"], bodies


def by_h2_request(url: str, stream: str, tls: Tls) -> Way:
    """One request after the other, by HTTP/2."""
    with H2Client(url, headers=_HEADERS, tls=tls) as client:
        acknowledged: Acknowledged = None
        while True:
            bodies = yield acknowledged
            number = client.open(
                "POST",
                f"/v1/streams/{stream}/records",
                {"content-type": "application/protobuf", "accept": "application/protobuf"},
                end=False,
            )
            client.send(number, message_of(bodies), end=True)
            body = client.rest(number)
            demand(client.heads[number][":status"] == "200", "append", body)
            acknowledged = s2_pb2.AppendAck.FromString(body).start.seq_num, bodies


def by_session(url: str, stream: str, tls: Tls) -> Way:
    """A session over HTTP/1.1."""
    target = urlsplit(url)
    with connect(target.hostname, target.port, tls) as connected:
        head = (
            f"POST /v1/streams/{stream}/records HTTP/1.1\r\nhost: {target.netloc}\r\n"
            f"s2-basin: {BASIN}\r\ncontent-type: s2s/proto\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        connected.sendall(head.encode())
        received = connected.makefile("rb")
        status = received.readline()
        demand(not status or b" 200 " in status, "session", status)
        while received.readline().strip():
            pass
        data = bytearray()

        def next_frame() -> bytes:
            while len(data) < 3 or len(data) < 3 + int.from_bytes(data[:3], "big"):
                size = received.readline()
                if not size:
                    raise EOFError
                data.extend(received.read(int(size, 16)))
                received.readline()
            end = 3 + int.from_bytes(data[:3], "big")
            frame = bytes(data[3:end])
            del data[:end]
            demand(frame[0] == 0, "the end of a session", frame)
            return frame[1:]

        def send(frame: bytes) -> None:
            connected.sendall(b"%x\r\n%b\r\n" % (len(frame), frame))

        yield from ahead(send, next_frame)


def by_h2_session(url: str, stream: str, tls: Tls) -> Way:
    """A session over HTTP/2."""
    with H2Client(url, headers=_HEADERS, tls=tls) as client:
        path = f"/v1/streams/{stream}/records"
        number = client.open("POST", path, {"content-type": "s2s/proto"}, end=False)
        demand(client.head(number)[":status"] == "200", "session", client.heads[number])
        yield from ahead(lambda frame: client.send(number, frame), lambda: client.frame(number))


def ahead(send: Callable[[bytes], None], next_frame: Callable[[], bytes]) -> Way:
    """Send several batches ahead of their acknowledgements."""
    waiting: deque[list[bytes]] = deque()
    acknowledged: Acknowledged = None
    while True:
        bodies = yield acknowledged
        payload = message_of(bodies)
        send((len(payload) + 1).to_bytes(3, "big") + b"\0" + payload)
        waiting.append(bodies)
        acknowledged = None
        if len(waiting) >= _AHEAD:
            ack = s2_pb2.AppendAck.FromString(next_frame())
            acknowledged = ack.start.seq_num, waiting.popleft()


def message_of(bodies: list[bytes]) -> bytes:
    message = s2_pb2.AppendInput(records=[s2_pb2.AppendRecord(body=body) for body in bodies])
    data: bytes = message.SerializeToString()
    return data


class Value:
    """A value that requests change: what was acknowledged last, and what was asked for since."""

    def __init__(self, value: Any = None) -> None:
        self.known = value
        self.asked: list[Any] = []

    def check(self, found: Any, what: str) -> None:
        demand(found in (self.known, *self.asked), what, found, self.known, self.asked)
        self.known, self.asked = found, []


class Manager:
    """Changes configurations, streams, tokens, fences, trims and the default location, in turn."""

    def __init__(self, name: str, seed: int, tls: Tls = None) -> None:
        self.name = name
        self._tls = tls
        self._chance = random.Random(seed)
        # Retention by stream; None for a stream that is not there.
        self.streams: dict[str, Value] = {}
        # True for the acknowledged ones of the streams that were created with a request token.
        self.created: dict[str, bool] = {}
        # Secrets by the ids of tokens; None for a token that is not there.
        self.tokens: dict[str, Value] = {}
        self.fence, self.trim = Value(""), Value(0)
        self.location = Value(_LOCATIONS[0])
        self._created = 0

    @property
    def log(self) -> str:
        """The stream that is fenced and trimmed."""
        return f"{self.name}-log"

    def write(self, url: str, noted: Noted) -> None:
        changes = (
            self._put_stream,
            self._put_stream,
            self._delete_stream,
            self._create_stream,
            self._issue,
            self._revoke,
            self._set_fence,
            self._set_trim,
            self._set_location,
        )
        with new_client(url, self._tls) as client:
            while True:
                self._chance.choice(changes)(client, noted)

    def _change(self, value: Value, to: Any, noted: Noted, request: Callable[[], Any]) -> None:
        value.asked.append(to)
        answer = request()
        demand(answer.status_code < 300, "a change", answer.request.url, answer.text)
        noted()
        value.known = answer.json()["access_token"] if to is ISSUED else to
        value.asked = []

    def _put_stream(self, client: httpx.Client, noted: Noted) -> None:
        stream, age = f"{self.name}-{self._chance.randrange(5)}", self._chance.randrange(1, 10**6)
        self._change(
            self.streams.setdefault(stream, Value()),
            age,
            noted,
            lambda: client.put(
                f"/v1/streams/{stream}",
                json={"retention_policy": {"age": age}},
                headers=_HEADERS,
            ),
        )

    def _delete_stream(self, client: httpx.Client, noted: Noted) -> None:
        there = [name for name, value in self.streams.items() if value.known is not None]
        if there:
            stream = self._chance.choice(there)
            self._change(
                self.streams[stream],
                None,
                noted,
                lambda: client.delete(f"/v1/streams/{stream}", headers=_HEADERS),
            )

    def _create_stream(self, client: httpx.Client, noted: Noted) -> None:
        self._created += 1
        stream = f"{self.name}-created-{self._created}"
        self.created[stream] = False
        answer = self._request_creation(client, stream, stream)
        demand(answer.status_code == 201, "a creation", stream, answer.text)
        noted()
        self.created[stream] = True

    def _request_creation(self, client: httpx.Client, stream: str, token: str) -> Any:
        headers = _HEADERS | {"s2-request-token": token}
        return client.post("/v1/streams", json={"stream": stream}, headers=headers)

    def _issue(self, client: httpx.Client, noted: Noted) -> None:
        token = f"{self.name}-{self._chance.randrange(10**9)}"
        issue = {
            "id": token,
            "scope": {"basins": {"prefix": ""}, "ops": ["list-basins"]},
            "expires_at": expiry_of(token),
        }
        self._change(
            self.tokens.setdefault(token, Value()),
            ISSUED,
            noted,
            lambda: client.post("/v1/access-tokens", json=issue),
        )

    def _revoke(self, client: httpx.Client, noted: Noted) -> None:
        there = [token for token, value in self.tokens.items() if value.known is not None]
        if there:
            token = self._chance.choice(there)
            self._change(
                self.tokens[token], None, noted, lambda: client.delete(f"/v1/access-tokens/{token}")
            )

    def _command(self, client: httpx.Client, name: str, body: str) -> Any:
        record = {"headers": [["", name]], "body": body}
        return client.post(
            f"/v1/streams/{self.log}/records", json={"records": [record]}, headers=_HEADERS
        )

    def _set_fence(self, client: httpx.Client, noted: Noted) -> None:
        token = f"{self._chance.randrange(10**9)}"
        self._change(self.fence, token, noted, lambda: self._command(client, "fence", token))

    def _set_trim(self, client: httpx.Client, noted: Noted) -> None:
        # Never beyond the tail, which the server would change it to.
        point = self._chance.randrange(max(self.trim.known, 1), max(self.trim.known, 1) + 5)
        number = client.get(f"/v1/streams/{self.log}/records/tail", headers=_HEADERS)
        tail = number.json()["tail"]["seq_num"]
        point = min(point, tail)
        message = s2_pb2.AppendInput()
        record = message.records.add(body=point.to_bytes(8, "big"))
        record.headers.add(name=b"", value=b"trim")
        self._change(
            self.trim,
            max(point, self.trim.known),
            noted,
            lambda: client.post(
                f"/v1/streams/{self.log}/records",
                content=message.SerializeToString(),
                headers={
                    **_HEADERS,
                    "content-type": "application/protobuf",
                    "accept": "application/json",
                },
            ),
        )

    def _set_location(self, client: httpx.Client, noted: Noted) -> None:
        location = self._chance.choice(_LOCATIONS)
        self._change(
            self.location,
            location,
            noted,
            lambda: client.put("/v1/locations/default", json=location),
        )

    def check(self, client: httpx.Client) -> None:
        self._check_created(client)
        found = {
            stream["name"]: client.get(f"/v1/streams/{stream['name']}", headers=_HEADERS).json()
            for stream in client.get(
                "/v1/streams", params={"prefix": self.name}, headers=_HEADERS
            ).json()["streams"]
        }
        found.pop(self.log, None)
        demand(found.keys() <= self.streams.keys(), "streams that were never created", [*found])
        for name, value in self.streams.items():
            config = found.get(name)
            value.check(config and config["retention_policy"]["age"], f"retention of {name}")
        self._check_tokens(client)
        self._check_log(client)
        location = client.get("/v1/locations/default").json()["name"]
        self.location.check(location, "default location")

    def _check_created(self, client: httpx.Client) -> None:
        for stream, is_acknowledged in self.created.items():
            if is_acknowledged:
                answer = client.get(f"/v1/streams/{stream}", headers=_HEADERS)
                demand(answer.status_code == 200, "created and lost", stream, answer.text)
            # Also after a request without an answer, the same one may be sent again.
            again = self._request_creation(client, stream, stream)
            demand(again.status_code == 201, "the request token", stream, again.text)
            other = self._request_creation(client, stream, "other")
            demand(other.status_code == 409, "another request token", stream, other.text)
            client.delete(f"/v1/streams/{stream}", headers=_HEADERS).raise_for_status()
        self.created.clear()

    def _check_tokens(self, client: httpx.Client) -> None:
        listed: dict[str, str] = {}
        page: dict[str, Any] = {"has_more": True}
        while page["has_more"]:
            query = {"prefix": f"{self.name}-", "start_after": max(listed, default="")}
            page = client.get("/v1/access-tokens", params=query).json()
            listed |= {token["id"]: token["expires_at"] for token in page["access_tokens"]}
        demand(listed.keys() <= self.tokens.keys(), "tokens that were never issued", [*listed])
        for token, expires_at in listed.items():
            demand(expires_at == expiry_of(token), "expiry of a token", token, expires_at)
        for token, value in self.tokens.items():
            is_known = (value.known is not None, *(asked is not None for asked in value.asked))
            demand((token in listed) in is_known, "token", token, token in listed, is_known)
            if value.known is not None and token in listed:
                headers = {"authorization": f"Bearer {value.known}"}
                answer = client.get("/v1/streams", headers=_HEADERS | headers)
                # The scope of that very token: it may only list basins.
                demand(answer.status_code == 403, "the secret of a token", token, answer.text)
            elif token in listed:
                # Its secret was in an answer that never came.
                value.known = ISSUED
            if token not in listed:
                value.known = None
            if value.known is ISSUED:
                client.delete(f"/v1/access-tokens/{token}")
                value.known = None
            value.asked = []

    def _check_log(self, client: httpx.Client) -> None:
        stream = f"/v1/streams/{self.log}/records"
        first = client.get(
            stream, params={"seq_num": 0, "count": 1, "clamp": "true"}, headers=_HEADERS
        )
        tail = client.get(f"{stream}/tail", headers=_HEADERS).json()["tail"]["seq_num"]
        records = first.json()["records"] if first.status_code == 200 else []
        self.trim.check(records[0]["seq_num"] if records else tail, "trim point")
        wrong = client.post(
            stream, json={"records": [{}], "fencing_token": "no such token"}, headers=_HEADERS
        )
        demand(wrong.status_code == 412, "a wrong fencing token", wrong.text)
        self.fence.check(wrong.json()["fencing_token_mismatch"], "fencing token")


def expiry_of(token: str) -> str:
    """Return the date at which a token ends, another one for most tokens."""
    return f"{2100 + int(token.rpartition('-')[2]) % 100}-01-01T00:00:00Z"


ISSUED: Final = object()
"""In place of the secret of a token that was asked for."""


def writers(seed: int, tls: Tls = None) -> list[Writer]:
    """Return one writer of each kind."""
    return [
        Appender("by-request", by_request, tls),
        Appender("by-h2-request", by_h2_request, tls),
        Appender("by-session", by_session, tls),
        Appender("by-h2-session", by_h2_session, tls),
        Manager("manager", seed, tls),
    ]


def set_up(client: httpx.Client, those: list[Writer]) -> None:
    """Create the basin and the streams that the writers begin with."""
    client.put(f"/v1/basins/{BASIN}").raise_for_status()
    for writer in those:
        name = writer.log if isinstance(writer, Manager) else writer.name  # type: ignore[attr-defined]
        client.put(f"/v1/streams/{name}", headers=_HEADERS).raise_for_status()


def run(those: list[Writer], url: str, acknowledgements: int, end: Callable[[], object]) -> None:
    """Write with all writers at once, and end the server at an acknowledgement.

    The others go on until then. Returns when all have heard of the server's death.
    """
    left = acknowledgements
    lock = threading.Lock()
    raised: list[BaseException] = []

    def noted() -> None:
        nonlocal left
        with lock:
            left -= 1
            is_over = left == 0
        if is_over:
            end()

    def write(writer: Writer) -> None:
        try:
            with suppress(*ENDS):
                writer.write(url, noted)
        except BaseException as error:  # noqa: BLE001  # raised again in the test's thread
            raised.append(error)
            end()

    threads = [threading.Thread(target=write, args=(writer,)) for writer in those]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]
