"""What the headers of an append or read say: media types, format, key, stream configuration.

Sources: reference: data_plane §1.2 (order), §1.4 (media types), §1.5 (format), §9 (key), §14
(stream configuration).
"""

from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

from s2mock.api.requests import MEDIA_TYPE, S2Request
from s2mock.api.wire.json_records import FORMATS, Format
from s2mock.api.wire.sse import EventId
from s2mock.json_bodies.control_plane import stream_config
from s2mock.registry.rules.encryption import MAX_KEY_CHARACTERS
from s2mock.registry.values.config import UNSET, StreamConfig
from s2mock.registry.values.errors import BadHeader, BadJson, InvalidConfig

if TYPE_CHECKING:
    from werkzeug.datastructures import Accept

PROTOBUF = ("application/protobuf", "application/x-protobuf")
S2S: Final = "s2s/proto"
EVENT_STREAM = "text/event-stream"

ENCRYPTION_KEY: Final = "s2-encryption-key"
FORMAT: Final = "s2-format"
STREAM_CONFIG: Final = "s2-stream-config"


def media_type(value: str | None) -> str:
    """The first media type of a header, in lower case, without suffix (`+xml`) and parameters.

    Empty where the real server's parser stumbles, as over a blank before a semicolon.
    """
    return _essence((value or "").partition(",")[0])


@lru_cache(maxsize=256)
def _essence(text: str) -> str:
    found = MEDIA_TYPE.fullmatch(text.strip(" \t"))
    return "" if found is None else found[1].lower()


def encryption_key(request: S2Request) -> str | None:
    """The key, of a length that a key can have. Raises `BadHeader`."""
    value = request.header(ENCRYPTION_KEY)
    if value is None:
        return None
    key = value.strip()
    if not 1 <= len(key) <= MAX_KEY_CHARACTERS:
        raise BadHeader(
            f"Invalid header `{ENCRYPTION_KEY}`: invalid encryption key: "
            f"key material length {len(key)} is out of range"
        )
    return key


def config_of_new_stream(request: S2Request) -> StreamConfig:
    """The configuration for a stream that this request may create. Raises `BadHeader`."""
    value = request.header(STREAM_CONFIG)
    if value is None:
        return UNSET
    from s2mock.json_bodies.decoder import decode

    try:
        return stream_config(decode(value.encode(), "stream_config"))
    except BadJson as error:
        reason = f"invalid JSON: {error.message}"
    except InvalidConfig as error:
        reason = error.message
    raise BadHeader(f"Invalid header `{STREAM_CONFIG}`: {reason}")


def json_format(request: S2Request) -> Format:
    """How bytes are written in JSON. Raises `BadHeader`."""
    value = request.header(FORMAT)
    if value is None:
        return "raw"
    if value.strip() not in FORMATS:
        raise BadHeader(f"Invalid header `{FORMAT}`: {value}")
    return FORMATS[value.strip()]


def append_form(request: S2Request) -> Format | Literal["s2s/proto"] | None:
    """How an append is written: JSON of that format, frames, or protobuf. Raises `BadHeader`."""
    content_type = media_type(request.environ.get("CONTENT_TYPE"))
    if content_type == S2S:
        return S2S
    return None if content_type in PROTOBUF else json_format(request)


def last_event_id(request: S2Request) -> EventId | None:
    """Where an SSE reader wants to go on. Raises `BadHeader`."""
    value = request.header("last-event-id")
    try:
        return None if value is None else EventId.parse(value)
    except ValueError as error:
        raise BadHeader(f"Invalid header `last-event-id`: {error}") from None


def frame_coding(accept: "Accept") -> str | None:
    """The coding for S2S frames: zstd if it is listed, else gzip; only a quality of 0 counts."""
    listed = {coding.lower() for coding, quality in accept if quality > 0}
    return next((coding for coding in ("zstd", "gzip") if coding in listed), None)
