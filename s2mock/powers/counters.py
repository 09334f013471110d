"""How many operations come, while a test runs as it would."""

from collections import Counter

from s2mock.powers.matching import Pattern
from s2mock.registry.engine.engine import Engine
from s2mock.registry.operation import Call, Point, Waits


class Counting:
    """An observer that counts the operations of each pattern, by the pattern's name."""

    def __init__(self, engine: Engine, patterns: dict[str, Pattern]) -> None:
        self.counts: Counter[str] = Counter()
        self._patterns = patterns
        engine.observers = (*engine.observers, self)

    def at(self, point: Point, call: Call) -> Waits | None:
        """Count a call at its arrival."""
        if point == "arrival":
            for name, pattern in self._patterns.items():
                if pattern.matches(call.operation):
                    self.counts[name] += 1
        return None
