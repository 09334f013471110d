"""Run the tests on each version of Python that is found here: `make pythons`.

The versions are the arguments. One is found as `python3.13` on the PATH, or else with pyenv, and is
used if it runs: pyenv puts a `python3.13` there for versions that it is not set to, too. Each has
an environment of its own, such as `.venv-3.13`. The exit status is 1 if the tests fail on one, or
if no version is found.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


def candidates(version: str) -> Iterator[str]:
    """The interpreters that may be of that version, the best first."""
    yield f"python{version}"
    releases = re.findall(
        rf"^{re.escape(version)}\.(\d+)$", output("pyenv", "versions", "--bare"), re.MULTILINE
    )
    for release in sorted(map(int, releases), reverse=True):
        folder = output("pyenv", "prefix", f"{version}.{release}").strip()
        yield str(Path(folder, "bin", "python"))


def find(version: str) -> str | None:
    """The path of an interpreter of that version, None if there is none that runs."""
    code = "import sys; print('%d.%d' % sys.version_info[:2], sys.executable)"
    for candidate in candidates(version):
        found, _, path = output(candidate, "-c", code).strip().partition(" ")
        if found == version:
            return path
    return None


def output(*command: str) -> str:
    """What the command prints; nothing if it cannot be run, or fails."""
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return ended.stdout if ended.returncode == 0 else ""


def main(versions: list[str]) -> int:
    """Run them, and say what came of it. Returns the exit status."""
    results = {}
    for version in versions:
        if (path := find(version)) is None:
            results[version] = "not found"
            continue
        print(f"Python {version}: {path}", flush=True)
        command = [os.environ.get("MAKE", "make"), "--no-print-directory", "test"]
        ended = subprocess.run([*command, f"PYTHON={path}", f"VENV=.venv-{version}"], check=False)
        results[version] = "passed" if ended.returncode == 0 else "failed"
    for version, result in results.items():
        print(f"Python {version}: {result}")
    return 0 if set(results.values()) - {"not found"} == {"passed"} else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
