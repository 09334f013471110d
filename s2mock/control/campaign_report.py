"""The report of a campaign over HTTP, and its shortest failure as a test for other languages."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from s2mock.campaigns.report import CampaignReport
from s2mock.control.campaign_request import REPLAY
from s2mock.control.hosted_campaign import HostedCampaign

_SCENARIO: Final = "scenario"


def report_to_json(campaign: HostedCampaign) -> dict[str, Any]:
    """Return the report of a campaign as JSON."""
    report = campaign.campaign.report()
    document = {"number": campaign.number, **report.to_json(), "kind": campaign.kind}
    for failure in document["failures"]:
        # Each has a test in one language only, in the text for that.
        del failure["test"]
        body = _parse(failure.pop("replay"))
        if body is not None:
            failure["replay"] = body
    return document


def report_to_text(campaign: HostedCampaign, language: str | None) -> str:
    """Return the report as text, with a test to paste in a language, if one is given."""
    report = campaign.campaign.report()
    if language is not None and report.groups:
        report = _with_test(report, campaign.scenario, LANGUAGES[language])
    return f"{report}\n"


def _with_test(
    report: CampaignReport, scenario: str | None, write: Callable[[str, str, Any], str]
) -> CampaignReport:
    [group, *others] = report.groups
    body = _parse(list(group.first.replay))
    if body is None:
        return report
    # The client gives the scenario's name itself.
    body.pop("scenario", None)
    # Code that is repaired may do less.
    test = write(scenario or _SCENARIO, group.first.title, {**body, "required": False})
    if scenario is None:
        test = (
            f"// {_SCENARIO} is the function that runs an attempt: the campaign has no name "
            f"for it.\n{test}"
        )
    return replace(report, groups=(replace(group, first=replace(group.first, test=test)), *others))


def _parse(replay: list[str]) -> Any:
    """Return the body of the request that replays a failure, None without one."""
    return json.loads(replay[0].removeprefix(REPLAY)) if replay else None


def _write_typescript(scenario: str, title: str, body: Any) -> str:
    name = json.dumps(f"{scenario}: {title}", ensure_ascii=False)
    members = [f"    {_to_json(name)}: {_to_json(value)}," for name, value in body.items()]
    return "\n".join(
        [f"test({name}, () =>", "  s2.campaign({", *members, f"  }}, {scenario}));"],
    )


def _to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _write_go(scenario: str, title: str, body: Any) -> str:
    words = re.findall(r"\w+", f"{scenario} {title}".replace("_", " "))
    name = "".join(word[:1].upper() + word[1:] for word in words)
    members = ",\n".join(f"\t\t{_to_json(name)}: {_to_json(value)}" for name, value in body.items())
    # A raw string of Go has everything but its own quote.
    plan = members.replace("`", "\\u0060")
    return "\n".join(
        [
            f"func Test{name}(t *testing.T) {{",
            "\ts2mock.Replay(t, `{",
            plan,
            f"\t}}`, {scenario})",
            "}",
        ]
    )


def _write_rust(scenario: str, title: str, body: Any) -> str:
    words = re.findall(r"\w+", f"{scenario} {title}".replace("_", " "))
    text = _to_json(body)
    # As many as end no text in it.
    marks = "#" * (1 + max(map(len, re.findall(r'"(#*)', text))))
    return "\n".join(
        [
            "#[tokio::test]",
            f"async fn {'_'.join(words).lower()}() -> s2mock::Result<()> {{",
            f'    let plan = s2mock::CampaignRequest::from_json(r{marks}"{text}"{marks})?;',
            f"    s2mock::S2Mock::shared().await?.campaign(plan, {scenario}).await?;",
            "    Ok(())",
            "}",
        ]
    )


LANGUAGES: Final[dict[str, Callable[[str, str, Any], str]]] = {
    "go": _write_go,
    "rust": _write_rust,
    "typescript": _write_typescript,
}
"""The languages of which a report has a test to paste, each with what writes it."""
