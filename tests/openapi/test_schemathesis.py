"""Requests that schemathesis makes up from the description, valid ones and invalid ones.

It knows nothing of this project, and so finds what no other test has. That the answers are
as described is also checked by `plugin`, which is stricter and knows the gaps.
"""

from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
)

from s2mock import ManualClock, S2Mock
from tests import own_token
from tests.conftest import BASIN
from tests.openapi.checker import DOCUMENT, Response, check

pytestmark = pytest.mark.slow

STREAM = "logs"
SEED = {"name": BASIN, "streams": [{"name": STREAM}]}
UNSERVED = ("/access-tokens", "/metrics")

schema = schemathesis.openapi.from_dict(DOCUMENT)


@schema.parametrize()
@settings(
    max_examples=10,
    # The same requests in every run: a fault shows in the run of the change that made it.
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
def test_operation(case: schemathesis.Case[Any]) -> None:
    answer(case)
    if case.path_parameters:
        # A name that was made up leads to hardly more than 404.
        seeded = {"basin": BASIN, "stream": STREAM}
        case.path_parameters |= {key: seeded.get(key, "x") for key in case.path_parameters}
        answer(case)


def answer(case: schemathesis.Case[Any]) -> None:
    """Make the request to an account of its own, and check the answer."""
    headers = {"s2-basin": BASIN}
    if case.path.endswith("/records") and case.method == "GET":
        # A reader that follows is answered for as long as it likes: there is no end to check.
        headers["accept"] = "application/json"
        if isinstance(case.query, dict) and "wait" in case.query:
            # Nor would a wait end, on a clock that does not advance.
            case.query["wait"] = 0
    with S2Mock(basins=[SEED], clock=ManualClock()) as mock:
        mock.basin(BASIN).stream(STREAM).append(["a record"])
        # The host that the file names has a blank for the basin, and is no host.
        headers |= own_token.headers(mock)
        response = case.call("http://localhost/v1", app=mock.wsgi_app, headers=headers)
    checks = [content_type_conformance]
    if is_described(case.method, response):
        checks.append(response_schema_conformance)
    if case.path.startswith(UNSERVED) and response.status_code == HTTPStatus.NOT_IMPLEMENTED:
        assert response.json() == {"code": "not_implemented", "message": "Not implemented"}
    else:
        checks.append(not_a_server_error)
    case.validate_response(response, checks=checks)


def is_described(method: str, response: schemathesis.Response) -> bool:
    """Whether the body has no value that the description is known to lack."""
    assert response.request.url is not None
    path = urlsplit(response.request.url).path
    headers = [(name, value) for name, values in response.headers.items() for value in values]
    found = check(Response(method, path, response.status_code, headers, response.content))
    # Members that are not described are allowed to be there, by all but this project's checker.
    return not any(each.kind == "schema" and each.rule != "additionalProperties" for each in found)
