"""Notes on the errors of direct calls: the name that was probably meant.

The messages are S2's own, so what s2mock knows beyond them is a note, which pytest prints below.
"""

from itertools import islice
from typing import Final

from s2mock.handles.backends.backend import AccountBackend
from s2mock.registry.places import Place
from s2mock.registry.values.errors import S2Error

# Of an account with more names, the first ones are compared.
_MAX_NAMES: Final = 1000


def add_note(
    error: S2Error, backend: AccountBackend, basin: str, stream: str | None = None
) -> None:
    """Add the nearest name to an error about a missing basin or stream."""
    try:
        error.add_note(_describe(backend, basin, stream))
    except Exception as failure:  # noqa: BLE001  # the error itself is more important
        error.add_note(f"the names that there are cannot be read: {failure}")


def _describe(backend: AccountBackend, basin: str, stream: str | None) -> str:
    basins = backend.basins()
    if basin not in basins:
        return _nearest("basin", basin, basins, "")
    if stream is None:
        return f"there is a basin `{basin}` by now: it was made later"
    return _nearest("stream", stream, backend.streams(Place(basin)), " in that basin")


def _nearest(what: str, name: str, names: tuple[str, ...], where: str) -> str:
    from s2mock.runtime.near_names import near_name

    some = tuple(islice(names, _MAX_NAMES))
    if not some:
        return f"there are no {what}s{where}"
    if (near := near_name(name, some)) is not None:
        return f"did you mean the {what} `{near}`?"
    listed = ", ".join(f"`{one}`" for one in some[:5])
    return f"the {what}s{where} are {listed}{' and more' if len(names) > 5 else ''}"
