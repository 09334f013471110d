"""Run the tests of simulations whole, on the newest Python that simloom is for: `make simulation`.

The arguments are versions, the best first. The environment is `.venv-simulation`.
"""

import os
import subprocess
import sys

from pythons import find


def main(versions: list[str]) -> int:
    """Run the tests on the first version that is installed, and return the exit status."""
    for version in versions:
        if (path := find(version)) is not None:
            print(f"Python {version}: {path}", flush=True)
            make = [os.environ.get("MAKE", "make"), "--no-print-directory", "simulation-tests"]
            variables = [f"PYTHON={path}", "VENV=.venv-simulation"]
            return subprocess.run([*make, *variables], check=False).returncode
    print(
        f"none of Python {', '.join(versions)} was found: install one, or name another, as in "
        'make simulation SIMULATION_PYTHONS="3.12"',
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
