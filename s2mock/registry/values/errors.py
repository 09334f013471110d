"""The errors of S2: one class for each way to fail, with its code and HTTP status.

Sources of the rules: reference: control_plane §3 (codes, statuses, message templates),
account_services §1 to §3, and data_plane §1.3 (the two answers without a code), §3 to §9. The table
of all codes is in `codes.py`.
"""

from typing import Any, ClassVar

from s2mock.registry.values.codes import CODES
from s2mock.registry.values.positions import StreamPosition


class S2Error(Exception):
    """An answer of S2 that is not a success.

    `status` is the HTTP status; `code` and `message` are the two members of S2's error envelope.
    The two answers that S2 sends without an envelope have the code `""`. `rule` is the section of
    the reference with the rule that was broken. `explanation` is what would have been right, where
    S2 does not send that and s2mock knows it.
    """

    code: ClassVar[str]
    status: ClassVar[int]
    rule: str = ""
    explanation: str | None = None
    # True if S2 ends the connection after the response.
    ends_connection: bool = False

    def __init_subclass__(cls) -> None:
        if "code" in cls.__dict__ and cls.code:
            cls.status = CODES[cls.code].status

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def body(self) -> dict[str, Any]:
        """Return the JSON document that S2 sends for this error."""
        return {"code": self.code, "message": self.message}

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The header fields that are sent beside the document."""
        return []


class Invalid(S2Error):
    """A value that is well formed, and that S2 does not accept."""

    code = "invalid"
    rule = "data_plane §3.2"


# The request by itself, for any state of the account.


class BadJson(S2Error):
    """The body is not the JSON document that this operation takes."""

    code = "bad_json"
    rule = "control_plane §2.2"


class BadHeader(S2Error):
    """A header is missing or its value is not acceptable."""

    code = "bad_header"
    rule = "control_plane §2.1"


class BadPath(S2Error):
    """A parameter in the path is not acceptable."""

    code = "bad_path"
    rule = "control_plane §1.2"


class BadQuery(S2Error):
    """A parameter in the query string is not acceptable."""

    code = "bad_query"
    rule = "control_plane §2.4"


class BadProto(S2Error):
    """The body is not the protobuf message that this operation takes."""

    code = "bad_proto"
    rule = "data_plane §2"


class BadFrame(S2Error):
    """The bytes are no S2S frame, or a frame that is not allowed in this place."""

    code = "bad_frame"
    rule = "data_plane §6.2"


class InvalidName(BadJson):
    """A name breaks S2's naming rules.

    Over HTTP the code tells the part of the request that held the name (`bad_json`, `bad_path`,
    `bad_header`, `bad_query`); in direct use it is `bad_json`, as for a name in a body.
    """

    rule = "control_plane §4.1, §5.1"


class InvalidConfig(Invalid):
    """A configuration is well formed, and has a value that S2 does not accept."""

    rule = "control_plane §5.3"


class InternalError(S2Error):
    """The fake itself failed, which is never the user's fault."""

    code = "other"


class StorageFailed(S2Error):
    """The change cannot be kept, as on a full disk; nothing was changed."""

    code = "storage"


# Basins and streams.


class BasinNotFound(S2Error):
    """The account has no basin of that name."""

    code = "basin_not_found"
    rule = "control_plane §3"

    def __init__(self, basin: str) -> None:
        super().__init__(f"basin `{basin}` not found")


class StreamNotFound(S2Error):
    """The basin has no stream of that name, or the account has no such basin."""

    code = "stream_not_found"
    rule = "control_plane §5.7"

    def __init__(self, basin: str, stream: str) -> None:
        super().__init__(f"stream `{stream}` in basin `{basin}` not found")


class ResourceAlreadyExists(S2Error):
    """The name is taken, and this is not the same request sent again."""

    code = "resource_already_exists"
    rule = "control_plane §5.5"


class BasinDeletionPending(S2Error):
    """The basin's deletion has begun and is not complete."""

    code = "basin_deletion_pending"
    rule = "control_plane §4.6"

    def __init__(self, basin: str) -> None:
        super().__init__(f"basin `{basin}` is being deleted")


class StreamDeletionPending(S2Error):
    """The stream's deletion has begun and is not complete."""

    code = "stream_deletion_pending"
    rule = "control_plane §5.7"

    def __init__(self) -> None:
        # The real text names neither the stream nor the basin.
        super().__init__("stream deletion pending")


