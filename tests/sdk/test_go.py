"""The official Go SDK, unmodified: its own tests, and those in `go/`."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from s2mock import Drain, S2Mock, Stream
from tests.pace import OVERLOADED_SECONDS
from tests.sdk.faulty import WAYS, break_appends, break_reads
from tests.sdk.overload import refused_appends, seconds_of, throttled_sessions

FOLDER = Path(__file__).parent / "go"
SDK = "github.com/s2-streamstore/s2-sdk-go/s2"

# Of the summer: a period of 40 days was too long then, where today's service takes 90 (reference:
# account_services §2).
OF_AN_EARLIER_SERVICE = {
    "TestAccountMetrics_InvalidTimeRange",
    "TestBasinMetrics_InvalidTimeRange",
    "TestStreamMetrics_InvalidTimeRange",
}

# Wants a server that asks for no token.
OF_S2_LITE = "TestEnsureAgainstS2Lite"

pytestmark = [
    pytest.mark.skipif(
        shutil.which("go") is None, reason="go is not on the PATH: the Go SDK cannot be run"
    ),
    pytest.mark.timeout(300),
    pytest.mark.slow,
    pytest.mark.long,
]


def run(package: str, env: dict[str, str], only: str = ".") -> dict[str, str]:
    """Run tests. Returns what has become of each, by its name; pytest reports what they print."""
    go = subprocess.run(
        ["go", "test", "-count=1", "-json", "-run", only, package],
        cwd=FOLDER,
        env=os.environ | env,
        capture_output=True,
        text=True,
        check=False,
    )
    events = [json.loads(line) for line in go.stdout.splitlines()]
    print("".join(event.get("Output", "") for event in events), go.stderr)
    return {
        event["Test"]: event["Action"]
        for event in events
        if "Test" in event and event["Action"] in {"pass", "fail", "skip"}
    }


def passed(file: str, env: dict[str, str]) -> None:
    """Run the tests of a file of ours. Each must have been run, and have passed."""
    declared = re.findall(r"^func (Test\w+)", (FOLDER / file).read_text(), re.MULTILINE)
    outcomes = run(".", env, f"^({'|'.join(declared)})$")
    assert set(outcomes.values()) == {"pass"}
    assert outcomes.keys() >= set(declared)


@pytest.mark.s2_mock(auth="required")
def test_its_own_tests(s2_mock: S2Mock) -> None:
    """The SDK's, of which most want a server."""
    outcomes = run(SDK, s2_mock.env)

    assert {name for name, is_so in outcomes.items() if is_so == "fail"} == OF_AN_EARLIER_SERVICE
    assert {name for name, is_so in outcomes.items() if is_so == "skip"} == {OF_S2_LITE}
    assert len(outcomes) > 300


@pytest.mark.s2_mock(auth="open")
def test_its_own_test_of_s2_lite(s2_mock: S2Mock) -> None:
    assert run(SDK, {"S2_LITE_ENDPOINT": f"{s2_mock.url}/v1"}, OF_S2_LITE) == {OF_S2_LITE: "pass"}


@pytest.mark.openapi_unchecked("faults answer what S2 does not")
@pytest.mark.parametrize(
    "scheme",
    [
        "http",
        pytest.param(
            "https",
            marks=[
                pytest.mark.s2_mock(tls=True),
                pytest.mark.skipif(
                    sys.platform == "darwin", reason="Go asks macOS which authorities to trust"
                ),
            ],
        ),
    ],
)
def test_faults(s2_mock: S2Mock, scheme: str) -> None:
    basin = s2_mock.create_basin("my-basin")
    # A session that is refused before its first frame may fail the SDK's write of that frame, and
    # then the careful do not try again. So the rate limit comes when the frame is there.
    appended = break_appends(s2_mock, basin, limited=dict.fromkeys(WAYS, "append"))
    break_reads(s2_mock, basin)
    basin.create_stream("advised")
    s2_mock.inject(Drain(), on="append", stream="advised", skip=1)

    passed("faults_test.go", s2_mock.env)

    assert {name: len(basin.stream(name).records) for name in appended} == appended
    assert [record.body for record in basin.stream("advised").records] == [
        b"%d" % number for number in range(6)
    ]
    protocols = {"http": {"HTTP/1.1", "h2c"}, "https": {"HTTP/1.1 over TLS", "h2"}}
    assert {exchange.protocol for exchange in s2_mock.journal} == protocols[scheme]
    # This SDK does not look at the advice to reconnect.
    assert len(s2_mock.journal.of("append-session", stream="advised")) == 1


def test_a_flood_of_small_appends(
    observe: Callable[..., Any], log: Stream, s2_mock: S2Mock
) -> None:
    """All of them in one session, which the SDK does not have to open again."""
    observed = observe()
    ours = {"S2_ACCOUNT_ENDPOINT": observed.url, "S2_BASIN_ENDPOINT": observed.url}

    passed("flood_test.go", s2_mock.env | ours | {"APPENDS": "50000"})

    assert [record.body for record in log.records] == [b"%d" % number for number in range(50_000)]
    ways = [
        (request["REQUEST_METHOD"], request.get("CONTENT_TYPE")) for request in observed.requests
    ]
    assert ways == [("POST", "s2s/proto"), ("GET", None)]


OVERLOADED = {"basins": [{"name": "my-basin", "streams": ["logs"]}], "clock": "manual"}


@pytest.mark.openapi_unchecked("S2's description has no 429 for appends")
@pytest.mark.s2_mock(limits="cloud", **OVERLOADED)
def test_a_session_above_the_limits(s2_mock: S2Mock) -> None:
    """200 batches a second pass, and all are sent at once."""
    total = 200 * (OVERLOADED_SECONDS + 2)
    with throttled_sessions(s2_mock):
        passed("flood_test.go", s2_mock.env | {"APPENDS": str(total)})

    log = s2_mock.stream("my-basin", "logs")
    assert [*log.bodies] == [b"%d" % number for number in range(total)]
    assert seconds_of(s2_mock) >= OVERLOADED_SECONDS


@pytest.mark.openapi_unchecked("S2's description has no 429 for appends")
@pytest.mark.s2_mock(limits={"bytes_per_second": 220}, **OVERLOADED)
def test_unary_appends_above_the_limits(s2_mock: S2Mock) -> None:
    """On connections of which each is within its own limit."""
    total = 20 * (OVERLOADED_SECONDS + 2)
    with refused_appends(s2_mock, 8, 0.2):
        passed("overload_test.go", s2_mock.env | {"APPENDS": str(total)})

    log = s2_mock.stream("my-basin", "logs")
    assert Counter(log.bodies) == Counter(b"%d" % number for number in range(total))
    assert len(s2_mock.journal.of("append", status=429)) > total / 4
    assert seconds_of(s2_mock) >= OVERLOADED_SECONDS
