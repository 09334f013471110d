"""The ledger of known differences between the fake and the reference server.

Each entry says what differs and why, and recognises its own case: a difference that no entry
recognises is a bug in the fake.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple

from s2mock.contract.exchange import Call

Comparable = dict[str, Any]


class KnownDifference(NamedTuple):
    """One entry. `recognises` is given the call, the fake's answer and the reference's."""

    name: str
    what: str
    why: str
    recognises: Callable[[Call, Comparable, Comparable], bool]


def _error(answer: Comparable) -> tuple[int, str, str]:
    body = answer["body"]
    if isinstance(body, dict) and "code" in body:
        return answer["status"], body["code"], body["message"]
    return answer["status"], "", ""


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


def _codec(_: Call, fake: Comparable, reference: Comparable) -> bool:
    ours, theirs = _error(fake), _error(reference)
    for prefix in ("Failed to buffer the request body: ", "failed to decode Protobuf message: "):
        if ours[2].startswith(prefix) and theirs[2].startswith(prefix):
            return ours[:2] == theirs[:2]
    return False


def _in_the_background(_call: Call, _fake: Comparable, _reference: Comparable) -> bool:
    # Not to be seen in one answer: who compares asks again until the reference has done it.
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


KNOWN_DIFFERENCES: Final = (
    KnownDifference(
        "json-library",
        "The text after the code `bad_json` where a body is no JSON, or of the wrong JSON type.",
        "It is the wording of the reference's JSON library; the fake says the same in its own.",
        _json_library,
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
        "The text behind `Failed to buffer the request body` and `failed to decode Protobuf "
        "message`.",
        "It is the wording of the reference's codecs.",
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
)


def excuse(call: Call, fake: Comparable, reference: Comparable) -> str | None:
    """The name of the entry that recognises this difference, `None` if no entry does."""
    for entry in KNOWN_DIFFERENCES:
        if entry.recognises(call, fake, reference):
            return entry.name
    return None
