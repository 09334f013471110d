"""Recordings: the answers of a real server, in files of JSON lines.

Only the recorder of this project writes them (`make record`): each file has a hash of its content.
The first line describes the recording. Each group of exchanges has a line, which is followed by one
for each exchange. An installed s2mock has them in one archive.
"""

import base64
import hashlib
import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

from s2mock.api import zstd
from s2mock.contract.exchange import OPEN, Call, Protocol, Reply

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

# Longer bodies are compressed: a mebibyte of the same letter is a short line then.
_MAX_PLAIN_BYTES = 2048


Headers = tuple[tuple[str, str], ...]


class Exchange(NamedTuple):
    """A request and its response. `at` is its time, in milliseconds since the Unix epoch."""

    at: int
    call: Call
    reply: Reply


class Group(NamedTuple):
    """Exchanges that belong together: those of one test, or of one generated sequence.

    `after` are groups of the same file that must have been replayed before. `deletion_delay` is how
    long, in seconds, the server kept a deletion pending.
    """

    name: str
    exchanges: tuple[Exchange, ...]
    after: tuple[str, ...] = ()
    deletion_delay: float = 0.0


class Recording(NamedTuple):
    """A file of recordings. `left_out` are groups that are not in it, with reasons.

    `date` is the date of the recording. `protocol` is the one of all exchanges in it.
    """

    server: str
    version: str
    date: str
    groups: tuple[Group, ...]
    left_out: Mapping[str, str] = {}
    protocol: Protocol = "HTTP/1.1"


class Tampered(Exception):
    """The content of a recording does not have the hash of its recorder."""


def names() -> list[str]:
    """Return the names of all recordings, without `.jsonl`, in order."""
    return sorted(
        file.name.removesuffix(".jsonl")
        for file in _directory().iterdir()
        if file.name.endswith(".jsonl")
    )


def replayable() -> list[str]:
    """Return the names of those that the fake must answer equally: all but the ledger's."""
    return [name for name in names() if name != "ledger"]


def load(name: str) -> Recording:
    """Return the recording of that name. Raises `FileNotFoundError`, `Tampered`."""
    return parse((_directory() / f"{name}.jsonl").read_text("utf-8"))


def parse(text: str) -> Recording:
    """Return the recording in the text of a file. Raises `Tampered`."""
    first, *lines = text.splitlines()
    header = json.loads(first)
    if header.pop("content") != _hash(header, lines):
        raise Tampered("the content does not have the hash that its first line says")
    frame = _Headers(*(_pairs(header[key]) for key in _HEADER_KEYS))
    return Recording(
        header["server"],
        header["version"],
        header["date"],
        tuple(_groups(lines, frame)),
        header["left out"],
        header["protocol"],
    )


def render(recording: Recording) -> str:
    """Return the text of a file."""
    frame = _common(
        [exchange.reply.headers for group in recording.groups for exchange in group.exchanges]
    )
    lines = []
    for group in recording.groups:
        first = group.exchanges[0].at if group.exchanges else 0
        fields: dict[str, Any] = {"group": group.name, "at": first}
        if group.after:
            fields["after"] = group.after
        if group.deletion_delay:
            fields["deletion_delay"] = group.deletion_delay
        lines.append(_json(fields))
        lines += [_json(_exchange(exchange, first, frame)) for exchange in group.exchanges]
    header = {
        "server": recording.server,
        "version": recording.version,
        "date": recording.date,
        "protocol": recording.protocol,
        **dict(zip(_HEADER_KEYS, frame, strict=True)),
        "left out": recording.left_out,
    }
    header["content"] = _hash(json.loads(_json(header)), lines)
    return "\n".join([_json(header), *lines, ""])


class _Headers(NamedTuple):
    """The headers that every reply of a file has, and those that most replies have."""

    every: Headers
    most: Headers


_HEADER_KEYS = ("headers of every reply", "headers of most replies")


