"""`/_s2mock/` and `/_s2mock/report`: the page for a person, and a file of it with its data."""

from collections.abc import Generator
from typing import Any, Final

from s2mock.control.request import ControlRequest, ControlRoute
from s2mock.control.response import ControlResponse
from s2mock.control.routes.status import status_of
from s2mock.control.routes.streams import capture_all
from s2mock.control.views.page import HTML, account_to_json, make_report, page
from s2mock.runtime.conversation import RunInThread, Step

_HEADERS: Final = (
    ("content-type", HTML),
    ("cache-control", "no-store"),
    ("cross-origin-resource-policy", "same-origin"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
)


def get_page(request: ControlRequest) -> ControlResponse:
    """Return the page. It has no data in it, and asks the other routes for what it shows."""
    request.query()
    html, policy = page()
    policy += "; connect-src 'self'; frame-ancestors 'none'"
    return ControlResponse(200, html.encode(), (*_HEADERS, ("content-security-policy", policy)))


def get_report(request: ControlRequest) -> Generator[Step, Any, ControlResponse]:
    """Return the page with its present data, complete in one file."""
    request.query()
    status = status_of(request.hosted)

    def write() -> bytes:
        hosted = request.hosted
        exchanges = hosted.powers.journal.since(0)
        account = account_to_json(hosted.title or "account", status, capture_all(hosted), exchanges)
        campaigns = [one.to_json() for _, one in request.accounts.campaigns.items()]
        about = f"as it was at {status['clock']['date']}"
        return make_report(about, [account], campaigns=campaigns)

    file: bytes = yield RunInThread(write)
    name = ("content-disposition", 'attachment; filename="s2mock.html"')
    return ControlResponse(200, file, (*_HEADERS, name))


ROUTES: Final = (
    ControlRoute("GET", "/", get_page),
    ControlRoute("GET", "/report", get_report),
)
