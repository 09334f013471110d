"""`/_s2mock/accounts`, `fork`, `reset` and `outage`: make, end, reset and cut off accounts."""

from typing import Any, Final

from s2mock.control.hosted_account import HostedMock
from s2mock.control.request import ControlRequest, ControlRoute, check_members, spell
from s2mock.control.response import ControlResponse, Refused
from s2mock.options import ACCOUNT_MEMBERS, OPTIONS
from s2mock.powers.faults import faults_from_json
from s2mock.runtime.clock import Clock, ManualClock, SystemClock


def list_accounts(request: ControlRequest) -> ControlResponse:
    """Return all accounts. The first has no token here: a request without one acts on it."""
    request.query()
    accounts = request.accounts
    first = [(None, accounts.first)] if accounts.has_first else []
    listed = []
    for number, (token, hosted) in enumerate([*first, *accounts.others.items()], 1):
        exchanges = hosted.powers.journal.last_number
        name = f"account {number}, {exchanges} exchange{'' if exchanges == 1 else 's'}"
        listed.append({"token": token, "name": name, "exchanges": exchanges})
    return ControlResponse(200, {"accounts": listed})


def make_account(request: ControlRequest) -> ControlResponse:
    """Make an account with a token of its own; the options have the names of `S2Mock`'s."""
    request.query()
    options = request.document(*ACCOUNT_MEMBERS)
    check_members(options, {name: OPTIONS[name].kind for name in options})
    try:
        if "clock" in options:
            options["clock"] = _clock_from_json(options["clock"])
        if "snapshot" in options:
            number = _snapshot_number(options["snapshot"])
            options["snapshot"] = request.accounts.snapshots.get(number)
        if "faults" in options:
            options["faults"] = _faults_from_json(options["faults"])
        mock = request.accounts.first.mock._another(**options)  # noqa: SLF001  # made for this
    except (TypeError, ValueError) as error:
        raise Refused(400, str(error)) from None
    return _add(request, mock)


def fork_account(request: ControlRequest) -> ControlResponse:
    """Make an account that starts as this one is now, with its options; as `S2Mock.fork`."""
    request.query()
    mock = request.hosted.mock
    clock = mock.clock
    return _add(
        request,
        mock._another(  # noqa: SLF001  # made for this
            clock=ManualClock.at(clock.now()) if isinstance(clock, ManualClock) else SystemClock(),
            snapshot=mock.snapshot(),
            faults=(),
        ),
    )


def _add(request: ControlRequest, mock: HostedMock) -> ControlResponse:
    request.accounts.add(mock)
    return ControlResponse(201, {"token": mock.token})


def end_account(request: ControlRequest) -> ControlResponse:
    """End the account of the bearer token; later requests with the token are refused with 401."""
    request.query()
    if request.hosted is request.accounts.first:
        raise Refused(
            409, "the first account ends with the server: name another by its bearer token"
        )
    request.accounts.end(request.hosted)
    return ControlResponse(204)


def reset_account(request: ControlRequest) -> ControlResponse:
    """Start the account again as it started; its token stays. As `S2Mock.reset`."""
    request.query()
    request.hosted.clear()
    request.hosted.mock.reset()
    return ControlResponse(204)


def begin_outage(request: ControlRequest) -> ControlResponse:
    """Reset all requests of the account to S2's API, from now on. Beginning twice is harmless."""
    request.query()
    request.hosted.begin_outage()
    return ControlResponse(204)


def end_outage(request: ControlRequest) -> ControlResponse:
    """Answer the requests of the account again."""
    request.query()
    request.hosted.end_outage()
    return ControlResponse(204)


def _clock_from_json(value: Any) -> Clock:
    """Return the clock of a JSON value. Raises `TypeError`, `ValueError`."""
    if value == "system":
        return SystemClock()
    if value == "manual":
        return ManualClock()
    if isinstance(value, dict) and list(value) == ["manual"]:
        try:
            return ManualClock(value["manual"])
        except (TypeError, ValueError) as error:
            raise type(error)(str(error).replace("start", "clock.manual", 1)) from None
    raise ValueError(
        f'clock must be "system", "manual", or {{"manual": seconds since 1970}}, not {spell(value)}'
    )


def _faults_from_json(value: Any) -> list[dict[str, Any]]:
    """Return the arguments of `inject` for each fault of a JSON list. Raises `ValueError`."""
    if not isinstance(value, list):
        raise ValueError(f"faults must be a list, not {spell(value)}")
    return [_fault_from_json(fault) for fault in value]


def _fault_from_json(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or "fault" not in value or "on" not in value:
        raise ValueError(
            'faults must be objects such as {"fault": {"Drop": {}}, "on": "append"}, '
            f"not {spell(value)}"
        )
    return {**value, "fault": faults_from_json(value["fault"])}


def _snapshot_number(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"snapshot must be the number of a snapshot, not {spell(value)}")
    return value


ROUTES: Final = (
    ControlRoute("GET", "/accounts", list_accounts),
    ControlRoute("POST", "/accounts", make_account),
    ControlRoute("DELETE", "/accounts", end_account),
    ControlRoute("POST", "/fork", fork_account),
    ControlRoute("POST", "/reset", reset_account),
    ControlRoute("POST", "/outage", begin_outage),
    ControlRoute("DELETE", "/outage", end_outage),
)
