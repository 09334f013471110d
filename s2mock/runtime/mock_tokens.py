"""The access tokens of the mocks of this process: the own token of each, and those it issues.

A client that is still running after its test sends a token of that test's mock. The token tells, so
that the request never reaches the account of the next test, although the URL is the same.
"""

import os
import weakref
from collections import OrderedDict, deque
from itertools import count
from typing import Final, NamedTuple, Protocol

from s2mock.runtime.arguments import check_token

_OWN: Final = f"s2mock-{os.urandom(8).hex()}-"
# The prefix of issued tokens. It differs, so that an issued token does not reveal a mock's own.
_ISSUED: Final = f"s2_{os.urandom(8).hex()}_"
_numbers = count(1)


class Holder(Protocol):
    """The account of a mock, which may have access tokens that another account has issued."""

    def has_issued(self, secret: str) -> bool:
        """True if the account has an issued access token with that secret, revoked or not."""


# The accounts of the mocks that have not ended, by the numbers of the mocks.
_living: "weakref.WeakValueDictionary[str, Holder]" = weakref.WeakValueDictionary()
# The test in which each mock was made, for the latest mocks.
_tests: "OrderedDict[str, str]" = OrderedDict()
_MAX_TESTS: Final = 1_000
# Messages about requests of finished tests, not reported yet.
_late: "deque[str]" = deque(maxlen=100)


class MockTokens(NamedTuple):
    """The number of a mock in this process, its own token, and the prefix of those it issues."""

    number: str
    token: str
    secret_prefix: str


def give(pinned: str | None) -> MockTokens:
    """Return the tokens for a new mock.

    With a `pinned` token, requests of this mock cannot be told from those of another mock with that
    token, and the tokens that it issues do not contain its number. Raises `TypeError`,
    `ValueError` for a token that no header can hold.
    """
    if pinned is not None:
        check_token(pinned)
    number = str(next(_numbers))
    if pinned is not None:
        return MockTokens(number, pinned, "s2_")
    if test := current_test():
        _tests[number] = test
        if len(_tests) > _MAX_TESTS:
            _tests.popitem(last=False)
    return MockTokens(number, f"{_OWN}{number}", f"{_ISSUED}{number}_")


def of_actor(mock: str, number: int) -> str:
    """Return the token of the actor of that number, of the mock of that number.

    It ends with the mock, also where the mock's own token is pinned.
    """
    return f"{_OWN}{mock}_{number}"


def current_test() -> str:
    """Return the id that pytest gives to the running test, or "" if there is none."""
    return os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]


def note_late(token: str, method: str, path: str) -> str:
    """Record a request with a token of a mock that has ended, and return the message about it."""
    owner = _tests.get(_number_of(token), "")
    whose = f"of the test {owner}, which has ended" if owner else "of a mock that has ended"
    text = (
        f"a request {whose}, came late, while {current_test() or 'no test'} ran, and was refused "
        f"with 401: {method} {path}. Something that the earlier test has started goes on: end it "
        "there, or pin the token (token=) for a client that outlives a test"
    )
    if not owner or owner != current_test():
        _late.append(text)
    return text


def take_late() -> list[str]:
    """Return and remove the messages about late requests, each once."""
    texts = list(dict.fromkeys(_late))
    _late.clear()
    return texts


def begin(number: str, account: Holder) -> None:
    """Register the account of the mock of that number."""
    _living[number] = account


def end(number: str) -> None:
    """Remove the mock of that number, which has ended."""
    _living.pop(number, None)


def is_ended(token: str) -> bool:
    """True if the token is of a mock that has ended, and no account of another mock has it."""
    if not token.startswith((_OWN, _ISSUED)) or _number_of(token) in _living:
        return False
    # `valuerefs` copies them at once: other threads make mocks at the same time.
    accounts = [reference() for reference in _living.valuerefs()]
    return not any(account is not None and account.has_issued(token) for account in accounts)


def _number_of(token: str) -> str:
    """Return the number of the mock that issued the token."""
    return token.removeprefix(_OWN).removeprefix(_ISSUED).partition("_")[0]
