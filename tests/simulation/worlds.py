"""Runs of worlds for the tests: their journals as bytes, and a watch on calls that leave them."""

import contextlib
import dataclasses
import json
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from s2mock import S2Mock

Main = Callable[[Any], Coroutine[Any, Any, Any]]
BASIN = "my-basin"
LOG = [{"name": BASIN, "streams": ["log"]}]

# What a program does with a system of its own: network, processes, threads, time that passes.
_LEAVING = (
    "socket.bind",
    "socket.connect",
    "socket.getaddrinfo",
    "socket.gethostbyname",
    "socket.sendto",
    "subprocess.Popen",
    "os.fork",
    "os.posix_spawn",
    "os.system",
    "time.sleep",
    "_thread.start_new_thread",
    "_thread.start_joinable_thread",
)
_left: list[str] | None = None


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if _left is not None and event in _LEAVING and threading.get_ident() == _watched:
        _left.append(f"{event} {arguments!r}")


_watched = 0
_is_watching = False


@contextlib.contextmanager
def watch() -> Iterator[list[str]]:
    """Yield a list of the calls of this thread, within the block, that leave a world.

    Python names them by audit events, also those that libraries make.
    """
    global _left, _watched, _is_watching  # noqa: PLW0603  # an audit hook cannot be removed
    if not _is_watching:
        sys.addaudithook(_audit)
        _is_watching = True
    _left, _watched = found, _ = [], threading.get_ident()
    try:
        yield found
    finally:
        _left = None


def run(main: Main, seed: int, **options: Any) -> Any:
    """Run a world as `simloom.test` does, and return its result, which may be a failure."""
    import simloom

    given = {"virtual_time": True, "seed_randomness": True, "raise_on_error": False, **options}
    with watch() as left:
        result = simloom.run(main, seed=seed, **given)
    if left:
        raise AssertionError(f"the world of seed {seed} was left: {left}")
    return result


def check(main: Main, seed: int, **options: Any) -> Any:
    """Run a world that has to succeed, and return what its main function returned."""
    result = run(main, seed, **options)
    if result.error is not None:
        raise AssertionError(f"the world of seed {seed} has failed") from result.error
    return result.value


def journal_of(mock: S2Mock) -> bytes:
    """Return all fields of all exchanges, as JSON lines."""
    return b"\n".join(
        json.dumps(_as_json(exchange), sort_keys=True).encode() for exchange in mock.journal
    )


def _as_json(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value)]
        # A document is decoded when it is read, by a function that the value has in its place.
        public = ["document" if name == "_decode" else name for name in names if name != "_found"]
        return {name: _as_json(getattr(value, name)) for name in public}
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | tuple):
        return [_as_json(each) for each in value]
    if hasattr(value, "items"):
        return [[name, _as_json(each)] for name, each in value.items()]
    return value if isinstance(value, str | int | float | None) else repr(value)
