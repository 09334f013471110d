"""Measurements during the load: one bystander, and the memory of the server's process."""

import http.client
import subprocess
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from s2mock.contract.client import Client

_PAUSE = 0.02


class Sample(NamedTuple):
    """What the process takes at one moment; None where the system does not tell."""

    kibibytes: int
    threads: int | None
    descriptors: int | None


def sample(pid: int) -> Sample:
    """Look at the process."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        shown = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=True
        )
        return Sample(int(shown.stdout), None, None)
    fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return Sample(
        int(fields["VmRSS"].split()[0]),
        int(fields["Threads"]),
        len([*Path(f"/proc/{pid}/fd").iterdir()]),
    )


class Bystander:
    """A client that sends simple requests on one connection, and notes the waits."""

    def __init__(self, client: Client, path: str) -> None:
        self._client = client
        self._path = path
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask)
        self.waits: list[float] = []
        self.failures: list[str] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _ask(self) -> None:
        connection = http.client.HTTPConnection(urlsplit(self._client.url).netloc, timeout=60)
        headers = {
            "s2-basin": self._client.basin or "",
            "authorization": f"Bearer {self._client.token}",
        }
        while not self._over.wait(_PAUSE):
            begun = time.perf_counter()
            try:
                connection.request("GET", self._path, headers=headers)
                answer = connection.getresponse()
                answer.read()
                if answer.status != 200:
                    self.failures.append(f"status {answer.status}")
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
            self.waits.append(time.perf_counter() - begun)
        connection.close()


class Trend(NamedTuple):
    """One figure, when the load had just become steady and in the second half."""

    name: str
    steady: float
    later: float
    allowed: float

    @property
    def is_flat(self) -> bool:
        """Whether the later one is no more than what may be by chance."""
        return self.later <= self.allowed


def trends(samples: list[Sample]) -> Iterable[Trend]:
    """Compare the medians of the second quarter and of the second half."""
    quarter, half = len(samples) // 4, len(samples) // 2
    # By how much, and by what part, a figure may be higher by chance.
    slack = {"kibibytes": (16_384, 0.1), "threads": (2, 0.0), "descriptors": (40, 0.2)}
    for name, (absolute, relative) in slack.items():
        figures = [getattr(taken, name) for taken in samples]
        if None in figures:
            continue
        steady, later = median(figures[quarter:half]), median(figures[half:])
        yield Trend(name, steady, later, steady * (1 + relative) + absolute)
