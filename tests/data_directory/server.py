"""The standalone server on a data directory, in a process of its own that a test can kill."""

import ssl
import subprocess
import sys
from pathlib import Path
from typing import Self

import httpx

# With a log that is long after so few changes, each run begins several.
_PROGRAM = """
import sys
import s2mock.data_directory.change_log as change_log
change_log._LONG_FRAMES = int(sys.argv.pop(1))
exec(sys.argv.pop(1))
import s2mock.__main__
sys.exit(s2mock.__main__.main())
"""
USUAL = 32_768


class KeptServer:
    """A server on that directory; it is killed at the end of the block.

    A log is long after that number of changes. `prelude` is code that its process runs before.
    `client` trusts a server that speaks TLS by `tls`.
    """

    def __init__(
        self,
        directory: Path,
        *arguments: str,
        port: int = 0,
        long: int = USUAL,
        prelude: str = "",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-c", _PROGRAM, str(long), prelude),
                *("--port", str(port), "--data", str(directory), *arguments),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said: list[str] = []
        assert self.process.stderr is not None
        for line in iter(self.process.stderr.readline, ""):
            if "listening on " in line:
                self.url: str = line.partition("listening on ")[2].partition(";")[0]
                break
            self.said.append(line)
        else:
            self.process.communicate()
            raise ServerEnded(self.process.returncode, "".join(self.said))
        verify = True if tls is None else tls
        self.client = httpx.Client(base_url=self.url, trust_env=False, timeout=60, verify=verify)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def kill(self) -> None:
        """End it as a failure of its machine would, without any time to prepare."""
        self.process.kill()
        self.process.communicate()
        self.client.close()

    def stop(self) -> tuple[int, str]:
        """Stop it, and return its status and what it said on standard error since its start."""
        self.process.terminate()
        _, said = self.process.communicate()
        self.client.close()
        return self.process.returncode, said


class ServerEnded(Exception):
    """The server has ended before it listened: its status, and what it said."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(f"status {status}: {said}")
        self.status = status
        self.said = said
