"""`/_s2mock/campaigns`: sweeps, orders and crashes, whose attempts the client runs."""

from collections.abc import Callable, Generator
from typing import Any, Final

from s2mock.campaigns.campaign import Outcome
from s2mock.control.account_options import make_mock, take_name
from s2mock.control.campaign_report import LANGUAGES, report_to_json, report_to_text
from s2mock.control.campaign_request import read_campaign
from s2mock.control.hosted_account import HostedAccount
from s2mock.control.hosted_campaign import HostedAttempt, HostedCampaign
from s2mock.control.request import (
    ControlRequest,
    ControlRoute,
    check_members,
    seconds_of,
    spell,
)
from s2mock.control.response import ControlResponse, Refused
from s2mock.options import TEXT
from s2mock.runtime.conversation import Step

_OUTCOMES: Final = ("passed", "failed", "skipped")
_TEXT: Final = (("content-type", "text/plain; charset=utf-8"),)


def make_campaign(request: ControlRequest) -> ControlResponse:
    """Make a campaign; its attempts are run by the client, one after the other."""
    request.query()
    made, accounts = read_campaign(request), request.accounts
    options = dict(made.options)
    name = take_name(options)
    # So that an option which no account can have is refused now.
    make_mock(accounts, options).close()

    def make_account() -> HostedAccount:
        hosted = accounts.add(make_mock(accounts, options))
        hosted.name = name
        return hosted

    campaign = HostedCampaign(
        made.campaign,
        make_account,
        accounts.end,
        kind=made.kind,
        actors=made.actors,
        timeout=made.timeout,
        scenario=made.scenario,
    )
    campaign.number = accounts.add_campaign(campaign)
    return ControlResponse(201, {"number": campaign.number, "kind": made.kind})


def list_campaigns(request: ControlRequest) -> ControlResponse:
    """Return all campaigns that have not ended, with their attempts."""
    request.query()
    campaigns = request.accounts.campaigns.items()
    return ControlResponse(200, {"campaigns": [one.to_json() for _, one in campaigns]})


def report_campaign(request: ControlRequest) -> ControlResponse:
    """Return what the campaign has found: JSON, or text with `Accept: text/plain`."""
    query = request.query(("language",))
    campaign = _campaign(request)
    with campaign.use():
        language = query.get("language")
        if language is not None and language not in LANGUAGES:
            known = ", ".join(LANGUAGES)
            raise Refused(400, f"language must be one of {known}, not {language!r}")
        if language is not None or "text/plain" in request.environ.get("HTTP_ACCEPT", ""):
            return ControlResponse(200, report_to_text(campaign, language).encode(), _TEXT)
        return ControlResponse(200, report_to_json(campaign))


def end_campaign(request: ControlRequest) -> ControlResponse:
    """End the campaign, and its open attempt with the account of that."""
    request.query()
    request.accounts.end_campaign(request.number)
    return ControlResponse(204)


def begin_attempt(request: ControlRequest) -> ControlResponse:
    """Begin the next attempt, on an account of its own; 204 after the last one."""
    request.query()
    request.document()
    campaign = _campaign(request)
    with campaign.use():
        attempt = campaign.next_attempt()
        return ControlResponse(204) if attempt is None else ControlResponse(201, attempt.to_json())


def get_attempt(request: ControlRequest) -> Generator[Step, Any, ControlResponse]:
    """Return an attempt; with `wait`, once its point is reached, or its actors have ended."""
    wait = seconds_of(request.query(("wait",)))
    campaign, attempt = _attempt(request)
    with campaign.use():
        if wait is not None and not attempt.is_over:
            yield from attempt.pending(wait).steps()
        return ControlResponse(200, attempt.to_json())


def end_attempt(request: ControlRequest) -> Generator[Step, Any, ControlResponse]:
    """End an attempt with the outcome that the client saw; return it with the outcome it has."""
    request.query()
    given = request.document("outcome", "message", required=("outcome",))
    check_members(given, {"message": TEXT})
    if given["outcome"] not in _OUTCOMES:
        known = ", ".join(f'"{one}"' for one in _OUTCOMES)
        raise Refused(400, f"outcome must be one of {known}, not {spell(given['outcome'])}")
    campaign, attempt = _attempt(request)
    message = given.get("message", "").strip()
    first = message.splitlines()[0] if message else ""
    if given["outcome"] == "failed" and not first:
        first = "failed"
    with campaign.use():
        # Two failures are equal if all lines of their messages are.
        yield from attempt.end(Outcome(given["outcome"], first, message))
        return ControlResponse(200, attempt.to_json())


def report_crash(request: ControlRequest) -> ControlResponse:
    """Take note that the worker was stopped at the point of the attempt."""
    return _change(request, lambda attempt: attempt.crash())


def end_actor(request: ControlRequest) -> ControlResponse:
    """Take note that an actor, or the worker, has ended by itself."""
    return _change(request, lambda attempt: attempt.end_actor(request.parameters["actor"]))


def _change(request: ControlRequest, change: Callable[[HostedAttempt], object]) -> ControlResponse:
    request.query()
    request.document()
    campaign, attempt = _attempt(request)
    with campaign.use():
        change(attempt)
        return ControlResponse(200, attempt.to_json())


def _campaign(request: ControlRequest) -> HostedCampaign:
    """Return the campaign of the number in the path. Raises `Refused` (404)."""
    return request.accounts.campaigns.get(request.number)


def _attempt(request: ControlRequest) -> tuple[HostedCampaign, HostedAttempt]:
    campaign = _campaign(request)
    return campaign, campaign.attempt(request.number_of("attempt"))


_ATTEMPT: Final = "/campaigns/{number}/attempts/{attempt}"

ROUTES: Final = (
    ControlRoute("GET", "/campaigns", list_campaigns),
    ControlRoute("POST", "/campaigns", make_campaign),
    ControlRoute("GET", "/campaigns/{number}", report_campaign),
    ControlRoute("DELETE", "/campaigns/{number}", end_campaign),
    ControlRoute("POST", "/campaigns/{number}/attempts", begin_attempt),
    ControlRoute("GET", _ATTEMPT, get_attempt),
    ControlRoute("POST", f"{_ATTEMPT}/end", end_attempt),
    ControlRoute("POST", f"{_ATTEMPT}/crashed", report_crash),
    ControlRoute("POST", f"{_ATTEMPT}/actors/{{actor}}/end", end_actor),
)
