"""What the published OpenAPI description of S2 leaves out, and S2 does all the same.

A part of the ledger: the differences are not between the fake and the real server, which agree,
but between both and the description.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from s2mock.contract.exchange import Call

_BASIN: Final = "described"
_STREAM: Final = {"s2-basin": _BASIN}
_JSON: Final = {"content-type": "application/json"}
_RECORDS: Final = "/v1/streams/s/records"


class Deviation(NamedTuple):
    """A response that is not as described.

    `operation` is, for instance, `GET /basins/{basin}`; `what` is `status`, `content type`,
    `body`, or where in the body and what is wrong there.
    """

    operation: str
    status: int
    content_type: str | None
    what: str


class SchemaGap(NamedTuple):
    """One gap. `covers` tells which deviations it explains, `example` makes one.

    The example is the last call to a basin `described` with a stream `s` that holds one record.
    """

    name: str
    what: str
    covers: Callable[[Deviation], bool]
    example: tuple[Call, ...]


def _has_status(status: int) -> Callable[[Deviation], bool]:
    return lambda deviation: deviation.what == "status" and deviation.status == status


def _has_content_type(content_type: str) -> Callable[[Deviation], bool]:
    return lambda deviation: deviation[1:] == (200, content_type, "content type")


def _is_pending(deviation: Deviation) -> bool:
    return deviation.what == "status" and deviation[:2] in (
        ("PATCH /basins/{basin}", 409),
        ("PUT /basins/{basin}", 409),
    )


def _is_end_of_events(deviation: Deviation) -> bool:
    return deviation.what.startswith("$: {'data': '[DONE]'} is not valid")


def _is_storage_class(deviation: Deviation) -> bool:
    return deviation.status == 200 and deviation.what.startswith(
        ("$.storage_class: ", "$.default_stream_config: {'storage_class': ")
    )


SCHEMA_GAPS: Final = (
    SchemaGap(
        "invalid",
        "422 `invalid` is not listed, on any operation.",
        _has_status(422),
        (Call("PUT", "/v1/streams/t", _STREAM | _JSON, b'{"retention_policy":{"age":0}}'),),
    ),
    SchemaGap(
        "not-implemented",
        "501 `not_implemented` is not listed on the operations that s2-lite does not serve.",
        _has_status(501),
        (Call("GET", "/v1/access-tokens"),),
    ),
    SchemaGap(
        "request-coding",
        "415, for a `content-encoding` that is not known, is not listed.",
        _has_status(415),
        (Call("GET", "/v1/basins", {"content-encoding": "br"}),),
    ),
    SchemaGap(
        "response-coding",
        "406, for an `accept-encoding` that allows none, is not listed.",
        _has_status(406),
        (Call("GET", f"/v1/basins/{_BASIN}", {"accept-encoding": "*;q=0"}),),
    ),
    SchemaGap(
        "deleted-basin",
        "409 `basin_deletion_pending` is not listed for the change of a basin.",
        _is_pending,
        (
            Call("DELETE", f"/v1/basins/{_BASIN}"),
            Call("PATCH", f"/v1/basins/{_BASIN}", _JSON, b"{}"),
        ),
    ),
    SchemaGap(
        "protobuf",
        "Bodies of `application/protobuf` are not described.",
        _has_content_type("application/protobuf"),
        (Call("GET", f"{_RECORDS}?seq_num=0", _STREAM | {"accept": "application/protobuf"}),),
    ),
    SchemaGap(
        "s2s",
        "Sessions, of content type `s2s/proto`, are not described.",
        _has_content_type("s2s/proto"),
        (Call("GET", f"{_RECORDS}?count=0", _STREAM | {"content-type": "s2s/proto"}),),
    ),
    SchemaGap(
        "done",
        "The last event of a read that ends by itself, `data: [DONE]`, is not described.",
        _is_end_of_events,
        (Call("GET", f"{_RECORDS}?count=0", _STREAM | {"accept": "text/event-stream"}),),
    ),
    SchemaGap(
        "storage-class",
        "`storage_class` is described as one of two words, and may be any text.",
        _is_storage_class,
        (Call("PATCH", "/v1/streams/s", _STREAM | _JSON, b'{"storage_class":"any"}'),),
    ),
)


def gap_of(deviation: Deviation) -> str | None:
    """The name of the gap that explains the deviation, `None` if it is the fake's fault."""
    for gap in SCHEMA_GAPS:
        if gap.covers(deviation):
            return gap.name
    return None
