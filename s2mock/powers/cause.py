"""The likely cause of a failure: which exchange of a test explains it best."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from s2mock.powers.exchange import Exchange, error_code

# The code of an error in the text of a failure. Plain words, such as `other`, are in any text.
_CODE: Final = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")
_NUMBERS: Final = re.compile(r"\bexchange (\d+)")
_STATUS: Final = re.compile(r"\b[45]\d\d\b")


def is_refused(exchange: Exchange) -> bool:
    """True if the response was an error, a message about one, or none."""
    response = exchange.response
    return response is None or response.status >= 400 or bool(response.code or response.message)


def is_notable(exchange: Exchange) -> bool:
    """True for an exchange with a fault, a hold, a refusal or an advice."""
    is_changed = exchange.fault is not None or exchange.held_at is not None
    return is_changed or bool(exchange.advice) or is_refused(exchange)


def find_cause(exchanges: Sequence[Exchange], text: str = "") -> Exchange | None:
    """Return the exchange that explains a failure best; None if there is none of note.

    `text` is what the test runner says of the failure: a refusal whose status or code it names
    comes first. Then the last exchange if S2 has refused it, advice, other refusals, faults, and
    holds, the latest of each.
    """
    own = [one for one in exchanges if is_refused(one) and one.fault is None]
    named = [one for one in own if _is_named(one, text)]
    advised = [one for one in exchanges if any(map(_is_on_result, one.advice))]
    faults = {one.number for one in exchanges if one.fault is not None}
    for found in (
        named,
        own if own and own[-1] is exchanges[-1] else [],
        [one for one in advised if faults & set(map(int, _NUMBERS.findall(str(one.advice))))],
        advised,
        own,
        [one for one in exchanges if one.fault is not None],
        [one for one in exchanges if is_notable(one)],
    ):
        if found:
            return found[-1]
    return None


def _is_on_result(advice: str) -> bool:
    """False for advice on what takes long, which fails no test."""
    return not advice.startswith("the client appends single records")


def _is_named(exchange: Exchange, text: str) -> bool:
    response = exchange.response
    if response is None or not text:
        return False
    code = error_code(response)
    statuses: Iterable[str] = _STATUS.findall(text)
    return str(response.status) in statuses or code in _CODE.findall(text)
