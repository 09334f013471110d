"""Run the tests on each installed version of Python: `make pythons`.

The versions are the arguments. Each is looked up as `python3.13` on the PATH, then with pyenv, and
used if it runs: pyenv has a `python3.13` on the PATH even if that version is not active. Each has
an environment of its own, such as `.venv-3.13`. The exit status is 1 if the tests fail on a
version, or if no version is found.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path


def candidates(version: str) -> Iterator[str]:
    """Yield the interpreters that may be of that version, the best first."""
    yield f"python{version}"
    releases = re.findall(
        rf"^{re.escape(version)}\.(\d+)$", output("pyenv", "versions", "--bare"), re.MULTILINE
    )
    for release in sorted(map(int, releases), reverse=True):
        folder = output("pyenv", "prefix", f"{version}.{release}").strip()
        yield str(Path(folder, "bin", "python"))


def find(version: str) -> str | None:
    """Return the path of an interpreter of that version, or None if none runs."""
    code = "import sys; print('%d.%d' % sys.version_info[:2], sys.executable)"
    for candidate in candidates(version):
        found, _, path = output(candidate, "-c", code).strip().partition(" ")
        if found == version:
            return path
    return None


def output(*command: str) -> str:
    """Return the output of a command, or "" if it cannot be run or fails."""
    try:
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return ended.stdout if ended.returncode == 0 else ""


def main(versions: list[str]) -> int:
    """Run the tests on each version, print the results, and return the exit status."""
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
