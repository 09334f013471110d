"""What the headers of an append or read say: media types, format, key, stream configuration.

Sources: reference: data_plane §1.2 (order), §1.4 (media types), §1.5 (format), §9 (key), §14
(stream configuration).
"""

import re

from s2mock.api.requests import S2Request
from s2mock.api.wire.json_records import FORMATS, Format
from s2mock.api.wire.sse import EventId
from s2mock.documents.control_plane import stream_config
from s2mock.registry.config import UNSET, StreamConfig
from s2mock.registry.encryption import MAX_KEY_CHARACTERS
from s2mock.registry.errors import BadHeader, BadJson, InvalidConfig

PROTOBUF = ("application/protobuf", "application/x-protobuf")
S2S = "s2s/proto"
EVENT_STREAM = "text/event-stream"

_OFFER = re.compile(r"\s*([^\s;]+)\s*(?:;\s*[qQ]=([0-9]+(?:\.[0-9]+)?)\s*)?")


def media_type(value: str | None) -> str:
    """The first media type of a header, without parameters, in lower case."""
    return (value or "").partition(",")[0].partition(";")[0].strip().lower()


def encryption_key(request: S2Request) -> str | None:
    """The key, of a length that a key can have. Raises `BadHeader`."""
    value = request.header("s2-encryption-key")
    if value is None:
        return None
    key = value.strip()
    if not 1 <= len(key) <= MAX_KEY_CHARACTERS:
        raise BadHeader(
            "Invalid header `s2-encryption-key`: invalid encryption key: "
            f"key material length {len(key)} is out of range"
        )
    return key


def config_of_new_stream(request: S2Request) -> StreamConfig:
    """The configuration for a stream that this request may create. Raises `BadHeader`."""
    value = request.header("s2-stream-config")
    if value is None:
        return UNSET
    from s2mock.documents.parsing import decode

    try:
        return stream_config(decode(value.encode(), "stream_config"))
    except BadJson as error:
        reason = f"invalid JSON: {error.message}"
    except InvalidConfig as error:
        reason = error.message
    raise BadHeader(f"Invalid header `s2-stream-config`: {reason}")


def json_format(request: S2Request) -> Format:
    """How bytes are written in JSON. Raises `BadHeader`."""
    value = request.header("s2-format")
    if value is None:
        return "raw"
    if value.strip() not in FORMATS:
        raise BadHeader(f"Invalid header `s2-format`: {value}")
    return FORMATS[value.strip()]


def last_event_id(request: S2Request) -> EventId | None:
    """Where an SSE reader wants to go on. Raises `BadHeader`."""
    value = request.header("last-event-id")
    try:
        return None if value is None else EventId.parse(value)
    except ValueError as error:
        raise BadHeader(f"Invalid header `last-event-id`: {error}") from None


def frame_coding(request: S2Request) -> str | None:
    """The coding for S2S frames: zstd if it is listed, else gzip; only a quality of 0 counts."""
    offers = map(_OFFER.fullmatch, request.environ.get("HTTP_ACCEPT_ENCODING", "").split(","))
    listed = {offer[1].lower() for offer in offers if offer and 0 < float(offer[2] or 1) <= 1}
    return next((coding for coding in ("zstd", "gzip") if coding in listed), None)
