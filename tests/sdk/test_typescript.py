"""The official TypeScript SDK, unmodified, run by node: the tests in `typescript/`.

Each file is one run of node's own test runner, against an account of its own.
"""

import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from s2mock import Drain, S2Mock, Stream
from tests.pace import OVERLOADED_SECONDS
from tests.sdk.conftest import path
from tests.sdk.faulty import WAYS, break_appends, break_reads
from tests.sdk.overload import refused_appends, seconds_of, throttled_sessions
from tests.sdk.typescript_install import FOLDER, install

# The files that need a server of a special kind; all others take any.
SPECIAL = {
    "account.test.mjs",
    "faults.test.mjs",
    "flood.test.mjs",
    "overload.test.mjs",
    "pending.test.mjs",
    "records.test.mjs",
    "retries.test.mjs",
}
OPERATIONS = {path.name for path in FOLDER.glob("*.test.mjs")} - SPECIAL

pytestmark = [
    pytest.mark.skipif(
        shutil.which("node") is None or shutil.which("npm") is None,
        reason="node and npm are not on the PATH: the TypeScript SDK cannot be run",
    ),
    pytest.mark.timeout(300),
    pytest.mark.slow,
    pytest.mark.long,
]


@pytest.fixture(scope="session", autouse=True)
def _sdk_installed() -> None:
    install()


@pytest.fixture(autouse=True)
def advised(s2_mock: S2Mock) -> Iterator[set[str | None]]:
    """The streams that a test expects advice on; the SDK is never advised of its own flows."""
    expected: set[str | None] = set()
    yield expected
    given = {exchange.stream: exchange.advice for exchange in s2_mock.journal if exchange.advice}
    assert given.keys() == expected, given


def run(file: str, env: dict[str, str]) -> None:
    """Run a test file. Each of its tests must have been run, and have passed."""
    node = subprocess.run(
        ["node", "--test", "--test-reporter=tap", file],
        cwd=FOLDER,
        env=os.environ | env,
        capture_output=True,
        text=True,
        check=False,
    )
    report = f"{node.stdout}\n{node.stderr}"
    counts = dict(
        re.findall(r"^# (tests|pass|fail|skipped|todo) (\d+)$", node.stdout, re.MULTILINE)
    )
    declared = len(re.findall(r"^\s*test\(", (FOLDER / file).read_text(), re.MULTILINE))
    assert node.returncode == 0, report
    assert counts["pass"] == counts["tests"], report
    assert int(counts["tests"]) >= declared > 0, report


@pytest.mark.parametrize("file", sorted(OPERATIONS))
def test_operations(s2_mock: S2Mock, file: str) -> None:
    run(file, s2_mock.env)


@pytest.mark.s2_mock(auth="required")
def test_account_services(s2_mock: S2Mock) -> None:
    run("account.test.mjs", s2_mock.env)

    assert s2_mock.basins != ()


@pytest.mark.s2_mock(deletion_delay=float("inf"))
def test_pending_deletions(s2_mock: S2Mock) -> None:
    run("pending.test.mjs", s2_mock.env)


def test_retries(observe: Callable[..., Any], s2_mock: S2Mock) -> None:
    observed = observe(losing=2)
    ours = {"S2_ACCOUNT_ENDPOINT": observed.url, "S2_BASIN_ENDPOINT": observed.url}

    run("retries.test.mjs", s2_mock.env | ours)

    assert observed.results() == ["created", "noop", "noop"] * 2
    assert len(set(observed.sent("S2_REQUEST_TOKEN"))) == 2
    assert {request["SERVER_PROTOCOL"] for request in observed.requests} == {"HTTP/1.1"}


def test_records(observe: Callable[..., Any], s2_mock: S2Mock) -> None:
    observed = observe()
    ours = {"S2_ACCOUNT_ENDPOINT": observed.url, "S2_BASIN_ENDPOINT": observed.url}

    run("records.test.mjs", s2_mock.env | ours)

    # Each of the ways that the SDK has of appending and reading, and no other.
    ways = {
        (request["REQUEST_METHOD"], form(request), request["SERVER_PROTOCOL"])
        for request in observed.requests
        if path(request).endswith("/records")
    }
    assert ways == {
        ("POST", "application/json", "HTTP/1.1"),
        ("POST", "application/protobuf", "HTTP/1.1"),
        ("POST", "s2s/proto", "HTTP/2"),
        ("GET", "*/*", "HTTP/1.1"),
        ("GET", "application/protobuf", "HTTP/1.1"),
        ("GET", "text/event-stream", "HTTP/1.1"),
        ("GET", "s2s/proto", "HTTP/2"),
    }


