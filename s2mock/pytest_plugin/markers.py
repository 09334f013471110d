"""The marker `s2_mock`: its arguments, and the fixture that a marked test gets."""

from typing import TYPE_CHECKING, Any, Final

import pytest

from s2mock.options import MARKER_OPTIONS, OPTIONS, Option

if TYPE_CHECKING:
    from collections.abc import Sequence


def _signature(option: Option) -> str:
    if option.default == ():
        return f"{option.name}=[]"
    is_explained = option.default is not None and option.shown_default
    return f"{option.name}={option.shown_default if is_explained else repr(option.default)}"


NAMES: Final = tuple(option.name for option in MARKER_OPTIONS)
DECLARATION: Final = (
    f"s2_mock(*, {', '.join(map(_signature, MARKER_OPTIONS))}): options of the s2_mock fixture for "
    "this test; basins are names, or mappings in the format of a resource file or of S2's "
    "requests, clock may be 'manual', faults are mappings of the arguments of inject()"
)


def add_fixture(item: pytest.Item) -> None:
    """Give a marked test the fixture, even if it does not take it as an argument.

    Before the test's other fixtures, so that those which read the environment find the variables
    that `use_env` has set, and behind the fixtures of a module or a session, which may have set the
    same variables for all of its tests.
    """
    names = getattr(item, "fixturenames", None)
    if names is not None and "s2_mock" not in names and item.get_closest_marker("s2_mock"):
        wider = sum(_is_wider(item, name) for name in names)
        # Another list: parametrized tests share one, and need not share a marker.
        item.fixturenames = [*names[:wider], "s2_mock", *names[wider:]]  # type: ignore[attr-defined]


def _is_wider(item: pytest.Item, name: str) -> bool:
    """True if a fixture lives longer than a test. pytest sets those up first."""
    # The place where pytest keeps the fixtures of an item. There is no request yet to ask instead.
    info = getattr(item, "_fixtureinfo", None)
    found: Sequence[Any] = () if info is None else info.name2fixturedefs.get(name, ())
    return bool(found) and found[-1].scope != "function"


def arguments_of(node: pytest.Item) -> dict[str, Any]:
    """Return the arguments of a test's markers; the marker nearest to the test wins.

    Raises `pytest.UsageError`.
    """
    arguments: dict[str, Any] = {}
    for marker in node.iter_markers("s2_mock"):
        if marker.args:
            raise pytest.UsageError(
                f"@pytest.mark.s2_mock takes keyword arguments only, not {marker.args!r}"
            )
        arguments = {**marker.kwargs, **arguments}
    for name in sorted(arguments.keys() - NAMES):
        if name in OPTIONS and OPTIONS[name].is_setting:
            why = ": the tests of a session share one socket" if name != "advice" else ""
            raise pytest.UsageError(
                f"@pytest.mark.s2_mock takes no {name}{why}; "
                f"set the ini key s2mock_{name}, or --s2mock-{name} on the command line"
            )
        from s2mock.runtime.near_names import near_name

        near = near_name(name, NAMES)
        hint = f"did you mean {near}? " if near else ""
        raise pytest.UsageError(
            f"@pytest.mark.s2_mock has no option {name}: {hint}There are {', '.join(NAMES)}"
        )
    return arguments
