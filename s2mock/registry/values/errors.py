"""The error table of S2: one class for each way to fail, each knowing its code and HTTP status.

Sources of the rules: reference: control_plane §3 (codes, statuses, message templates) and
data_plane §1.3 (the two answers without a code).
"""

from s2mock.registry.values.account_errors import (
    AccessTokenNotFound,
    Authn,
    InvalidLocation,
    InvalidMetrics,
    InvalidToken,
    PermissionDenied,
)
from s2mock.registry.values.record_errors import (
    AppendConditionFailed,
    DecryptionFailed,
    FencingTokenMismatch,
    ReadUnwritten,
    SeqNumMismatch,
    Unavailable,
)
from s2mock.registry.values.request_errors import (
    BadFrame,
    BadHeader,
    BadJson,
    BadPath,
    BadProto,
    BadQuery,
    InternalError,
    InvalidConfig,
    InvalidName,
)
from s2mock.registry.values.resource_errors import (
    BasinDeletionPending,
    BasinNotFound,
    ResourceAlreadyExists,
    StaleHandle,
    StreamDeletionPending,
    StreamNotFound,
)
from s2mock.registry.values.s2error import (
    Invalid,
    S2Error,
)

__all__ = [
    "AccessTokenNotFound",
    "AppendConditionFailed",
    "Authn",
    "BadFrame",
    "BadHeader",
    "BadJson",
    "BadPath",
    "BadProto",
    "BadQuery",
    "BasinDeletionPending",
    "BasinNotFound",
    "DecryptionFailed",
    "FencingTokenMismatch",
    "InternalError",
    "Invalid",
    "InvalidConfig",
    "InvalidLocation",
    "InvalidMetrics",
    "InvalidName",
    "InvalidToken",
    "PermissionDenied",
    "ReadUnwritten",
    "ResourceAlreadyExists",
    "S2Error",
    "SeqNumMismatch",
    "StaleHandle",
    "StreamDeletionPending",
    "StreamNotFound",
    "Unavailable",
]
