"""Bodies that take long are parsed in a thread in which no other request waits."""

import gzip
import json
from collections.abc import Callable

import pytest

from s2mock import S2Mock
from s2mock.api import zstd
from s2mock.api.zstd import compress
from s2mock.runtime.conversation import READ, Head, RunInThread
from s2mock.runtime.environ import make_environ
from tests import own_token

pytestmark = pytest.mark.slow

SMALL = json.dumps({"records": [{"body": "x"}]}).encode()
LONG = json.dumps({"records": [{"body": "".join(map(chr, range(33, 127))) * 1000}]}).encode()


TWO_MIB = 2 * 1024 * 1024


def filled(before: bytes, item: bytes, after: bytes) -> bytes:
    """A body of two megabytes, as far as whole items go."""
    count = (TWO_MIB - len(before) - len(after)) // (len(item) + 1)
    return before + b",".join([item] * count) + after


# Each of other bytes than the others.
FRAMES = b"".join(compress(b"%d" % number) for number in range(20_000))
# The turns that the loop has while a body is worked on are those between two calls elsewhere.
LONG_BODIES = {
    "empty arrays": (filled(b'{"records":[', b"[]", b"]}"), "identity"),
    "empty records": (filled(b'{"records":[', b"{}", b"]}"), "identity"),
    "numbers": (filled(b'{"records":[', b"1", b"]}"), "identity"),
    "headers": (filled(b'{"records":[{"headers":[', b'["a",""]', b"]}]}"), "identity"),
    "what is ignored": (filled(b'{"x":[', b"[]", b'],"records":[]}'), "identity"),
    "fields": (filled(b'{"x":{', b'"a":1', b'},"records":[]}'), "identity"),
    "no end": (filled(b'{"records":[', b"[]", b""), "identity"),
    "frames": (FRAMES, "zstd"),
    "the same frames": (compress(b"") * 230_000, "zstd"),
}


def offloads(
    mock: S2Mock, body: bytes, coding: str, around: Callable[[], object] = lambda: None
) -> int:
    """How many calls are made elsewhere until the answer is there; `around` is called with each."""
    fields = (
        ("s2-basin", "my-basin"),
        ("content-type", "application/json"),
        ("content-encoding", coding),
        ("content-length", str(len(body))),
        *own_token.headers(mock).items(),
    )
    path = "/v1/streams/s/records"
    server = ("127.0.0.1", 80)
    environ = make_environ("POST", path, path, "", fields, "HTTP/1.1", 1, {}, "127.0.0.1", server)
    conversation = mock.wsgi_app.converse(environ)
    count, step = 0, next(conversation)
    while not isinstance(step, Head):
        if isinstance(step, RunInThread):
            count += 1
            around()
            try:
                result = step.function()
            except Exception as error:  # noqa: BLE001  # it belongs to the conversation
                step = conversation.throw(error)
                continue
            step = conversation.send(result)
        else:
            assert step is READ
            step = conversation.send(body)
            body = b""
    conversation.close()
    return count


@pytest.mark.parametrize("what", LONG_BODIES)
def test_the_loop_has_turns_while_a_body_is_worked_on(what: str) -> None:
    body, coding = LONG_BODIES[what]
    with S2Mock(basins=["my-basin"]) as mock:
        mock.basin("my-basin").create_stream("s")
        assert offloads(mock, body, coding) >= 15


def test_few_frames_are_inflated_in_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others that wait for a worker have their turn after each."""
    made: list[int] = []
    decompressor = zstd.ZstdDecompressor

    def counted() -> object:
        made[-1] += 1
        return decompressor()

    monkeypatch.setattr(zstd, "ZstdDecompressor", counted)
    with S2Mock(basins=["my-basin"]) as mock:
        mock.basin("my-basin").create_stream("s")
        offloads(mock, FRAMES, "zstd", lambda: made.append(0))
        assert max(made) <= 256
        assert sum(made) == 20_000
        made.clear()
        offloads(mock, compress(b"") * 230_000, "zstd", lambda: made.append(0))
        assert sum(made) == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "coding", "count"),
    [
        (SMALL, "identity", 0),
        (gzip.compress(SMALL), "gzip", 0),
        (compress(SMALL), "zstd", 0),
        # Its JSON is long, and what was sent is not.
        (gzip.compress(LONG), "gzip", 1),
        (LONG, "identity", 1),
        (b"no frame" * 10_000, "zstd", 1),
    ],
    ids=["plain", "gzip", "zstd", "inflated", "long", "no frames"],
)
def test_what_is_worked_on_elsewhere(body: bytes, coding: str, count: int) -> None:
    with S2Mock(basins=["my-basin"]) as mock:
        mock.basin("my-basin").create_stream("s")
        assert offloads(mock, body, coding) == count
