"""`/_s2mock/coverage`: which operations and outcomes the requests of the account covered."""

from collections.abc import Generator
from typing import Any, Final

from s2mock.control.request import ControlRequest
from s2mock.control.response import ControlResponse
from s2mock.control.route import ControlRoute
from s2mock.runtime.conversation import RunInThread, Step


def read_coverage(request: ControlRequest) -> Generator[Step, Any, ControlResponse]:
    """Return what the account's requests covered, operation by operation, and what they did not."""
    request.query()

    def count() -> dict[str, Any]:
        request.hosted.count()
        return request.hosted.coverage.to_json()

    return ControlResponse(200, (yield RunInThread(count)))


ROUTES: Final = (ControlRoute("GET", "/coverage", read_coverage),)
