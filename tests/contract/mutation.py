"""Small changes to the fake's rules, made and taken back while it runs."""

import inspect
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FunctionType
from typing import Any, NamedTuple


class Mutation(NamedTuple):
    """One rule broken: `old` in the source of a function replaced by `new`.

    `caught_by` are tests that must not pass with it: of the contract suite, as `module::test`, or
    of another folder, as that says. `options` are for the fake that they run on.
    """

    name: str
    function: Callable[..., Any] | property
    old: str
    new: str
    caught_by: tuple[str, ...]
    options: tuple[str, ...] = ()

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Make the function do the wrong thing until the end, wherever it was imported to."""
        function = _plain(self.function)
        code = function.__code__
        # Compiled first, so that a text that is not there changes nothing.
        function.__code__ = _rewritten(function, self.old, self.new)
        try:
            yield
        finally:
            function.__code__ = code


def _plain(function: Callable[..., Any] | property) -> FunctionType:
    if isinstance(function, property):
        function = function.fget or function
    function = getattr(function, "__func__", function)
    assert isinstance(function, FunctionType), f"{function} has no source to change"
    return function


def _rewritten(function: FunctionType, old: str, new: str) -> CodeType:
    source = textwrap.dedent(inspect.getsource(function))
    found = source.count(old)
    assert found == 1, f"{function.__qualname__} has {found} times {old!r}:\n{source}"
    # Within a function, so that what it takes from around it (`super` does) is taken from there.
    outer = f"def outer({', '.join(function.__code__.co_freevars)}):\n"
    if function.__name__ not in function.__code__.co_freevars:
        # A method may call a function of its module that has its name.
        outer += f"    global {function.__name__}\n"
    module = compile(
        outer + textwrap.indent(source.replace(old, new), "    "), "<mutation>", "exec"
    )
    [outer_code] = _codes_in(module, "outer")
    [code] = _codes_in(outer_code, function.__name__)
    return code


def _codes_in(code: CodeType, name: str) -> list[CodeType]:
    constants = code.co_consts
    return [item for item in constants if isinstance(item, CodeType) and item.co_name == name]
