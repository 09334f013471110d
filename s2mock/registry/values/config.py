"""Configurations of basins and streams: frozen values, one `merge`, one `reconfigure`.

`None` in a leaf means "unset". A basin keeps its stream defaults as they were set; a stream keeps
a resolved configuration without unset leaves. Sources: reference: control_plane §4.2 (basins),
§5.3 (fields), §5.4 (merge), §5.6 (reconfiguration).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypedDict, TypeVar, get_args

from s2mock.registry.values.errors import InvalidConfig
from s2mock.runtime.arguments import described

Cipher = Literal["aegis-256", "aes-256-gcm"]
RetentionPolicy = int | Literal["infinite"]
TimestampingMode = Literal["client-prefer", "client-require", "arrival"]

U64_MAX: Final = 2**64 - 1


_T = TypeVar("_T")


def _either(value: _T | None, default: _T | None) -> _T | None:
    return default if value is None else value


def _check_type(leaf: str, value: object, kind: type) -> None:
    if value is not None and not isinstance(value, kind):
        raise InvalidConfig(f"{leaf} must be of type {kind.__name__}, not {value!r}")


def _check_unicode(leaf: str, value: str | None) -> None:
    if value is None or value.isascii():
        return
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidConfig(f"{leaf} must be Unicode text, not {value!r}") from None


def _check_u64(leaf: str, value: object) -> None:
    if value is not None and not (type(value) is int and 0 <= value <= U64_MAX):
        raise InvalidConfig(f"{leaf} must be a whole number from 0 to 2^64-1, not {value!r}")


def _check_choice(leaf: str, value: object, choices: Any) -> None:
    if value is not None and value not in get_args(choices):
        expected = ", ".join(f"`{choice}`" for choice in get_args(choices))
        raise InvalidConfig(f"{leaf} must be one of {expected}, not {value!r}")


def _check_leaves(changes: object, kind: Any) -> None:
    leaves = kind.__annotations__
    if not isinstance(changes, Mapping):
        example = f"{{{next(iter(leaves))!r}: ...}}"
        raise TypeError(f"changes must be a dict, not {described(changes)}: try {example}")
    if unknown := changes.keys() - leaves.keys():
        raise TypeError(
            f"no such leaf: {', '.join(sorted(unknown))}; there are {', '.join(leaves)}"
        )


class StreamConfigChanges(TypedDict, total=False):
    """A reconfiguration: an absent leaf is kept, `None` clears it, a value sets it."""

    storage_class: str | None
    retention_policy: RetentionPolicy | None
    timestamping_mode: TimestampingMode | None
    timestamping_uncapped: bool | None
    delete_on_empty_min_age: int | None


@dataclass(frozen=True, slots=True)
class StreamConfig:
    """Configuration of a stream, or a basin's defaults for its streams.

    `retention_policy` is an age in seconds (more than 0) or `"infinite"`;
    `delete_on_empty_min_age` is in seconds, 0 for never. Raises `InvalidConfig`.
    Source: reference: control_plane §5.3.
    """

    storage_class: str | None = None
    retention_policy: RetentionPolicy | None = None
    timestamping_mode: TimestampingMode | None = None
    timestamping_uncapped: bool | None = None
    delete_on_empty_min_age: int | None = None

    def __post_init__(self) -> None:
        _check_type("storage_class", self.storage_class, str)
        _check_unicode("storage_class", self.storage_class)
        if self.retention_policy == 0 and self.retention_policy is not False:
            raise InvalidConfig("age must be greater than 0 seconds")
        if self.retention_policy != "infinite":
            _check_u64("retention_policy", self.retention_policy)
        _check_choice("timestamping_mode", self.timestamping_mode, TimestampingMode)
        _check_type("timestamping_uncapped", self.timestamping_uncapped, bool)
        _check_u64("delete_on_empty_min_age", self.delete_on_empty_min_age)

    def merge(self, defaults: "StreamConfig") -> "StreamConfig":
        """This configuration, each unset leaf taken from `defaults`."""
        if self is UNSET:
            return defaults
        return StreamConfig(
            _either(self.storage_class, defaults.storage_class),
            _either(self.retention_policy, defaults.retention_policy),
            _either(self.timestamping_mode, defaults.timestamping_mode),
            _either(self.timestamping_uncapped, defaults.timestamping_uncapped),
            _either(self.delete_on_empty_min_age, defaults.delete_on_empty_min_age),
        )

    def reconfigure(self, changes: StreamConfigChanges) -> "StreamConfig":
        """This configuration with `changes` laid over it. Raises `TypeError`."""
        _check_leaves(changes, StreamConfigChanges)
        return replace(self, **changes)


UNSET: Final = StreamConfig()

SYSTEM_DEFAULTS: Final = StreamConfig(
    storage_class="express",
    retention_policy=7 * 24 * 60 * 60,
    timestamping_mode="client-prefer",
    timestamping_uncapped=False,
    delete_on_empty_min_age=0,
)


class BasinConfigChanges(TypedDict, total=False):
    """A reconfiguration: an absent leaf is kept, `None` clears it, a value sets it."""

    default_stream_config: StreamConfigChanges | None
    stream_cipher: Cipher | None
    create_stream_on_append: bool
    create_stream_on_read: bool


@dataclass(frozen=True, slots=True)
class BasinConfig:
    """Configuration of a basin. Raises `InvalidConfig`, `TypeError`.

    Source: reference: control_plane §4.2.
    """

    default_stream_config: StreamConfig = UNSET
    stream_cipher: Cipher | None = None
    create_stream_on_append: bool = False
    create_stream_on_read: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.default_stream_config, StreamConfig):
            raise TypeError(
                "default_stream_config must be a StreamConfig, not "
                f"{described(self.default_stream_config)}: try StreamConfig(...)"
            )
        if self.default_stream_config == UNSET:
            # Found by identity where the same configuration is merged often.
            object.__setattr__(self, "default_stream_config", UNSET)
        _check_choice("stream_cipher", self.stream_cipher, Cipher)
        for flag in ("create_stream_on_append", "create_stream_on_read"):
            if type(getattr(self, flag)) is not bool:
                raise InvalidConfig(f"{flag} must be True or False, not {getattr(self, flag)!r}")

    def creates_stream_on(self, operation: Literal["append", "read"]) -> bool:
        """True if an append or a read creates its stream (reference: control_plane §5.9)."""
        if operation == "append":
            return self.create_stream_on_append
        return self.create_stream_on_read

    def reconfigure(self, changes: BasinConfigChanges) -> "BasinConfig":
        """This configuration with `changes` laid over it, stream defaults leaf by leaf.

        Raises `TypeError`.
        """
        _check_leaves(changes, BasinConfigChanges)
        leaves: dict[str, Any] = {**changes}
        if "default_stream_config" in changes:
            defaults = changes["default_stream_config"]
            leaves["default_stream_config"] = (
                UNSET if defaults is None else self.default_stream_config.reconfigure(defaults)
            )
        return replace(self, **leaves)
