"""Standalone tests to paste: the block of an attempt as a test of its own, from its source."""

import ast
import inspect
import textwrap
from collections.abc import Iterable, Mapping
from types import CodeType
from typing import Any, Final, NamedTuple

from s2mock.campaigns.code import to_code

_DEFAULT_MOCK: Final = "s2_mock"


class LoopSource(NamedTuple):
    """The source of a loop over attempts, in a test function.

    `before` is what the function does before the loop, `block` the statements in the `with` block
    of an attempt. `loop` and `mock` are the names that the loop and the block give their values,
    `arguments` the other fixtures of the test.
    """

    function: str
    arguments: tuple[str, ...]
    before: str
    loop: str
    mock: str
    block: str

    @property
    def uses_attempt(self) -> bool:
        """True if the block uses the attempt itself."""
        return any(
            isinstance(node, ast.Name) and node.id == self.loop
            for node in ast.walk(ast.parse(self.block))
        )


def find_loop(code: CodeType, begun_at: int, fixture: str) -> LoopSource | None:
    """Return the loop that a function has begun at that line, None if it is of another form."""
    try:
        lines, first = inspect.getsourcelines(code)
        text = textwrap.dedent("".join(lines))
        [function] = ast.parse(text).body
    except (OSError, TypeError, SyntaxError, ValueError):
        return None
    if not isinstance(function, ast.FunctionDef):
        return None
    line = begun_at - first + 1
    for place, statement in enumerate(function.body):
        if (
            isinstance(statement, ast.For)
            and isinstance(statement.target, ast.Name)
            and statement.lineno <= line <= (statement.iter.end_lineno or 0)
        ):
            return _loop_of(function, place, statement, text, fixture)
    return None


def _loop_of(
    function: ast.FunctionDef, place: int, loop: ast.For, text: str, fixture: str
) -> LoopSource | None:
    assert isinstance(loop.target, ast.Name)
    if len(loop.body) != 1 or not isinstance(block := loop.body[0], ast.With):
        return None
    [item, *others] = block.items
    if others or not isinstance(item.context_expr, ast.Name):
        return None
    if item.context_expr.id != loop.target.id:
        return None
    arguments = [argument.arg for argument in function.args.args if argument.arg != fixture]
    if "self" in arguments:
        # A test pasted as a function would miss it.
        return None
    mock = item.optional_vars
    return LoopSource(
        function.name,
        tuple(arguments),
        _source_of(function.body[:place], text),
        loop.target.id,
        mock.id if isinstance(mock, ast.Name) else _DEFAULT_MOCK,
        _source_of(block.body, text),
    )


def _source_of(statements: list[ast.stmt], text: str) -> str:
    """Return the lines of statements, with the comments between them, without indentation."""
    if not statements:
        return ""
    lines = text.splitlines()
    return textwrap.dedent("\n".join(lines[statements[0].lineno - 1 : statements[-1].end_lineno]))


def write_function(
    name: str,
    arguments: Iterable[str],
    parts: Iterable[str],
    *,
    options: Mapping[str, Any],
    imports: Iterable[str] = (),
    helper: str = "",
) -> str:
    """Return a test module: its imports, a helper, and a test function of these parts."""
    lines = [*imports]
    if lines:
        lines += ["", ""]
    if helper:
        lines += [helper.strip(), "", ""]
    if options:
        given = ", ".join(
            f"{option}={to_code(value) or option}" for option, value in options.items()
        )
        lines.append(f"@pytest.mark.s2_mock({given})")
    lines.append(f"def {name}({', '.join(arguments)}):")
    body = "\n".join(part for part in parts if part)
    lines += textwrap.indent(body, "    ").splitlines()
    return "\n".join(line.rstrip() for line in lines) + "\n"


def as_name(text: str) -> str:
    """Return a text as a part of the name of a function."""
    words = "".join(char if char.isalnum() else " " for char in text).split()
    return "_".join(words).lower()


def names_in(code: Iterable[str]) -> list[str]:
    """Return the public names of s2mock that these expressions use, sorted."""
    import s2mock

    found = {
        node.id
        for text in code
        for node in ast.walk(ast.parse(text, mode="eval"))
        if isinstance(node, ast.Name) and node.id in s2mock.__all__
    }
    return sorted(found)
