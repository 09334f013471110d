"""Bodies that take long are worked on where nobody else waits for them."""

import gzip
import json

import pytest

from s2mock import S2Mock
from s2mock.api.zstd import compress
from s2mock.conversation import READ, Head, Offload
from s2mock.environ import make_environ
from tests import own_token

SMALL = json.dumps({"records": [{"body": "x"}]}).encode()
LONG = json.dumps({"records": [{"body": "".join(map(chr, range(33, 127))) * 1000}]}).encode()


def offloads(mock: S2Mock, body: bytes, coding: str) -> int:
    """How many calls are made elsewhere until the answer is there."""
    fields = (
        ("s2-basin", "my-basin"),
        ("content-type", "application/json"),
        ("content-encoding", coding),
        ("content-length", str(len(body))),
        *own_token.headers(mock).items(),
    )
    path = "/v1/streams/s/records"
    server = ("127.0.0.1", 80)
    environ = make_environ("POST", path, path, "", fields, "HTTP/1.1", 1, "127.0.0.1", server)
    conversation = mock.wsgi_app.converse(environ)
    count, step = 0, next(conversation)
    while not isinstance(step, Head):
        if isinstance(step, Offload):
            count += 1
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
        # A hundred thousand frames of nothing: it is long before it is looked at.
        (compress(b"") * 100_000, "zstd", 1),
        (b"no frame" * 10_000, "zstd", 1),
    ],
    ids=["plain", "gzip", "zstd", "inflated", "long", "empty frames", "no frames"],
)
def test_what_is_worked_on_elsewhere(body: bytes, coding: str, count: int) -> None:
    with S2Mock(basins=["my-basin"]) as mock:
        mock.basin("my-basin").create_stream("s")
        assert offloads(mock, body, coding) == count
