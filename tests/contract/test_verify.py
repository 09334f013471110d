"""`python -m s2mock verify`: the contract suite on a server, as a dated table."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import trustme

from s2mock import Fail, S2Mock
from s2mock.contract import target_settings, verify
from s2mock.contract.basins import unused_name
from s2mock.contract.client import Client
from s2mock.contract.http2_requests import BASIN
from s2mock.registry.values.errors import StreamNotFound
from tests.contract.test_fidelity import rows

# The suite sends requests with mistakes, also such as reach no operation.
pytestmark = pytest.mark.openapi_unchecked("the suite sends more than the description has")

SOME = ("--only", "test_append_basics", "--only", "test_tail")
SECRET = "a-secret-token-that-no-output-has"


class Verified(NamedTuple):
    """What a run of the command has printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def prefix(self) -> str:
        """The beginning of the names of its basins."""
        found = re.search(r"names of its basins begin with (\S+)\n", self.err)
        assert found is not None, self.err
        return found[1]


def run(url: str, *arguments: str, **environment: str) -> Verified:
    command = [sys.executable, "-m", "s2mock", "verify", url, *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )
    return Verified(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def server() -> Iterator[S2Mock]:
    """A server with a basin of a user, in which the suite must not do anything."""
    yield from serve()


@pytest.fixture
def lingering_server() -> Iterator[S2Mock]:
    """The same, where a deletion is pending for a moment, as on a real server."""
    yield from serve(deletion_delay=0.3)


def serve(**options: Any) -> Iterator[S2Mock]:
    basin: Any = {"name": "basin-of-a-user", "streams": [{"name": "s"}]}
    with S2Mock(basins=[basin], journal_limit=1_000_000, **options) as mock:
        mock.basin("basin-of-a-user").stream("s").append(["precious"])
        yield mock


def assert_untouched(server: S2Mock, prefix: str) -> None:
    """Check that no request was about an existing basin without the prefix."""
    assert server.basins == ("basin-of-a-user",)
    [record] = server.basin("basin-of-a-user").stream("s").records
    assert record.body == b"precious"
    others = [
        one
        for one in server.journal
        if one.basin is not None
        and not one.basin.startswith(prefix)
        # A name that no basin can have is refused.
        and (one.response is None or one.response.status != 400)
    ]
    assert [one for one in others if one.effect.committed] == []
    assert {one.operation for one in others} <= {
        "basin-metrics",
        "stream-metrics",
        None,
    }, others


def of_account(server: S2Mock) -> list[str]:
    names = ("issue-access-token", "revoke-access-token", "list-access-tokens")
    names += ("get-default-location", "set-default-location")
    return [str(one) for one in server.journal.of(names)]


def test_the_table_of_a_server_that_is_as_expected(server: S2Mock) -> None:
    before = datetime.now(UTC)
    verified = run(server.url, *SOME)
    assert verified.status == 0, verified
    title, *_ = verified.out.splitlines()
    assert title == f"# S2 at {server.url}, {before:%Y-%m-%d}"
    table = rows(verified.out)
    time = datetime.strptime(table["time"], "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)
    assert before.replace(microsecond=0) <= time <= datetime.now(UTC)
    assert int(table["cases run"]) == int(table["as expected"]) > 30
    assert table["otherwise"] == "0"
    assert table["basins of the suite"] == f"{verified.prefix}..., all removed"
    assert table["Appends that succeed"] == "20 | 0 | 0"
    assert_untouched(server, verified.prefix)
    assert of_account(server) == []
    assert len(server.journal) > 100


def test_differences_are_named(
    server: S2Mock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted deviation: each case that finds it is in the table, with what was seen."""
    monkeypatch.setattr(StreamNotFound, "status", 410)
    path = tmp_path / "table.md"
    verified = run(server.url, *SOME, "--output", str(path))
    assert (verified.status, verified.out) == (1, "")
    table = rows(path.read_text("utf-8"))
    failed = int(table["otherwise"])
    assert failed > 0
    named = {name: seen for name, seen in table.items() if name.startswith("`")}
    assert len(named) == failed
    assert any("410" in seen and "404" in seen for seen in named.values()), named
    assert table["basins of the suite"].endswith("all removed")
    assert_untouched(server, verified.prefix)


def test_the_prefix_can_be_chosen(server: S2Mock) -> None:
    verified = run(server.url, "--only", "test_tail", "--basin-prefix", "mine-")
    assert verified.status == 0, verified
    assert verified.prefix == "mine-"
    made = [one.effect.name for one in server.journal.of("create-basin", status=201)]
    assert made
    assert all(str(name).startswith("mine-") for name in made)


def test_a_prefix_that_is_in_use_is_refused(server: S2Mock) -> None:
    verified = run(server.url, "--basin-prefix", "basin-of")
    assert verified.status == 2
    assert verified.err == (
        f"s2mock: {server.url} has basins whose names begin with basin-of, such as "
        "basin-of-a-user, and all of these would be removed: choose another --basin-prefix\n"
    )
    assert_untouched(server, "basin-of-x")


BAD = {
    "no URL": (["localhost:80"], "argument URL: must be a URL such as http://127.0.0.1:8080"),
    "a prefix in capitals": (
        ["http://x", "--basin-prefix", "Mine"],
        "argument --basin-prefix: must be lowercase letters, numbers and hyphens, at most 16",
    ),
    "a long prefix": (["http://x", "--basin-prefix", "p" * 17], "at most 16, and begin with no"),
    "no token": (
        ["http://x", "--token-env", "S2MOCK_NO_SUCH"],
        "s2mock: the environment variable S2MOCK_NO_SUCH has no token: set it, or leave out",
    ),
    "an endpoint without the basin": (
        ["http://x", "--basin-endpoint", "http://b.x/{basin}"],
        "argument --basin-endpoint: must be a URL with {basin} in its host, such as https://",
    ),
    "no server": (["http://127.0.0.1:1"], "s2mock: cannot reach http://127.0.0.1:1: "),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_arguments_are_refused(name: str) -> None:
    arguments, message = BAD[name]
    verified = run(*arguments)
    assert (verified.status, verified.out) == (2, "")
    assert message in verified.err


# The program, in a world in which each host of `.test` is this machine.
RESOLVED = """
import socket, sys

def resolve(host, *arguments, **named):
    return original("127.0.0.1" if host.endswith(".test") else host, *arguments, **named)

original, socket.getaddrinfo = socket.getaddrinfo, resolve
from s2mock.contract.verify import main
sys.exit(main(arguments=sys.argv[1:]))
"""


def test_the_basin_can_be_in_the_host(server: S2Mock) -> None:
    """As with the hosted service: the account has another host, and no header is needed."""
    port = server.url.rpartition(":")[2]
    endpoint = f"http://{{basin}}.b.test:{port}"
    modules = ("append_basics", "test_headers", "session_frames", "test_read_forms", "test_names")
    some = [word for module in modules for word in ("--only", module)]
    command = [sys.executable, "-c", RESOLVED, server.url, "--basin-endpoint", endpoint, *some]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    prefix = Verified(done.returncode, done.stdout, done.stderr).prefix

    assert done.returncode == 0, done.stdout
    assert "about the header s2-basin, in the place of which is the host" in done.stdout
    assert_untouched(server, prefix)
    # Others are refused before their basin is known.
    appends = [exchange for exchange in server.journal.of("append") if exchange.basin is not None]
    assert len(appends) > 10
    for exchange in appends:
        assert exchange.request.headers["host"] == f"{exchange.basin}.b.test:{port}"
        assert "s2-basin" not in exchange.request.headers
    assert {one.request.headers["host"] for one in server.journal.of("create-basin")} == {
        f"127.0.0.1:{port}"
    }


@pytest.mark.long
def test_a_server_over_tls(tmp_path: Path) -> None:
    """Which sends session tickets, as most do: their bytes are no answer."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    files = [tmp_path / name for name in ("ca.pem", "cert.pem", "key.pem")]
    authority.cert_pem.write_to_path(files[0])
    certificate.cert_chain_pems[0].write_to_path(files[1])
    certificate.private_key_pem.write_to_path(files[2])
    # Requests byte by byte, sessions at rest, and bodies that are refused before they are read.
    modules = ("test_headers", "test_paths", "read_wait", "session_frames", "order")
    some = [word for module in modules for word in ("--only", module)]
    with S2Mock(deletion_delay=0.3) as server:
        server._use_certificate(files[1], files[2])
        found = server._certificate.find("127.0.0.1")
        assert found is not None
        found.context.num_tickets = 2
        untrusted = run(server.url, "--only", "test_headers", SSL_CERT_FILE="")
        verified = run(server.url, *some, SSL_CERT_FILE=str(files[0]))

    assert (untrusted.status, untrusted.out) == (2, "")
    assert "has a certificate that is not trusted: " in untrusted.err
    assert "SSL_CERT_FILE names the file of a certificate authority to trust" in untrusted.err
    assert verified.status == 0, verified.out
    assert "| otherwise | 0 |" in verified.out
    assert int(re.search(r"\| cases run \| (\d+) \|", verified.out)[1]) > 300  # type: ignore[index]


def test_no_such_module(server: S2Mock) -> None:
    verified = run(server.url, "--only", "nothing-like-it")
    assert verified.status == 2
    assert verified.err.endswith(
        "no module of the suite has nothing-like-it in its name: leave out --only to run all\n"
    )


def test_a_token_is_used_and_is_in_no_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also not in the differences, of which the messages have all that the suite has sent."""
    monkeypatch.setattr(StreamNotFound, "status", 410)
    with S2Mock(auth="required", token=SECRET) as mock:
        # Of requests byte by byte, too.
        more = ("test_headers", "transport_heads", "http2")
        modules = (*SOME, *(part for name in more for part in ("--only", name)))
        path = tmp_path / "table.md"
        verified = run(
            mock.url, *modules, "--token-env", "TOKEN", "--output", str(path), TOKEN=SECRET
        )
        assert verified.status == 1, verified
        text = path.read_text("utf-8")
        assert int(rows(text)["as expected"]) > 100
        refused = [one for one in mock.journal if one.response and one.response.status == 401]
        tokens = [one.request.headers.get("authorization", "") for one in refused]
        assert [token for token in tokens if SECRET in token] == []
        # A whole word: the random names of basins may have these digits.
        seen_401 = [name for name, seen in rows(text).items() if re.search(r"\b401\b", seen)]
        assert seen_401 == []
        for output in (*verified[1:], *(file.read_text() for file in tmp_path.iterdir())):
            assert SECRET not in output
        verified = run(mock.url, "--token-env", "TOKEN", TOKEN=SECRET[::-1])
        assert verified.status == 2
        assert "does not list basins as S2 does: status 401" in verified.err
        assert SECRET[::-1] not in verified.err


def test_the_text_of_a_difference_has_no_token() -> None:
    """Neither the account's nor one that the suite was issued, of any server."""
    text = f"Client(token='{SECRET}') {{\"access_token\":\"abc.def\"}} 'Bearer ghi' b'Bearer jkl'"
    assert verify._redact(text, SECRET) == (
        "Client(token='***') {\"access_token\":\"***\"} 'Bearer ***' b'Bearer ***'"
    )


def test_tokens_and_the_default_location_need_account(server: S2Mock) -> None:
    modules = ("--only", "access_tokens", "--only", "test_locations", "--only", "token_lives")
    verified = run(server.url, *modules)
    assert verified.status == 2
    assert "which needs --account" in verified.err
    assert of_account(server) == []

    s2 = Client(server.url, token=server.token)
    assert s2.request("PUT", "/v1/locations/default", "aws:us-west-2").status < 300
    s2.request("POST", "/v1/access-tokens", {"id": "of-a-user", "scope": {"ops": ["read"]}})
    verified = run(server.url, *modules, "--account")
    assert int(rows(verified.out)["as expected"]) > 50
    assert len(of_account(server)) > 50
    assert s2.request("GET", "/v1/locations/default").json["name"] == "aws:us-west-2"
    listed = s2.request("GET", "/v1/access-tokens").json["access_tokens"]
    assert "of-a-user" in [one["id"] for one in listed]
    assert [one["id"] for one in listed if one["id"].startswith(verified.prefix)] == []


@pytest.fixture
def _heeds_sigint() -> Iterator[None]:
    """Of a job in the background, the processes would ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("_heeds_sigint")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_an_interrupted_run_removes_its_basins(server: S2Mock, number: int) -> None:
    command = [sys.executable, "-m", "s2mock", "verify", server.url, *SOME]
    with server.hold(on="append", at="arrival") as held:
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        held.wait(timeout=60)
        assert len(server.basins) > 1
        process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, ""), err
    assert err.endswith("s2mock: interrupted; what the suite had created was removed\n")
    assert server.basins == ("basin-of-a-user",)


def test_what_cannot_be_removed_is_named(server: S2Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A negative control of the removal: a server that deletes nothing."""
    monkeypatch.setattr(verify, "_REMOVAL_SECONDS", 0.0)
    options = verify._parse("", [server.url, "--basin-prefix", "left-"])
    one = verify._Run(options, "")
    one.check_server()
    server.create_basin("left-behind")
    server.inject(Fail("unavailable"), on="delete-basin", times=None)
    one.clean_up()
    assert one.differs
    assert "| left behind | basin left-behind |" in one.report()


def test_names_fit_into_requests_byte_by_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target_settings, "basin_prefix", "p" * target_settings.MAX_PREFIX_BYTES)
    names = {unused_name() for _ in range(100)}
    assert len(names) == 100
    assert {len(name) for name in names} == {len(BASIN)} == {target_settings.NAME_BYTES}


@pytest.mark.skipif(
    "S2MOCK_TEST_UPSTREAM" not in os.environ,
    reason="all cases take most of a minute: make upstream",
)
@pytest.mark.timeout(900)
def test_no_case_of_the_suite_touches_another_basin(lingering_server: S2Mock) -> None:
    """Of all cases, with their requests that are refused; and all leave nothing behind."""
    server = lingering_server
    verified = run(server.url)
    assert verified.status == 0, verified.out
    assert_untouched(server, verified.prefix)
    assert of_account(server) == []
    assert len(server.journal) > 10_000
