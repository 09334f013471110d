"""The access tokens of the mocks of this process: each has one of its own.

A client that a test leaves behind goes on with the token of that test's mock. It is told so, and
never gets into the account of the next test, although the URL is the same.
"""

import os
import weakref
from collections import OrderedDict, deque
from itertools import count
from typing import Final

_PREFIX = f"s2mock-{os.urandom(8).hex()}-"
_numbers = count(1)
_living: "weakref.WeakValueDictionary[str, object]" = weakref.WeakValueDictionary()
# In which test each token was made, of the latest.
_tests: "OrderedDict[str, str]" = OrderedDict()
_MAX_TESTS: Final = 1_000
# What is to be said of requests that came late, and nobody has been told.
_late: "deque[str]" = deque(maxlen=100)


def new_token(mock: object) -> str:
    """A token for that mock, as long as it lives."""
    token = f"{_PREFIX}{next(_numbers)}"
    _living[token] = mock
    if test := current_test():
        _tests[token] = test
        if len(_tests) > _MAX_TESTS:
            _tests.popitem(last=False)
    return token


def check_token(token: object) -> str:
    """The token, if a header can hold it. Raises `TypeError`, `ValueError`."""
    if not isinstance(token, str):
        raise TypeError(f"token must be text, not {token!r}")
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ValueError(f"token must be text that fits into a header, not {token!r}")
    return token


def current_test() -> str:
    """The test that runs, as pytest calls it; empty for none."""
    return os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]


def note_late(token: str, method: str, path: str) -> str:
    """A request has come with a token that has ended; returns what is to be said of it."""
    owner = _tests.get(token, "")
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


def end(token: str) -> None:
    """The mock with that token has ended."""
    _living.pop(token, None)


def is_ended(token: str) -> bool:
    """Whether the token is that of a mock of this process that has ended."""
    return token.startswith(_PREFIX) and token not in _living
