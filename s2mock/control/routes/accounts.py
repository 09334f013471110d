"""`/_s2mock/accounts`, `fork`, `reset` and `outage`: make, end, reset and cut off accounts."""

from typing import Final

from s2mock.control.account_options import MEMBERS, make_mock, take_name
from s2mock.control.hosted_account import HostedMock
from s2mock.control.request import ControlRequest, ControlRoute
from s2mock.control.response import ControlResponse, Refused
from s2mock.runtime.clock import ManualClock, SystemClock


def list_accounts(request: ControlRequest) -> ControlResponse:
    """Return all accounts. The first has no token here: a request without one acts on it."""
    request.query()
    accounts = request.accounts
    first = [(None, accounts.first)] if accounts.has_first else []
    listed = []
    for number, (token, hosted) in enumerate([*first, *accounts.others.items()], 1):
        exchanges = hosted.powers.journal.last_number
        title = ", ".join(filter(None, (hosted.title, hosted.attempt))) or f"account {number}"
        known = hosted.title or f"account {number}"
        name = f"{title}, {exchanges} exchange{'' if exchanges == 1 else 's'}"
        listed.append({"token": token, "name": name, "title": known, "exchanges": exchanges})
    return ControlResponse(200, {"accounts": listed})


def make_account(request: ControlRequest) -> ControlResponse:
    """Make an account with a token of its own; the options have the names of `S2Mock`'s."""
    request.query()
    document = request.document(*MEMBERS)
    name = take_name(document)
    return _add(request, make_mock(request.accounts, document), name)


def fork_account(request: ControlRequest) -> ControlResponse:
    """Make an account that starts as this one is now, with its options; as `S2Mock.fork`."""
    request.query()
    mock = request.hosted.mock
    clock = request.hosted.engine.clock
    kind = type(clock) if isinstance(clock, ManualClock) and clock.is_automatic else ManualClock
    return _add(
        request,
        mock._another(  # noqa: SLF001  # made for this
            clock=kind.at(clock.now()) if isinstance(clock, ManualClock) else SystemClock(),
            snapshot=mock.snapshot(),
            faults=(),
        ),
        None if request.hosted.name is None else f"{request.hosted.name}, forked",
    )


def _add(request: ControlRequest, mock: HostedMock, name: str | None) -> ControlResponse:
    request.accounts.add(mock).name = name
    return ControlResponse(201, {"token": mock.token})


def end_account(request: ControlRequest) -> ControlResponse:
    """End the account of the bearer token; later requests with the token are refused with 401."""
    request.query()
    hosted = request.hosted
    if hosted is request.accounts.first:
        raise Refused(
            409, "the first account ends with the server: name another by its bearer token"
        )
    if hosted.attempt is not None:
        raise Refused(
            409, f"this account is that of {hosted.attempt}, and ends with it: POST .../end"
        )
    request.accounts.end(hosted)
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


ROUTES: Final = (
    ControlRoute("GET", "/accounts", list_accounts),
    ControlRoute("POST", "/accounts", make_account),
    ControlRoute("DELETE", "/accounts", end_account),
    ControlRoute("POST", "/fork", fork_account),
    ControlRoute("POST", "/reset", reset_account),
    ControlRoute("POST", "/outage", begin_outage),
    ControlRoute("DELETE", "/outage", end_outage),
)