@pytest.mark.s2_mock(tls=True)
def test_records_over_tls(s2_mock: S2Mock) -> None:
    run("records.test.mjs", s2_mock.env)

    found = {(exchange.operation, exchange.protocol) for exchange in s2_mock.journal}
    assert {
        ("append", "HTTP/1.1 over TLS"),
        ("read", "HTTP/1.1 over TLS"),
        ("append-session", "h2"),
        ("read", "h2"),
    } <= found
    assert {protocol for _, protocol in found} == {"HTTP/1.1 over TLS", "h2"}


@pytest.mark.openapi_unchecked("faults answer what S2 does not")
@pytest.mark.parametrize(
    "scheme", ["http", pytest.param("https", marks=pytest.mark.s2_mock(tls=True))]
)
def test_faults(s2_mock: S2Mock, advised: set[str | None], scheme: str) -> None:
    assert s2_mock.url.startswith(f"{scheme}:")
    basin = s2_mock.create_basin("my-basin")
    appended = break_appends(s2_mock, basin)
    # A session that is refused is the end of it, to this SDK.
    appended["refused-session"] = 0
    for transport in ("s2s", "fetch"):
        break_reads(s2_mock, basin, f"-{transport}")
    basin.create_stream("advised")
    s2_mock.inject(Drain(), on="append", stream="advised", skip=1)

    run("faults.test.mjs", s2_mock.env)

    # Where it appends a second time what is there already, its users need the advice.
    advised |= {f"lost-{way}" for way in WAYS}
    found = {name: len(basin.stream(name).records) for name in appended}
    assert found == appended
    for way, opening in WAYS.items():
        refused, carried_out = s2_mock.journal.of(opening, stream=f"limited-{way}")
        assert refused.response is not None
        assert refused.response.status == 429
        assert refused.ended is not None
        assert carried_out.began > refused.ended
    assert len(basin.stream("advised").records) == 6
    assert len(s2_mock.journal.of("append-session", stream="advised")) == 2


def test_a_flood_of_small_appends(
    observe: Callable[..., Any], log: Stream, s2_mock: S2Mock
) -> None:
    """All of them in one session, which the SDK does not have to open again."""
    observed = observe()
    ours = {"S2_ACCOUNT_ENDPOINT": observed.url, "S2_BASIN_ENDPOINT": observed.url}

    run("flood.test.mjs", s2_mock.env | ours | {"APPENDS": "50000"})

    numbers = [int(record.body) for record in log.records]
    assert numbers == list(range(50_000))
    ways = [
        (request["REQUEST_METHOD"], request.get("CONTENT_TYPE")) for request in observed.requests
    ]
    assert ways == [("POST", "s2s/proto"), ("GET", None)]


def form(request: dict[str, str]) -> str:
    """In what form the records go: that of the body, else what is accepted."""
    return request.get("CONTENT_TYPE") or request["HTTP_ACCEPT"]


OVERLOADED = {"basins": [{"name": "my-basin", "streams": ["logs"]}], "clock": "manual"}


@pytest.mark.whole
@pytest.mark.openapi_unchecked("S2's description has no 429 for appends")
@pytest.mark.s2_mock(limits="cloud", **OVERLOADED)
def test_a_session_above_the_limits(s2_mock: S2Mock) -> None:
    """200 batches a second pass, and all are sent at once."""
    total = 200 * (OVERLOADED_SECONDS + 2)
    with throttled_sessions(s2_mock):
        run("flood.test.mjs", s2_mock.env | {"APPENDS": str(total)})

    log = s2_mock.stream("my-basin", "logs")
    assert [*log.bodies] == [b"%d" % number for number in range(total)]
    assert seconds_of(s2_mock) >= OVERLOADED_SECONDS


@pytest.mark.whole
@pytest.mark.openapi_unchecked("S2's description has no 429 for appends")
@pytest.mark.s2_mock(limits={"bytes_per_second": 220}, **OVERLOADED)
def test_unary_appends_above_the_limits(s2_mock: S2Mock) -> None:
    """On connections of which each is within its own limit."""
    total = 20 * (OVERLOADED_SECONDS + 2)
    with refused_appends(s2_mock, 8, 0.2):
        run("overload.test.mjs", s2_mock.env | {"APPENDS": str(total)})

    log = s2_mock.stream("my-basin", "logs")
    assert Counter(log.bodies) == Counter(b"%d" % number for number in range(total))
    assert len(s2_mock.journal.of("append", status=429)) > total / 4
    assert seconds_of(s2_mock) >= OVERLOADED_SECONDS
