"""From the raw path to an operation, and the exact answers where there is none.

Routing is on the path as sent, still percent-encoded: a stream named `a/b` is the one segment
`a%2Fb` (reference: control_plane §1.1, §1.2).
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from s2mock.api.requests import Asking, HandlerResult, JsonBody, S2Request
from s2mock.api.responses import S2Response
from s2mock.registry.operation import Needs

# From a request to the operation that it asks for, in steps or at once; or to an answer, where
# there is none.
Handler = Callable[[S2Request], Asking[HandlerResult] | HandlerResult | S2Response]


# The parameters of a path without any: one for all requests, which is never written to.
_NONE: Final[dict[str, str]] = {}


class OperationRow(NamedTuple):
    """One operation: its name, where it is asked for, and what reads it. `<name>` is a segment.

    `name` is S2's own, or None where S2 has none (`/health`). `needs` is what an access token must
    have for it; None where none is asked for. `query` are the parameters that it takes, with what
    reads each, and `body` is what its JSON body has to be.
    """

    name: str | None
    method: str
    path: str
    handler: Handler
    needs: Needs | None
    query: Mapping[str, Callable[[str], Any]] = MappingProxyType({})
    body: JsonBody | None = None


@dataclass(frozen=True, eq=False, slots=True)
class Route:
    """A path and what it answers to."""

    path: str
    rows: dict[str, OperationRow]
    # The `Allow` header: HEAD follows GET, as S2 sends it.
    allow: str

    def row(self, method: str) -> OperationRow | None:
        """What answers to the method; HEAD is answered as GET."""
        return self.rows.get("GET" if method == "HEAD" else method)


class Router:
    """All routes of the API."""

    def __init__(self, rows: Iterable[OperationRow]) -> None:
        by_path: dict[str, dict[str, OperationRow]] = {}
        for row in rows:
            by_path.setdefault(row.path, {})[row.method] = row
        self._plain: dict[str, Route] = {}
        self._patterns: list[tuple[re.Pattern[str], Route]] = []
        for path, methods in by_path.items():
            route = Route(path, methods, ",".join(methods).replace("GET", "GET,HEAD"))
            if "<" in path:
                self._patterns.append((re.compile(_pattern(path)), route))
            else:
                self._plain[path] = route

    def match(self, raw_path: str) -> tuple[Route, dict[str, str]] | None:
        """The route of a path and its parameters, still encoded; `None` for an unknown path."""
        if (route := self._plain.get(raw_path)) is not None:
            return route, _NONE
        for pattern, route in self._patterns:
            if matched := pattern.fullmatch(raw_path):
                return route, matched.groupdict()
        return None


def _pattern(path: str) -> str:
    # In the middle of a path an empty segment is a parameter; at its end it is another path.
    path = re.sub("<([a-z_]+)>$", r"(?P<\1>[^/]+)", path)
    return re.sub("<([a-z_]+)>/", r"(?P<\1>[^/]*)/", path)
