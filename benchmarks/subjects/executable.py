"""The executable of `make binary`: the size of its folder, and its start beside Python's."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.rounds import interleave
from benchmarks.subjects.startup import S2MOCK, time_to_answer
from benchmarks.table import Row, megabytes, milliseconds

_FOLDER = Path(__file__).parent.parent.parent / "dist" / "s2mock"
_MOST = 1.5


def measure(quick: bool) -> Iterator[Row]:
    """Bytes of the files, and seconds until `GET /health` is answered."""
    program = _FOLDER / "s2mock"
    if not program.exists():
        yield Row("the executable", [], milliseconds, absent="absent: `make binary` builds it")
        return
    size = sum(
        file.stat().st_size
        for file in _FOLDER.rglob("*")
        if file.is_file() and not file.is_symlink()
    )
    yield Row("the executable, its folder", [size], megabytes)
    sides = {
        "executable": partial(time_to_answer, [str(program), "--port"], "/health"),
        "python": partial(time_to_answer, S2MOCK, "/health"),
    }
    interleave(sides, 1)
    times = interleave(sides, 1 if quick else 21)
    yield Row(
        "the executable to healthy",
        times["executable"],
        milliseconds,
        peer="`python -m s2mock`",
        theirs=times["python"],
        aim=_MOST,
    )
