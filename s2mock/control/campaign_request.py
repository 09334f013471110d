"""The body of `POST /_s2mock/campaigns`: the plan of a campaign of each kind, checked strictly."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from s2mock.campaigns.campaign import Campaign, Plan
from s2mock.campaigns.crashes import CrashInstructions, CrashPlan, checked_point
from s2mock.campaigns.orders.plan import OrdersInstructions, OrdersPlan, checked_order
from s2mock.campaigns.scope import Scope
from s2mock.campaigns.single import SinglePlan
from s2mock.campaigns.sweep import SweepInstructions, SweepPlan, SweepPoint
from s2mock.campaigns.wording import Kind
from s2mock.control.account_options import MEMBERS as OPTIONS_OF_ACCOUNT
from s2mock.control.hosted_campaign import WORKER
from s2mock.control.request import ControlRequest, check_members, spell
from s2mock.control.response import Refused
from s2mock.options import COUNT, FLAG, SECONDS, TEXT
from s2mock.powers.faults import Fault, fault_from_json, fault_to_json
from s2mock.runtime.arguments import check_count, check_delay
from s2mock.runtime.near_names import suggest

TIMEOUT: Final = 10.0
REPLAY: Final = "POST /_s2mock/campaigns "
"""What a line of a report is that replays one attempt, before the body of the request."""

_ALL: Final = ("kind", "check", "options", "replay", "required", "scenario")
_PLACE: Final = ("on", "basin", "stream", "limit")
MEMBERS: Final[dict[str, tuple[str, ...]]] = {
    "sweep": (*_ALL, *_PLACE, "faults"),
    "orders": (
        *_ALL,
        "actors",
        "faults",
        "max_faults",
        "max_runs",
        "replay_faults",
        "seed",
        "settle",
        "timeout",
    ),
    "crash": (*_ALL, *_PLACE),
}
"""The members of the body, by the kind of the campaign."""

_TYPES: Final = {
    "kind": TEXT,
    "check": FLAG,
    "required": FLAG,
    "scenario": TEXT,
    "basin": TEXT,
    "stream": TEXT,
    "limit": COUNT,
    "max_faults": COUNT,
    "max_runs": COUNT,
    "seed": COUNT,
    "settle": SECONDS,
    "timeout": SECONDS,
}
# Members that change nothing in a replay.
_NOT_OF_A_REPLAY: Final = frozenset(
    {"on", "faults", "limit", "max_faults", "max_runs", "seed", "replay", "replay_faults"}
)
_NAME: Final = re.compile(r"[^\W\d]\w*")


class HttpWording:
    """The wording of a report for a client in any language: faults and a replay are JSON."""

    no_actor = "an actor has to use its own token, that of its name in `actors` of the attempt"
    no_worker = "with the token that the attempt has for it in `actors`"

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._body = {name: body[name] for name in body if name not in _NOT_OF_A_REPLAY}

    def name(self, kind: Kind) -> str:
        """Return the kind itself."""
        return kind

    def fault(self, fault: Fault) -> str:
        """Return a fault as JSON."""
        return json.dumps(fault_to_json(fault), ensure_ascii=False)

    def option(self, name: str, value: object) -> str:
        """Return an option as a member of a JSON object."""
        return f'"{name}": {json.dumps(value)}'

    def replay_lines(
        self,
        kind: Kind,  # noqa: ARG002  # in the body
        arguments: Iterable[str],  # noqa: ARG002  # of Python
        options: Iterable[tuple[str, Any]],  # noqa: ARG002  # in the body
        body: Mapping[str, Any],
    ) -> Iterator[str]:
        """Yield the request that runs one attempt alone."""
        yield REPLAY + json.dumps({**self._body, **body}, ensure_ascii=False)


class CampaignRequest(NamedTuple):
    """A campaign to make: its plan, the options of its accounts, the names of its actors."""

    kind: str
    campaign: Campaign[Any]
    options: dict[str, Any]
    actors: tuple[str, ...] = ()
    timeout: float = TIMEOUT
    scenario: str | None = None


def read_campaign(request: ControlRequest) -> CampaignRequest:
    """Return the campaign that the body of a request describes. Raises `Refused` (400)."""
    kind = request.document(*{name for names in MEMBERS.values() for name in names}).get("kind")
    if kind not in MEMBERS:
        kinds = ", ".join(f'"{name}"' for name in MEMBERS)
        told = "the body lacks 'kind'" if kind is None else f"{spell(kind)} is no kind"
        raise Refused(400, f"{told} of a campaign: there are {kinds}")
    document = request.document(*MEMBERS[kind])
    check_members(document, _TYPES)
    if "required" in document and "replay" not in document:
        raise Refused(400, "required is a member of a replay: add replay, or leave it out")
    if not isinstance(options := document.get("options", {}), dict):
        raise Refused(400, f"options must be an object of options, not {spell(options)}")
    for name in options:
        if name not in OPTIONS_OF_ACCOUNT:
            hint = suggest(name, OPTIONS_OF_ACCOUNT)
            raise Refused(400, f"unknown member {name!r} of options: {hint}")
    scenario = document.get("scenario")
    if scenario is not None and not _NAME.fullmatch(scenario):
        raise Refused(400, f"scenario must be the name of a function, not {spell(scenario)}")
    try:
        if kind == "sweep":
            return CampaignRequest(kind, _sweep(document), options, scenario=scenario)
        if kind == "crash":
            return CampaignRequest(kind, _crash(document), options, (WORKER,), scenario=scenario)
        actors, timeout = _actors(document), document.get("timeout", TIMEOUT)
        check_delay("timeout", timeout)
        return CampaignRequest(kind, _orders(document), options, actors, timeout, scenario)
    except (TypeError, ValueError) as error:
        raise Refused(400, str(error)) from None


def _sweep(document: dict[str, Any]) -> Campaign[SweepInstructions]:
    wording = HttpWording(document)
    if "replay" not in document:
        _require(document, "faults", "on")
        scope = Scope(**_common(document, *_PLACE))
        return Campaign(SweepPlan(_faults(document), scope, wording=wording))
    point = _point(document, "operation", "number", "fault")
    fault = fault_from_json(point["fault"])
    scope = Scope(**_common(document, *_PLACE) | {"on": point["operation"]})
    plan = SweepPlan([fault], scope, wording=wording)
    replayed = SweepPoint(scope.names[0], point["number"], fault)
    return _alone(plan, SweepInstructions(plan, replayed))


def _crash(document: dict[str, Any]) -> Campaign[CrashInstructions]:
    wording = HttpWording(document)
    if "replay" not in document:
        _require(document, "on")
        return Campaign(CrashPlan(Scope(**_common(document, *_PLACE)), wording=wording))
    point = _point(document, "when", "operation", "number")
    replayed = checked_point(point["when"], point["operation"], point["number"])
    scope = Scope(**_common(document, *_PLACE) | {"on": point["operation"]})
    plan = CrashPlan(scope, wording=wording)
    return _alone(plan, CrashInstructions(plan, replayed))


def _orders(document: dict[str, Any]) -> Campaign[OrdersInstructions]:
    given = _common(document, "max_runs", "max_faults", "settle", "seed")
    given["wording"] = HttpWording(document)
    if "replay" in document:
        given.pop("max_faults", None)
        order = checked_order(document["replay"], _replay_faults(document))
        plan = OrdersPlan(**given)
        plan.explorer.begin()
        return _alone(plan, OrdersInstructions(plan, order))
    if "replay_faults" in document:
        raise ValueError("replay_faults are those of a replay: add replay, or leave them out")
    faults = _faults(document) if document.get("faults") else []
    if document.get("max_faults") and not faults:
        raise ValueError("max_faults needs faults, a list of those to choose from")
    if faults and not document.get("max_faults"):
        raise ValueError("faults need max_faults, the number of faults in one order: 1 or more")
    return Campaign(OrdersPlan(faults=faults, **given))


def _common(document: dict[str, Any], *names: str) -> dict[str, Any]:
    """Return the arguments of a plan with those names, and those that all plans have."""
    return {
        **{name: document[name] for name in (*names, "check") if name in document},
        "is_required": document.get("required", True),
    }


def _alone(plan: Plan[Any], instructions: Any) -> Campaign[Any]:
    return Campaign(SinglePlan(plan, instructions))


def _require(document: dict[str, Any], *names: str) -> None:
    for name in names:
        if name not in document:
            raise ValueError(f"the body lacks {name!r}, which a campaign of this kind needs")


def _faults(document: dict[str, Any]) -> list[Fault]:
    faults = document["faults"]
    if not isinstance(faults, list) or not faults:
        raise ValueError(
            f'faults must be a list of faults, as in [{{"Drop": {{}}}}], not {spell(faults)}'
        )
    return [fault_from_json(fault) for fault in faults]


def _replay_faults(document: dict[str, Any]) -> dict[str, Fault]:
    faults = document.get("replay_faults", {})
    if not isinstance(faults, dict):
        raise TypeError(
            'replay_faults must be an object of faults by operation, as in {"b2": {"Drop": {}}}, '
            f"not {spell(faults)}"
        )
    return {name: fault_from_json(fault) for name, fault in faults.items()}


def _point(document: dict[str, Any], *names: str) -> dict[str, Any]:
    point = document["replay"]
    if not isinstance(point, dict) or sorted(point) != sorted(names):
        raise ValueError(f"replay must be an object of {', '.join(names)}, not {spell(point)}")
    if not isinstance(point["operation"], str):
        raise TypeError(
            f"replay.operation must be the name of an operation, not {spell(point['operation'])}"
        )
    check_count("replay.number", point["number"])
    return point


def _actors(document: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of the actors, which are checked. Raises `TypeError`, `ValueError`."""
    _require(document, "actors")
    actors = document["actors"]
    if not isinstance(actors, list) or not actors:
        raise TypeError(f'actors must be a list of names, as in ["a", "b"], not {spell(actors)}')
    for name in actors:
        if not isinstance(name, str) or not name or name != "".join(name.split()) or "/" in name:
            raise ValueError(
                f"the name of an actor must be text without spaces and slashes, not {spell(name)}"
            )
        if actors.count(name) > 1:
            raise ValueError(f"there are two actors {name!r}: each has a name of its own")
    return tuple(actors)
