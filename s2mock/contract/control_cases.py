"""Which test covers which case of the control plane's list (reference: control_plane §7).

A test says so by `@control_case(42)`; the table says it the other way round, so that no case
can go missing unnoticed.
"""

from collections.abc import Callable
from typing import Any, TypeVar

Test = TypeVar("Test", bound=Callable[..., Any])

CASE_COUNT = 96


def control_case(*numbers: int) -> Callable[[Test], Test]:
    """Marks a test with the cases that it covers."""

    def mark(test: Test) -> Test:
        vars(test)["control_cases"] = numbers
        return test

    return mark
