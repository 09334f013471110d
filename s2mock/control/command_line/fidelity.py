"""`python -m s2mock fidelity`: the proof that the fake answers as the real server does."""

import argparse
import sys
from importlib import import_module

from s2mock.control.command_line.console import program


def main() -> int:
    """Print the proof as Markdown; return the exit status."""
    parser = argparse.ArgumentParser(
        prog=f"{program()} fidelity",
        description="Count the cases of the contract suite, replay every recording of the real "
        "server on the fake, and print the results with each known difference, as Markdown. "
        "The exit status is 1 if the fake does not answer a recording as recorded.",
    )
    parser.parse_args(sys.argv[2:])
    # By name and only now: the product works without the proof.
    proof = import_module("s2mock.contract.fidelity")
    return int(proof.main())
