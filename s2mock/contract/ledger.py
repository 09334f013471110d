"""The ledger of known differences between the fake and the reference server.

Each entry has the difference and its reason, and recognises its own case: a difference that no
entry recognises is a bug in the fake. `evidence` shows each on both sides.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from s2mock.contract.exchange import Call

Comparable = dict[str, Any]


class KnownDifference(NamedTuple):
    """An entry of the ledger.

    `recognises` takes the call, the fake's answer and the reference's, and returns True for its
    case.
    """

    name: str
    what: str
    why: str
    recognises: Callable[[Call, Comparable, Comparable], bool]


def _error(answer: Comparable) -> tuple[Any, str, str]:
    """Return status, code and message; of a session, the whole body without the message."""
    status, body = answer["status"], answer["body"]
    if isinstance(body, list) and body and "message" in body[-1]:
        status, body = (status, body[:-1]), body[-1]
    if isinstance(body, dict) and "code" in body:
        return status, body["code"], body["message"]
    return status, "", ""


# How the reference's JSON library says that something is no JSON, or not the JSON that it wants.
_JSON_LIBRARY_TEXTS: Final = (
    "EOF while parsing",
    "control character",
    "expected `,` or",
    "expected `:`",
    "expected ident",
    "expected value",
    "invalid escape",
    "invalid length",
    "invalid number",
    "invalid type: unit variant",
    "invalid unicode code point",
    "key must be a string",
    "lone leading surrogate",
    "number out of range",
    "recursion limit exceeded",
    "trailing characters",
    "trailing comma",
    "unexpected end of hex escape",
)


def _json_library(_: Call, fake: Comparable, reference: Comparable) -> bool:
    ours, theirs = _error(fake), _error(reference)
    if ours[:2] != theirs[:2] or ours[1] not in ("bad_json", "bad_header"):
        return False
    for prefix in ("", "Invalid header `s2-stream-config`: invalid JSON: "):
        texts = tuple(prefix + text for text in _JSON_LIBRARY_TEXTS)
        if ours[2].startswith(texts) or theirs[2].startswith(texts):
            return True
    return False


def _one_pass(_: Call, fake: Comparable, reference: Comparable) -> bool:
    ours, theirs = _error(fake), _error(reference)
    return ours[:2] == theirs[:2] and "invalid JSON: " in ours[2] and theirs[1] != ""


_CORRUPT_PAYLOADS: Final = (
    "Invalid gzip header",
    "Unknown frame descriptor",
    "incomplete frame",
    "unexpected end of file",
    "zstd stream did not finish",
)


def _codec(_: Call, fake: Comparable, reference: Comparable) -> bool:
    ours, theirs = _error(fake), _error(reference)
    if ours[:2] != theirs[:2]:
        return False
    prefix = "Failed to buffer the request body: "
    if ours[2].startswith(prefix) and theirs[2].startswith(prefix):
        return True
    # A frame whose payload, or a session whose body, cannot be inflated is described by the codec.
    return ours[1] == "bad_frame" and theirs[2] in _CORRUPT_PAYLOADS


def _nesting_depth(_call: Call, fake: Comparable, _reference: Comparable) -> bool:
    return _error(fake)[1:] == ("bad_json", "invalid JSON: nested too deeply to be read")


def _not_met(_call: Call, _fake: Comparable, _reference: Comparable) -> bool:
    # Not visible in the parts that are compared; its evidence shows it.
    return False


def _in_the_background(_call: Call, _fake: Comparable, _reference: Comparable) -> bool:
    # Not visible in one answer: the comparison asks again until the reference has done it.
    return False


def _tail_of_catch_up(_: Call, fake: Comparable, reference: Comparable) -> bool:
    return _without_tails(fake) == _without_tails(reference)


def _without_tails(answer: Comparable) -> Comparable:
    body = answer["body"]
    if not isinstance(body, list):
        return answer
    batches = []
    for item in body:
        batch = dict(item)
        data = batch.get("data")
        if batch.get("records"):
            batch.pop("tail", None)
        elif isinstance(data, dict) and data.get("records"):
            batch["data"] = {name: value for name, value in data.items() if name != "tail"}
        batches.append(batch)
    return {**answer, "body": batches}


_ACCOUNT_SERVICES: Final = ("/v1/access-tokens", "/v1/metrics", "/v1/locations")


def _account_services(call: Call, fake: Comparable, reference: Comparable) -> bool:
    return (
        call.path.startswith(_ACCOUNT_SERVICES)
        and reference["status"] == 501
        # What is not well formed is refused by both.
        and fake["status"] in (200, 201, 204, 404, 409, 422)
    )


def _location(call: Call, fake: Comparable, reference: Comparable) -> bool:
    if not call.path.startswith("/v1/basins"):
        return False
    if _error(fake)[:2] == (422, "invalid") and _error(fake)[2].startswith(_NO_SUCH_LOCATION):
        # The reference makes, or finds, the basin all the same; or says that it is there already,
        # which comes after this (reference: account_services §1.3).
        return reference["status"] in (200, 201, 409)
    return _without_locations(fake) == reference and fake != reference


_NO_SUCH_LOCATION: Final = ("location `", "basin `")


def _without_locations(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: None if name == "location" else _without_locations(item)
            for name, item in value.items()
        }
    return [_without_locations(item) for item in value] if isinstance(value, list) else value


KNOWN_DIFFERENCES: Final = (
    KnownDifference(
        "location-of-a-basin",
        "A basin is in a location: in that which its creation asks for, which there must be, or "
        "in the default.",
        "The hosted service has locations; the reference checks the name of one and drops it.",
        _location,
    ),
    KnownDifference(
        "account-services",
        "Access tokens, metrics and locations are served.",
        "The hosted service serves them, and its users mock them by hand. The reference "
        "has their routes and answers 501; `account_services` says how each rule is known.",
        _account_services,
    ),
    KnownDifference(
        "json-library",
        "The text after the code `bad_json` where a body is no JSON, or of the wrong JSON type.",
        "It is the wording of the reference's JSON library; the fake says the same in its own.",
        _json_library,
    ),
    KnownDifference(
        "nesting-depth",
        "A body that is nested some hundred levels deep is refused as `bad_json`.",
        "The reference reads what it ignores at any depth; Python's JSON parser does not.",
        _nesting_depth,
    ),
    KnownDifference(
        "one-pass",
        "Which fault of a body is reported, if it is no JSON and has another fault before that.",
        "The reference reads a body in one pass and reports what comes first; the fake looks "
        "whether it is JSON before it looks at what it says.",
        _one_pass,
    ),
    KnownDifference(
        "codec",
        "The text behind `Failed to buffer the request body`; and in an append session, which of "
        "the frames right before a fault of the body's coding are applied.",
        "It is the wording of the reference's codecs, which also give what they have inflated "
        "before they find a wrong checksum.",
        _codec,
    ),
    KnownDifference(
        "background",
        "Trimmed records, and a deleted stream or basin, are gone with the answer to the request.",
        "The reference removes them in the background, a moment later; how long a deletion stays "
        "pending is a setting of the fake.",
        _in_the_background,
    ),
    KnownDifference(
        "tail-of-catch-up",
        "In a session, a batch from the log that reaches the tail says where the tail is.",
        "The hosted service does, and its SDKs wait for it; the reference server leaves it to the "
        "heartbeat that follows at once.",
        _tail_of_catch_up,
    ),
    KnownDifference(
        "basin-by-host",
        "A request without `s2-basin` goes to the basin that its host names, as in "
        "`my-basin.b.s2.dev`.",
        "The hosted service is addressed like this; the reference looks at the header only.",
        _not_met,
    ),
    KnownDifference(
        "dashboard",
        "`/dashboard` is not found, or leads to `/_s2mock/` where that is served.",
        "It is the reference's page for people, and no part of the API.",
        _not_met,
    ),
    KnownDifference(
        "prometheus",
        "`/metrics` tells of the process, and has no histograms.",
        "They measure the appends to the reference's storage, and the fake has none.",
        _not_met,
    ),
)


def excuse(call: Call, fake: Comparable, reference: Comparable) -> str | None:
    """Return the name of the entry that recognises this difference, or None."""
    for entry in KNOWN_DIFFERENCES:
        if entry.recognises(call, fake, reference):
            return entry.name
    return None
