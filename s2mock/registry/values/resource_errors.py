"""A basin or a stream that is not there, or is there already.

Source: reference: control_plane §3.
"""

from s2mock.registry.values.s2error import S2Error


class BasinNotFound(S2Error):
    """There is no basin of that name."""

    code = "basin_not_found"
    rule = "control_plane §3"

    def __init__(self, basin: str) -> None:
        super().__init__(f"basin `{basin}` not found")


class StreamNotFound(S2Error):
    """There is no stream of that name in that basin."""

    code = "stream_not_found"
    rule = "control_plane §5.7"

    def __init__(self, basin: str, stream: str) -> None:
        super().__init__(f"stream `{stream}` in basin `{basin}` not found")


class ResourceAlreadyExists(S2Error):
    """The name is taken, and this is not the same request sent again."""

    code = "resource_already_exists"
    rule = "control_plane §5.5"


class BasinDeletionPending(S2Error):
    """The basin is being deleted."""

    code = "basin_deletion_pending"
    rule = "control_plane §4.6"

    def __init__(self, basin: str) -> None:
        super().__init__(f"basin `{basin}` is being deleted")


class StreamDeletionPending(S2Error):
    """The stream is being deleted."""

    code = "stream_deletion_pending"
    rule = "control_plane §5.7"

    def __init__(self) -> None:
        # The real text names neither the stream nor the basin.
        super().__init__("stream deletion pending")


class StaleHandle(RuntimeError):
    """You hold this `Basin` or `Stream` from before a `reset()` or `restore()`."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} is from before the account's reset() or restore(), which ended it: ask the "
            "mock for it again, as in s2_mock.basin(...).stream(...)"
        )
