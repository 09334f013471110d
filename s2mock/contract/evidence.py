"""The evidence for the ledger: calls whose answers show each known difference.

The answers of the reference are in the recording `ledger`. When the answer of either side changes,
the entry must be removed or rewritten.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from s2mock.contract.exchange import Call, Reply, comparable
from s2mock.contract.recordings import Exchange

_JSON: Final = {"content-type": "application/json"}


class Evidence(NamedTuple):
    """The calls for the entry of that name, and a function that reads the last answer.

    `calls` takes the name of a basin that does not exist. `fake` and `reference` are the results
    that `shows` returns for the two sides.
    """

    name: str
    calls: Callable[[str], Sequence[Call]]
    shows: Callable[[Call, Reply], Any]
    fake: Any
    reference: Any

    def found(self, exchanges: Iterable[Exchange]) -> Any:
        """Return the result of `shows` for the answers to the calls."""
        *_, last = exchanges
        return self.shows(last.call, last.reply)


# In bytes. Metrics of the process alone are shorter.
_LONGER_THAN_THE_PROCESS: Final = 2000


def _status(_: Call, reply: Reply) -> int:
    return reply.status


def _message(call: Call, reply: Reply) -> Any:
    return comparable(call, reply)["body"]["message"]


def _tails(call: Call, reply: Reply) -> list[bool]:
    return ["tail" in batch for batch in comparable(call, reply)["body"]]


def _create(basin: str) -> Call:
    return Call("POST", "/v1/basins", _JSON, b'{"basin":"%b"}' % basin.encode())


def _put_stream(basin: str, name: str = "s") -> Call:
    return Call("PUT", f"/v1/streams/{name}", {"s2-basin": basin})


def _append(basin: str) -> Call:
    headers = {"s2-basin": basin, **_JSON}
    return Call("POST", "/v1/streams/s/records", headers, b'{"records":[{}]}')


def _posting(body: bytes, **headers: str) -> Callable[[str], Sequence[Call]]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: [Call("POST", "/v1/basins", {**_JSON, **named}, body)]


EVIDENCE: Final = (
    Evidence(
        "location-of-a-basin",
        lambda basin: [_create(basin)],
        lambda call, reply: comparable(call, reply)["body"]["location"],
        fake="aws:us-east-1",
        reference=None,
    ),
    Evidence(
        "account-services",
        lambda _: [Call("GET", "/v1/access-tokens")],
        _status,
        fake=200,
        reference=501,
    ),
    Evidence(
        "json-library",
        _posting(b"{"),
        _message,
        fake="invalid JSON: Expecting property name enclosed in double quotes",
        reference="EOF while parsing an object",
    ),
    Evidence(
        "nesting-depth",
        _posting(b'{"basin":"short","x":' + b"[" * 10_000 + b"]" * 10_000 + b"}"),
        _message,
        fake="invalid JSON: nested too deeply to be read",
        reference="basin name should be at least 8 bytes in length",
    ),
    Evidence(
        "one-pass",
        _posting(b'{"basin":1,'),
        _message,
        fake="invalid JSON: Expecting property name enclosed in double quotes",
        reference="invalid type: integer `1`, expected a string",
    ),
    Evidence(
        "codec",
        _posting(b"junk", content_encoding="gzip"),
        _message,
        fake="Failed to buffer the request body: "
        "Invalid gzip data: Error -3 while decompressing data: incorrect header check",
        reference="Failed to buffer the request body: Invalid gzip header",
    ),
    Evidence(
        "background",
        lambda basin: [
            _create(basin),
            _put_stream(basin),
            Call("DELETE", f"/v1/basins/{basin}"),
            Call("GET", f"/v1/basins/{basin}"),
        ],
        _status,
        fake=404,
        reference=200,
    ),
    Evidence(
        "tail-of-catch-up",
        lambda basin: [
            _create(basin),
            _put_stream(basin),
            _append(basin),
            Call(
                "GET",
                "/v1/streams/s/records?seq_num=0&count=9",
                {"s2-basin": basin, "content-type": "s2s/proto"},
            ),
        ],
        _tails,
        fake=[True],
        reference=[False],
    ),
    Evidence(
        "basin-by-host",
        lambda basin: [_create(basin), Call("GET", "/v1/streams", {"host": f"{basin}.b.s2.dev"})],
        _status,
        fake=200,
        reference=400,
    ),
    Evidence(
        "dashboard",
        lambda _: [Call("HEAD", "/dashboard")],
        _status,
        fake=404,
        reference=200,
    ),
    Evidence(
        "prometheus",
        lambda _: [Call("HEAD", "/metrics")],
        lambda _, reply: int(dict(reply.headers)["content-length"]) > _LONGER_THAN_THE_PROCESS,
        fake=False,
        reference=True,
    ),
)
