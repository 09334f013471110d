"""`/v1/basins`: the basins of the account.

Source: reference: control_plane §4; the order of checks is §2.5.
"""

from s2mock.api.query import listing_parameters, parse_query
from s2mock.api.requests import Answering, S2Request
from s2mock.api.responses import empty_response, json_response
from s2mock.documents.control_plane import (
    basin_changes,
    basin_config,
    basin_config_to_json,
    basin_info_to_json,
)
from s2mock.registry.basins import (
    CreateBasin,
    DeleteBasin,
    EnsureBasin,
    GetBasinConfig,
    ListBasins,
    ReconfigureBasin,
)
from s2mock.registry.names import BasinName

_LISTING = listing_parameters(BasinName.check_filter)


def list_basins(request: S2Request) -> Answering:
    """One page of basins (§4.7)."""
    wanted = parse_query(request.raw_query, _LISTING)
    page = yield from request.perform(ListBasins(**wanted))
    basins = [basin_info_to_json(info) for info in page.items]
    return json_response(200, {"basins": basins, "has_more": page.has_more})


def create_basin(request: S2Request) -> Answering:
    """Create a basin, or answer a replay (§4.3)."""
    token = request.request_token
    document = yield from request.json_body("create_basin")
    config = basin_config(document.get("config"))
    made = yield from request.perform(CreateBasin(document["basin"], config, token))
    # Also for a replay: the 200 in the published description is never sent.
    return json_response(201, basin_info_to_json(made.info), s2_provision_result=made.result)


def get_basin_config(request: S2Request) -> Answering:
    """The configuration, also while a deletion is pending (§4.5)."""
    config = yield from request.perform(GetBasinConfig(request.path_name("basin", BasinName)))
    return json_response(200, basin_config_to_json(config))


def ensure_basin(request: S2Request) -> Answering:
    """Create a basin, or replace its configuration (§4.4)."""
    name = request.path_name("basin", BasinName)
    document = (yield from request.optional_json_body("ensure_basin")) or {}
    config = basin_config(document.get("config"))
    made = yield from request.perform(EnsureBasin(name, config))
    status = 201 if made.result == "created" else 200
    return json_response(status, basin_info_to_json(made.info), s2_provision_result=made.result)


def reconfigure_basin(request: S2Request) -> Answering:
    """Change what the body mentions (§4.5)."""
    name = request.path_name("basin", BasinName)
    changes = basin_changes((yield from request.json_body("basin_reconfiguration")))
    config = yield from request.perform(ReconfigureBasin(name, changes))
    return json_response(200, basin_config_to_json(config))


def delete_basin(request: S2Request) -> Answering:
    """Delete a basin (§4.6)."""
    yield from request.perform(DeleteBasin(request.path_name("basin", BasinName)))
    return empty_response(202)
