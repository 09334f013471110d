"""From the raw path to a handler, and the exact answers where there is none.

Routing is on the path as sent, still percent-encoded: a stream named `a/b` is the one segment
`a%2Fb` (reference: control_plane §1.1, §1.2).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from s2mock.api.requests import S2Request
from s2mock.api.responses import S2Response

Handler = Callable[[S2Request], S2Response]


@dataclass(frozen=True, eq=False, slots=True)
class Route:
    """A path and what it answers to; `<name>` stands for one segment."""

    path: str
    handlers: Mapping[str, Handler]

    @property
    def allow(self) -> str:
        """The `Allow` header: HEAD stands behind GET, as S2 sends it."""
        return ",".join(self.handlers).replace("GET", "GET,HEAD")

    def handler(self, method: str) -> Handler | None:
        """What answers to the method; HEAD is answered as GET."""
        return self.handlers.get("GET" if method == "HEAD" else method)


class Router:
    """All routes of the API."""

    def __init__(self, routes: list[Route]) -> None:
        self._routes = [(re.compile(_pattern(route.path)), route) for route in routes]

    def match(self, raw_path: str) -> tuple[Route, dict[str, str]] | None:
        """The route of a path and its parameters, still encoded; `None` for an unknown path."""
        for pattern, route in self._routes:
            if matched := pattern.fullmatch(raw_path):
                return route, matched.groupdict()
        return None


def _pattern(path: str) -> str:
    # In the middle of a path an empty segment is a parameter; at its end it is another path.
    path = re.sub("<([a-z_]+)>$", r"(?P<\1>[^/]+)", path)
    return re.sub("<([a-z_]+)>/", r"(?P<\1>[^/]*)/", path)
