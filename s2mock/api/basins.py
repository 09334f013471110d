"""`/v1/basins`: the basins of the account.

Source: reference: control_plane §4; the order of checks is §2.5.
"""

from s2mock.api.query import listing_parameters, parse_query
from s2mock.api.requests import Asking, HandlerResult, S2Request
from s2mock.api.responses import S2Response, empty_response, json_response
from s2mock.json_bodies.control_plane import (
    basin_changes,
    basin_config,
    basin_config_to_json,
    basin_info_to_json,
)
from s2mock.registry.rules.basins import (
    CreateBasin,
    DeleteBasin,
    EnsureBasin,
    GetBasinConfig,
    ListBasins,
    ReconfigureBasin,
)
from s2mock.registry.rules.listing import Page
from s2mock.registry.rules.provision import Provisioned
from s2mock.registry.state import BasinInfo
from s2mock.registry.values.config import BasinConfig
from s2mock.registry.values.names import BasinName

LISTING = listing_parameters(BasinName.check_filter)


def list_basins(request: S2Request) -> HandlerResult:
    """One page of basins (§4.7)."""
    return ListBasins(**parse_query(request.raw_query, LISTING)), _listed


def create_basin(request: S2Request) -> Asking[HandlerResult]:
    """Create a basin, or answer a replay (§4.3)."""
    token = request.request_token
    document = yield from request.json_body()
    config = basin_config(document.get("config"))
    return CreateBasin(document["basin"], config, token, document.get("location")), _created


def get_basin_config(request: S2Request) -> HandlerResult:
    """The configuration, also while a deletion is pending (§4.5)."""
    return GetBasinConfig(request.path_name("basin", BasinName)), _configured


def ensure_basin(request: S2Request) -> Asking[HandlerResult]:
    """Create a basin, or replace its configuration (§4.4)."""
    name = request.path_name("basin", BasinName)
    document = (yield from request.json_body()) or {}
    config = basin_config(document.get("config"))
    return EnsureBasin(name, config, document.get("location")), _ensured


def reconfigure_basin(request: S2Request) -> Asking[HandlerResult]:
    """Change what the body mentions (§4.5)."""
    name = request.path_name("basin", BasinName)
    changes = basin_changes((yield from request.json_body()))
    return ReconfigureBasin(name, changes), _configured


def delete_basin(request: S2Request) -> HandlerResult:
    """Delete a basin (§4.6)."""
    return DeleteBasin(request.path_name("basin", BasinName)), _deleted


def _listed(_: S2Request, page: Page[BasinInfo]) -> S2Response:
    basins = [basin_info_to_json(info) for info in page.items]
    return json_response(200, {"basins": basins, "has_more": page.has_more})


def _created(_: S2Request, made: Provisioned[BasinInfo]) -> S2Response:
    # Also for a replay: the 200 in the published description is never sent.
    return json_response(201, basin_info_to_json(made.info), s2_provision_result=made.result)


def _ensured(_: S2Request, made: Provisioned[BasinInfo]) -> S2Response:
    status = 201 if made.result == "created" else 200
    return json_response(status, basin_info_to_json(made.info), s2_provision_result=made.result)


def _configured(_: S2Request, config: BasinConfig) -> S2Response:
    return json_response(200, basin_config_to_json(config))


def _deleted(_: S2Request, __: None) -> S2Response:
    return empty_response(202)
