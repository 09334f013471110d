"""The standalone server: `python -m s2mock`, for tests in any language."""

import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from s2mock.control.command_line import console

if TYPE_CHECKING:
    from s2mock.handles.mock import S2Mock

# Missing in an interpreter into whose environment s2mock was not installed.
_DEPENDENCIES: Final = ("werkzeug", "hpack", "jsonschema", "google")
# Commands, each with a module of that name in `s2mock.contract`.
_PROOFS: Final = ("fidelity", "drift", "verify")


def main() -> int:
    """Serve until SIGINT or SIGTERM, or print a comparison. Returns the exit status."""
    console.open_standard_streams()
    for name in _DEPENDENCIES:
        if find_spec(name) is None:
            return console.fail(_not_installed(name))
    arguments = sys.argv[1:]
    if arguments[:1] and arguments[0] in _PROOFS:
        # By name and only now: the product works without the proof.
        proof = import_module(f"s2mock.contract.{arguments[0]}")
        return int(proof.main(console.program(), arguments[1:]))
    from s2mock.control.command_line import serve

    if arguments[:1] in (["lite"], ["run"], ["proxy"]):
        return serve.main(arguments[0], arguments[1:], _make_mock)
    return serve.main("serve", arguments, _make_mock)


def _make_mock(**arguments: Any) -> "S2Mock":
    from s2mock.handles.mock import S2Mock  # loaded late: --help and --version do without

    return S2Mock(**arguments)


def _not_installed(name: str) -> str:
    """Return the message for a missing dependency: how to run s2mock where it is installed."""
    made_here = Path(__file__).parent.parent / ".venv" / "bin" / "python"
    if made_here.exists() and Path(sys.executable) != made_here:
        way = f"run {made_here} -m s2mock"
    else:
        way = "run `make serve` in the checkout, or install s2mock with pip"
    return f"{sys.executable} has no module {name}, which s2mock needs: {way}"


if __name__ == "__main__":
    sys.exit(main())
