"""What the published OpenAPI description of S2 leaves out, and S2 does all the same."""

from typing import NamedTuple


class Deviation(NamedTuple):
    """A response that is not as described. `operation` is, for instance, `GET /basins/{basin}`."""

    operation: str
    status: int
    content_type: str | None
    what: str


def gap_of(deviation: Deviation) -> str | None:
    return None
