"""From the start of the process to the first answer."""

import http.client
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial

from benchmarks.peers import absence
from benchmarks.rounds import interleave
from benchmarks.table import Row, milliseconds

S2MOCK = [sys.executable, "-m", "s2mock", "--port"]
MOTO = [sys.executable, "-m", "moto.server", "-p"]
_POLL_SECONDS = 0.001
_GIVE_UP_SECONDS = 30


def measure(quick: bool) -> Iterator[Row]:
    """Seconds until `GET /health` is answered."""
    sides: dict[str, Callable[[], float]] = {
        "s2mock": partial(time_to_answer, S2MOCK, "/health"),
        "python": _time_of_interpreter,
    }
    if not (absent := absence("moto")):
        sides["moto"] = partial(time_to_answer, MOTO, "/moto-api/")
    interleave(sides, 1)
    times = interleave(sides, 1 if quick else 11)
    for name, title in {"python": "`python -c pass`", "moto": "moto server"}.items():
        yield Row(
            "`python -m s2mock` to healthy",
            times["s2mock"],
            milliseconds,
            peer=title,
            theirs=times.get(name),
            aim=0.1,
            absolute=True,
            absent=absent if name == "moto" else "",
        )


def _time_of_interpreter() -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.perf_counter() - start


def time_to_answer(program: list[str], path: str) -> float:
    """Return the seconds from the start of a program, which takes a port last, to its answer."""
    port = _free_port()
    command = [*program, str(port)]
    start = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            while not _answers(port, path):
                if time.perf_counter() - start > _GIVE_UP_SECONDS:
                    raise TimeoutError(f"no answer: run `{' '.join(command)}` to see why")
                time.sleep(_POLL_SECONDS)
            return time.perf_counter() - start
        finally:
            process.kill()


def _answers(port: int, path: str) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_GIVE_UP_SECONDS)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except OSError:
        return False
    finally:
        connection.close()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
