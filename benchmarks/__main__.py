"""`python -m benchmarks [--quick] [SUBJECT ...]`."""

import argparse
import platform
from collections.abc import Iterator

from benchmarks.subjects import SUBJECTS, measure
from benchmarks.table import render


def main() -> None:
    """Measure, and print each row as soon as it is complete."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measures s2mock beside its peers and prints a Markdown table: the median of "
        "all rounds, lowest and highest behind it. Rounds that differ by more than half are "
        "measured again; what is `noisy` differs by more all the same.",
    )
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=", ".join(SUBJECTS))
    parser.add_argument(
        "--quick", action="store_true", help="only to see that all of it runs; proves nothing"
    )
    options = parser.parse_args()
    if unknown := set(options.subjects) - SUBJECTS.keys():
        parser.error(f"no such subject: {', '.join(unknown)}; there are {', '.join(SUBJECTS)}")
    system = f"{platform.python_implementation()} {platform.python_version()}"
    print(f"{system}, {platform.system()} {platform.machine()}\n")
    for line in render(_rows(options.subjects or list(SUBJECTS), quick=options.quick)):
        print(line, flush=True)


def _rows(subjects: list[str], *, quick: bool) -> Iterator[list[str]]:
    for subject in subjects:
        for row in measure(subject, quick=quick):
            yield row.cells()


if __name__ == "__main__":
    main()
