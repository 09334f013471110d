"""`/_s2mock/outage`: begin and end an outage of the service for one account."""

from typing import Final

from s2mock.control.request import ControlRequest
from s2mock.control.response import ControlResponse
from s2mock.control.route import ControlRoute


def begin_outage(request: ControlRequest) -> ControlResponse:
    """Reset all requests of the account to S2's API, from now on. Beginning twice is harmless."""
    request.query()
    request.hosted.is_out = True
    request.hosted.drop_calls()
    return ControlResponse(204)


def end_outage(request: ControlRequest) -> ControlResponse:
    """Answer the requests of the account again."""
    request.query()
    request.hosted.is_out = False
    return ControlResponse(204)


ROUTES: Final = (
    ControlRoute("POST", "/outage", begin_outage),
    ControlRoute("DELETE", "/outage", end_outage),
)
