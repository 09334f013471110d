"""`/v1/basins`: the basins of the account.

Source: reference: control_plane §4; the order of checks is §2.5.
"""

from s2mock.api.query import listing_parameters, parse_query
from s2mock.api.requests import S2Request
from s2mock.api.responses import S2Response, empty_response, json_response
from s2mock.api.routing import Route
from s2mock.api.shapes import (
    basin_changes,
    basin_config,
    basin_config_to_json,
    basin_info_to_json,
)
from s2mock.registry.names import BasinName

_LISTING = listing_parameters(BasinName.check_filter)


def list_basins(request: S2Request) -> S2Response:
    """One page of basins (§4.7)."""
    page = request.account.list_basins(**parse_query(request.raw_query, _LISTING))
    basins = [basin_info_to_json(info) for info in page.items]
    return json_response(200, {"basins": basins, "has_more": page.has_more})


def create_basin(request: S2Request) -> S2Response:
    """Create a basin, or answer a replay (§4.3)."""
    token = request.request_token
    document = request.json_body("create_basin")
    config = basin_config(document.get("config"))
    made = request.account.provision_basin(document["basin"], config, request_token=token)
    # Also for a replay: the 200 in the published description is never sent.
    return json_response(201, basin_info_to_json(made.info), s2_provision_result=made.result)


def get_basin_config(request: S2Request) -> S2Response:
    """The configuration, also while a deletion is pending (§4.5)."""
    basin = request.account.basin(request.path_name("basin", BasinName))
    return json_response(200, basin_config_to_json(basin.config))


def ensure_basin(request: S2Request) -> S2Response:
    """Create a basin, or replace its configuration (§4.4)."""
    name = request.path_name("basin", BasinName)
    document = request.optional_json_body("ensure_basin") or {}
    config = basin_config(document.get("config"))
    made = request.account.provision_basin(name, config, ensure=True)
    status = 201 if made.result == "created" else 200
    return json_response(status, basin_info_to_json(made.info), s2_provision_result=made.result)


def reconfigure_basin(request: S2Request) -> S2Response:
    """Change what the body mentions (§4.5)."""
    name = request.path_name("basin", BasinName)
    changes = basin_changes(request.json_body("basin_reconfiguration"))
    config = request.account.basin(name).reconfigure(**changes)
    return json_response(200, basin_config_to_json(config))


def delete_basin(request: S2Request) -> S2Response:
    """Delete a basin (§4.6)."""
    request.account.basin(request.path_name("basin", BasinName)).delete()
    return empty_response(202)


ROUTES = [
    Route("/v1/basins", {"GET": list_basins, "POST": create_basin}),
    Route(
        "/v1/basins/<basin>",
        {
            "GET": get_basin_config,
            "PUT": ensure_basin,
            "DELETE": delete_basin,
            "PATCH": reconfigure_basin,
        },
    ),
]
