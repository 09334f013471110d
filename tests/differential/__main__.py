"""Run the sweep and the differential machine: `python -m tests.differential`.

Without a difference that the ledger does not know, `s2mock/contract/proof.json` says afterwards
what was compared with which server, when and how often. Nothing else writes that file.
"""

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import s2mock.contract
from tests.differential.machine import Comparison, compare, compare_in_parts
from tests.differential.sweep import sweep

PROOF = Path(s2mock.contract.__file__).parent / "proof.json"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.differential")
    parser.add_argument("reference", help="URL of the real server")
    parser.add_argument("--version", required=True, help='what it is, such as "s2-lite 0.43.4"')
    parser.add_argument("--sequences", type=int, default=20_000)
    parser.add_argument("--processes", type=int, default=1, help="how many compare at a time")
    options = parser.parse_args()
    edges, differences = sweep(options.reference)
    if differences:
        print("\n\n".join([*differences, f"{len(differences)} differences at the edges"]))
        sys.exit(1)
    if options.processes == 1:
        compare(options.reference, options.sequences)
    else:
        compare_in_parts(options.reference, options.sequences, options.processes)
    name, _, version = options.version.rpartition(" ")
    proof = {
        "reference": name,
        "version": version,
        "date": datetime.now(UTC).date().isoformat(),
        "sequences": Comparison.sequences,
        "calls": Comparison.calls,
        "edges": edges,
        "known_differences_met": dict(sorted(Comparison.excused.items())),
    }
    PROOF.write_text(json.dumps(proof, indent=2) + "\n", "utf-8")
    print(json.dumps(proof))


if __name__ == "__main__":
    main()