class StaleHandle(RuntimeError):
    """The `Basin` or `Stream` in your hand is from before a `reset()` or `restore()`."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} is from before the account's reset() or restore(), which ended it: ask the "
            "mock for it again, as in s2_mock.basin(...).stream(...)"
        )


# Appends and reads.


class AppendConditionFailed(S2Error):
    """A condition of the append did not hold. Nothing was written."""

    code = ""
    status = 412


class FencingTokenMismatch(AppendConditionFailed):
    """The append's fencing token is not the one in force, which is `fencing_token`."""

    rule = "data_plane §3.5"

    def __init__(self, fencing_token: str) -> None:
        super().__init__(f"the fencing token in force is {fencing_token!r}")
        self.fencing_token = fencing_token

    def body(self) -> dict[str, Any]:
        """Return the JSON document that S2 sends for this error."""
        return {"fencing_token_mismatch": self.fencing_token}


class SeqNumMismatch(AppendConditionFailed):
    """The append expects another sequence number than the next one, which is `seq_num`."""

    rule = "data_plane §3.5"

    def __init__(self, seq_num: int) -> None:
        super().__init__(f"the next sequence number is {seq_num}")
        self.seq_num = seq_num

    def body(self) -> dict[str, Any]:
        """Return the JSON document that S2 sends for this error."""
        return {"seq_num_mismatch": self.seq_num}


class ReadUnwritten(S2Error):
    """There is nothing to read from there on; `tail` is where the next record will be."""

    code = ""
    rule = "data_plane §4.3"
    status = 416

    def __init__(self, tail: StreamPosition) -> None:
        super().__init__(f"nothing is written there; the tail is {tail.seq_num}")
        self.tail = tail

    def body(self) -> dict[str, Any]:
        """Return the JSON document that S2 sends for this error."""
        return {"tail": {"seq_num": self.tail.seq_num, "timestamp": self.tail.timestamp}}


class DecryptionFailed(S2Error):
    """A record was appended with another key than it is read with."""

    code = "decryption_failed"
    rule = "data_plane §9"

    def __init__(self) -> None:
        super().__init__("record decryption failed")


class Unavailable(S2Error):
    """The stream of an open session was deleted, or the account was reset."""

    code = "unavailable"
    rule = "data_plane §8.5"

    def __init__(self) -> None:
        super().__init__("streamer missing in action")


# Access tokens, metrics and locations.


class Authn(S2Error):
    """The request carries no access token that is valid now."""

    code = "authn"
    rule = "account_services §1.3"


class PermissionDenied(S2Error):
    """The access token does not permit this: `explanation` says what would, and is not sent."""

    code = "permission_denied"
    rule = "account_services §1.3"

    def __init__(self, explanation: str) -> None:
        super().__init__("Operation not permitted")
        self.explanation = explanation


class InvalidToken(Invalid):
    """An access token with these properties cannot be issued."""

    rule = "account_services §1.1, §1.3"


class AccessTokenNotFound(S2Error):
    """The account has no access token of that id."""

    code = "access_token_not_found"
    rule = "account_services §1.1"

    def __init__(self, token_id: str) -> None:
        super().__init__(f"access token `{token_id}` not found")


class InvalidLocation(Invalid):
    """The location does not exist, or the basin is in another one."""

    rule = "account_services §3"

    def __init__(self, message: str, explanation: str | None = None) -> None:
        super().__init__(message)
        self.explanation = explanation


class InvalidMetrics(Invalid):
    """The period of the metrics has no beginning, or lies in the future, or is too long."""

    rule = "account_services §2"


# Limits of an account.


class RateLimited(S2Error):
    """The appends to a stream are above a limit. Nothing was written.

    `retry_after` is in milliseconds of the account's clock.
    """

    code = "rate_limited"
    rule = "account_services §5"
    retry_after: int = 0

    def __init__(self, limit: str, retry_after: int) -> None:
        super().__init__(f"rate limited: {limit}")
        self.retry_after = retry_after

    @property
    def headers(self) -> list[tuple[str, str]]:
        """The header with the time after which the append is within the limit."""
        return [("retry-after-ms", str(self.retry_after))]


class QuotaExhausted(S2Error):
    """The account has as many basins as it may have."""

    code = "quota_exhausted"
    rule = "account_services §5"

    def __init__(self, basins: int) -> None:
        super().__init__(f"quota exhausted: the account is limited to {basins} basins")


class RetentionTooLong(Invalid):
    """The retention of a stream, or of the streams of a basin, is longer than the account's."""

    rule = "account_services §5"

    def __init__(self, retention: int | str, limit: int) -> None:
        given = retention if isinstance(retention, str) else f"{retention} seconds"
        super().__init__(
            f"retention of {given} is longer than the limit of the account, {limit} seconds"
        )
