"""The official Rust SDK, unmodified, with more appends than the limits of S2 allow.

`make fault-table-rust` and `make pace` run it: the SDK takes minutes to build.
"""

import json
import os
import subprocess
from collections import Counter

import pytest

from s2mock import S2Mock
from tests.pace import OVERLOADED_SECONDS
from tests.sdk.overload import refused_appends, seconds_of, throttled_sessions
from tests.sdk.rust_program import NEEDS_RUST, build_program

TOTAL = 200 * (OVERLOADED_SECONDS + 2)
SEEDS = [{"name": "my-basin", "streams": ["logs"]}]

pytestmark = [
    NEEDS_RUST,
    pytest.mark.long,
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.openapi_unchecked("S2's description has no 429 for appends"),
    pytest.mark.s2_mock(limits="cloud", clock="manual", basins=SEEDS, journal_limit=200_000),
]


def append_all(mock: S2Mock, scenario: str) -> None:
    """Append the numbers up to `TOTAL`, each until it is accepted."""
    # Its patience is in real time, and no attempt is the last one.
    command = [build_program(), scenario, "100", "1000000"]
    env = {**os.environ, **mock.env, "APPENDS": str(TOTAL)}
    ended = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    assert json.loads(ended.stdout)["error"] == ""


def test_a_session_above_the_limits(s2_mock: S2Mock) -> None:
    with throttled_sessions(s2_mock):
        append_all(s2_mock, "flood")
    log = s2_mock.stream("my-basin", "logs")
    assert [*log.bodies] == [b"%d" % number for number in range(TOTAL)]
    assert len(s2_mock.journal.of("append-session")) == 1
    assert seconds_of(s2_mock) >= OVERLOADED_SECONDS


def test_unary_appends_above_the_limits(s2_mock: S2Mock) -> None:
    """All on one connection, of 20 workers."""
    with refused_appends(s2_mock, 400, 1.0):
        append_all(s2_mock, "overload")
    log = s2_mock.stream("my-basin", "logs")
    assert Counter(log.bodies) == Counter(b"%d" % number for number in range(TOTAL))
    assert len(s2_mock.journal.of("append", status=429)) > TOTAL / 4
    assert seconds_of(s2_mock) >= OVERLOADED_SECONDS
