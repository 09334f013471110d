"""The access tokens of the mocks of this process: each has its own, and those that it has issued.

A client that a test leaves behind goes on with a token of that test's mock. It is told so, and
never gets into the account of the next test, although the URL is the same.
"""

import os
import weakref
from collections import OrderedDict, deque
from itertools import count
from typing import Final, NamedTuple, Protocol

from s2mock.runtime.arguments import check_token

_OWN: Final = f"s2mock-{os.urandom(8).hex()}-"
# What the secrets of issued tokens begin with: other text, so that none tells the own token.
_ISSUED: Final = f"s2_{os.urandom(8).hex()}_"
_numbers = count(1)


class Holder(Protocol):
    """The account of a mock, which may hold access tokens that another has issued."""

    def has_issued(self, secret: str) -> bool:
        """True if the account has an issued access token with that secret, revoked or not."""


# The accounts of the mocks that have not ended, by the numbers of the mocks.
_living: "weakref.WeakValueDictionary[str, Holder]" = weakref.WeakValueDictionary()
# In which test each mock was made, of the latest.
_tests: "OrderedDict[str, str]" = OrderedDict()
_MAX_TESTS: Final = 1_000
# What is to be said of requests that came late, and nobody has been told.
_late: "deque[str]" = deque(maxlen=100)


class Given(NamedTuple):
    """The number of a mock in this process, its own token, and how its issued tokens begin."""

    number: str
    token: str
    secret_prefix: str


def give(pinned: str | None) -> Given:
    """The tokens of the next mock.

    With a `pinned` token nothing tells its requests from those of another mock with that token, and
    the secrets that it issues do not name it. Raises `TypeError`, `ValueError` for such a token.
    """
    if pinned is not None:
        check_token(pinned)
    number = str(next(_numbers))
    if pinned is not None:
        return Given(number, pinned, "s2_")
    if test := current_test():
        _tests[number] = test
        if len(_tests) > _MAX_TESTS:
            _tests.popitem(last=False)
    return Given(number, f"{_OWN}{number}", f"{_ISSUED}{number}_")


def current_test() -> str:
    """The test that runs, as pytest calls it; empty for none."""
    return os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]


def note_late(token: str, method: str, path: str) -> str:
    """A request has come with a token that has ended; returns what is to be said of it."""
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
    """What is to be said of late requests, since this was last asked."""
    texts = list(dict.fromkeys(_late))
    _late.clear()
    return texts


def begin(number: str, account: Holder) -> None:
    """The mock of that number lives from now on, and has that account."""
    _living[number] = account


def end(number: str) -> None:
    """The mock of that number has ended."""
    _living.pop(number, None)


def is_ended(token: str) -> bool:
    """True if a mock of this process that has ended gave out the token, and no other holds it."""
    if not token.startswith((_OWN, _ISSUED)) or _number_of(token) in _living:
        return False
    # A list of them at once: other threads make mocks while this one looks.
    accounts = [reference() for reference in _living.valuerefs()]
    return not any(account is not None and account.has_issued(token) for account in accounts)


def _number_of(token: str) -> str:
    """The number of the mock that gave out the token."""
    return token.removeprefix(_OWN).removeprefix(_ISSUED).partition("_")[0]