def _common(headers: Sequence[Headers]) -> _Headers:
    every = tuple(pair for pair in (*headers, ())[0] if all(pair in pairs for pairs in headers))
    others = Counter(tuple(pair for pair in pairs if pair not in every) for pairs in headers)
    [(most, _)] = others.most_common(1) or [((), 0)]
    return _Headers(every, most)


def _pairs(pairs: Iterable[Sequence[str]]) -> Headers:
    return tuple((name, value) for name, value in pairs)


@cache
def _directory() -> "Traversable":
    package = files("s2mock.contract")
    packed = package / "corpus.zip"
    if not packed.is_file():
        return package / "corpus"
    return zipfile.Path(io.BytesIO(packed.read_bytes()))


def _hash(header: Mapping[str, Any], lines: Iterable[str]) -> str:
    content = "\n".join([_json(header), *lines])
    return f"sha256:{hashlib.sha256(content.encode()).hexdigest()}"


def _json(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).translate(_LINE_BREAKS)


# Characters that end a line although JSON does not escape them.
_LINE_BREAKS = {ord(mark): f"\\u{ord(mark):04x}" for mark in "\x85\u2028\u2029\x7f"}


def _groups(lines: Iterable[str], frame: _Headers) -> Iterator[Group]:
    described: dict[str, Any] | None = None
    exchanges: list[Exchange] = []
    for line in lines:
        document = json.loads(line)
        if "group" not in document:
            assert described is not None, "an exchange before the first group"
            exchanges.append(_as_exchange(document, described["at"], frame))
            continue
        if described is not None:
            yield _as_group(described, exchanges)
        described, exchanges = document, []
    if described is not None:
        yield _as_group(described, exchanges)


def _as_group(described: Mapping[str, Any], exchanges: list[Exchange]) -> Group:
    after, delay = described.get("after", ()), described.get("deletion_delay", 0.0)
    return Group(described["group"], tuple(exchanges), tuple(after), delay)


def _exchange(exchange: Exchange, first: int, frame: _Headers) -> dict[str, Any]:
    """Return the line of an exchange; times count from the first one, empty fields are left out."""
    call, reply = exchange.call, exchange.reply
    own = tuple(pair for pair in reply.headers if pair not in frame.every)
    return {
        "ms": exchange.at - first,
        "method": call.method,
        "path": call.path,
        **({"headers": dict(call.headers)} if call.headers else {}),
        **({} if call.body is None else {"body": _body(call.body)}),
        "status": reply.status,
        **({} if own == frame.most else {"reply headers": own}),
        **({"reply": _body(reply.body)} if reply.body else {}),
        **({} if reply.end == OPEN else {"end": reply.end}),
    }


def _as_exchange(document: Any, first: int, frame: _Headers) -> Exchange:
    body = _as_bytes(document["body"]) if "body" in document else None
    own = _pairs(document.get("reply headers", frame.most))
    return Exchange(
        first + document["ms"],
        Call(document["method"], document["path"], document.get("headers", {}), body),
        Reply(
            document["status"],
            (*own, *frame.every),
            _as_bytes(document.get("reply", "")),
            document.get("end", OPEN),
        ),
    )


def _body(body: bytes) -> Any:
    """Return a body in its most readable form without loss."""
    if len(body) > _MAX_PLAIN_BYTES:
        packed = zstd.compress(body, level=19)
        return {"zstd": base64.b64encode(packed).decode()}
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}
    try:
        document = json.loads(text)
        if json.dumps(document, ensure_ascii=False, separators=(",", ":")) == text:
            return {"json": document}
    except (ValueError, RecursionError):
        pass
    return text


def _as_bytes(body: Any) -> bytes:
    match body:
        case str():
            return body.encode()
        case {"json": document}:
            return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
        case {"base64": text}:
            return base64.b64decode(text)
        case {"zstd": text}:
            return zstd.decompress(base64.b64decode(text))
        case _:
            raise ValueError(f"no body: {body!r}")
