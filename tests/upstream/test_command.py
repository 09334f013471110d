"""`python -m s2mock proxy`, and the powers over HTTP in front of an upstream."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from s2mock import Drop, NotOnTarget, RemoteS2Mock, S2Mock
from tests.control.conftest import DESCRIPTION
from tests.ports import unused_port
from tests.powers.conftest import BASIN, SEEDS

Start = Callable[..., "subprocess.Popen[str]"]
COMMAND = [sys.executable, "-m", "s2mock", "proxy"]


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, **variables: str) -> subprocess.Popen[str]:
        started.append(
            subprocess.Popen(
                [*COMMAND, *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONUNBUFFERED": "", **variables},
            )
        )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def exports(process: "subprocess.Popen[str]") -> dict[str, str]:
    assert process.stdout is not None
    lines = [process.stdout.readline().strip().removeprefix("export ") for _ in range(3)]
    return dict(line.split("=", 1) for line in lines)


@pytest.fixture
def hosting(real: S2Mock) -> Iterator[S2Mock]:
    """What the command serves, in this process."""
    with S2Mock(upstream=real.url, control=True, token="s2mock") as mock:
        yield mock


def call(url: str, method: str, path: str, document: Any = None, token: str = "s2mock") -> Any:
    return httpx.request(
        method,
        f"{url}/_s2mock{path}",
        json=document,
        headers={"authorization": f"Bearer {token}"},
        trust_env=False,
    )


def described(method: str, path: str) -> set[str]:
    """The statuses that the description of the control API has for a request."""
    operations = DESCRIPTION["paths"][f"/_s2mock{path.partition('?')[0]}"]
    return set(operations[method.lower()]["responses"])


def test_it_prints_the_exports_and_forwards_with_the_token_of_the_variable(
    real: S2Mock, start: Start
) -> None:
    process = start(
        *("--upstream", real.url, "--port", "0", "--upstream-token-env", "THE_TOKEN"),
        THE_TOKEN="of-the-upstream",
    )
    env = exports(process)
    answer = httpx.get(
        f"{env['S2_ACCOUNT_ENDPOINT']}/v1/basins",
        headers={"authorization": f"Bearer {env['S2_ACCESS_TOKEN']}"},
        trust_env=False,
    )
    process.terminate()
    output = "".join(process.communicate(timeout=60))
    [exchange] = real.journal

    assert list(env) == ["S2_ACCOUNT_ENDPOINT", "S2_BASIN_ENDPOINT", "S2_ACCESS_TOKEN"]
    assert answer.json() == {"basins": [], "has_more": False}
    assert exchange.request.headers["authorization"] == "Bearer of-the-upstream"
    assert "of-the-upstream" not in output
    assert process.returncode == 0


def test_an_upstream_keeps_no_data_here(tmp_path: Path) -> None:
    """Nor has it begun: neither a directory nor a request."""
    arguments = [
        "--port",
        "0",
        "--upstream",
        "http://127.0.0.1:9",
        "--data",
        str(tmp_path / "data"),
    ]
    process = subprocess.run(
        [sys.executable, "-m", "s2mock", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert process.returncode == 2
    message = "--data keeps the account of s2mock itself, not the server at --upstream"
    assert message in " ".join(process.stderr.split())
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "which server to forward to is missing: --upstream http://127.0.0.1:8080"),
        (["--upstream", "nowhere"], "upstream must be a URL such as http://127.0.0.1:8080"),
        (["--upstream", "http://h", "--upstream-token-env", "NO_SUCH"], "'NO_SUCH'"),
        (["--upstream", "http://h", "--clock", "manual"], "unrecognized arguments: --clock"),
        (["--upstream", "http://h", "--data", "d"], "unrecognized arguments: --data"),
    ],
)
def test_an_argument_that_cannot_work_is_refused(
    start: Start, arguments: list[str], message: str
) -> None:
    process = start(*arguments)
    _, stderr = process.communicate(timeout=60)

    assert process.returncode == 2
    assert message in " ".join(stderr.split())


def test_a_fault_over_http_is_applied_in_front_of_the_upstream(
    real: S2Mock, hosting: S2Mock
) -> None:
    real.create_basin(BASIN).create_stream("log")
    fault = {"fault": {"Drop": {"committed": True}}, "on": "append"}
    assert call(hosting.url, "POST", "/faults", fault).status_code == 201
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.post(
            f"{hosting.url}/v1/streams/log/records",
            json={"records": [{"body": "a"}]},
            headers={"s2-basin": BASIN},
            trust_env=False,
        )
    exchanges = call(hosting.url, "GET", "/journal?operation=append").json()["exchanges"]

    assert real.stream(BASIN, "log").bodies == (b"a",)
    assert exchanges[0]["effect"]["committed"] is True


@pytest.mark.parametrize(
    ("method", "path", "document", "hint"),
    [
        ("GET", "/clock", None, "the upstream has the time"),
        ("POST", "/clock/advance", {"seconds": 1}, "the upstream has the time"),
        ("POST", "/snapshots", None, "basins= creates"),
        ("POST", "/fork", None, "basins= creates"),
        ("POST", "/reset", None, "basin_prefix"),
        ("POST", "/holds", {"on": "append"}, '{"at": "arrival"}'),
    ],
)
def test_what_only_the_engine_can_do_is_501_and_says_what_would_do(
    hosting: S2Mock, method: str, path: str, document: Any, hint: str
) -> None:
    answer = call(hosting.url, method, path, document)

    assert answer.status_code == 501
    assert answer.json()["code"] == "not_on_target"
    assert hint in answer.json()["message"]
    assert "501" in described(method, path)


@pytest.mark.parametrize(
    ("method", "path", "document"),
    [
        ("GET", "/streams", None),
        ("GET", f"/streams/records?basin={BASIN}&stream=log", None),
        ("GET", "/report", None),
        ("GET", f"/look/basin?basin={BASIN}", None),
        ("GET", f"/look/stream?basin={BASIN}&stream=log", None),
        ("GET", f"/look/records?basin={BASIN}&stream=log", None),
        ("GET", f"/readers?basin={BASIN}&stream=log", None),
        ("POST", "/accounts", {"basins": [BASIN]}),
    ],
)
def test_an_upstream_that_is_down_is_502_and_named(method: str, path: str, document: Any) -> None:
    """It is no failure of s2mock itself, which would fail the test."""
    url = f"http://127.0.0.1:{unused_port()}"
    with S2Mock(upstream=url, control=True, token="s2mock") as mock:
        answer = call(mock.url, method, path, document)

    assert answer.status_code == 502
    assert answer.json()["code"] == "upstream"
    assert answer.json()["message"].startswith(f"the upstream {url} cannot be reached: ")
    assert "502" in described(method, path)


def test_an_account_over_http_has_basins_of_its_own(real: S2Mock, hosting: S2Mock) -> None:
    made = call(hosting.url, "POST", "/accounts", {"basins": [BASIN]}).json()
    token = made["token"]
    listed = httpx.get(
        f"{hosting.url}/v1/basins",
        headers={"authorization": f"Bearer {token}"},
        trust_env=False,
    ).json()["basins"]
    [name] = real.basins

    assert [info["name"] for info in listed] == [BASIN]
    assert name.startswith("s2mock-")
    assert name.endswith(f"-{BASIN}")
    assert call(hosting.url, "DELETE", "/accounts", token=token).status_code == 204
    assert real.basins == ()


def test_the_page_and_the_status_are_served(hosting: S2Mock) -> None:
    assert call(hosting.url, "GET", "/status").json()["clock"]["clock"] == "system"
    assert call(hosting.url, "GET", "/").status_code == 200


def test_a_remote_mock_has_its_powers_and_direct_calls(real: S2Mock, hosting: S2Mock) -> None:
    with RemoteS2Mock(hosting.url, basins=SEEDS) as remote:
        stream = remote.stream(BASIN, "log")
        stream.append(["direct"])
        injected = remote.inject(Drop(), on="append")
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.post(
                f"{remote.url}/v1/streams/log/records",
                json={"records": [{"body": "a"}]},
                headers={"s2-basin": BASIN, "authorization": f"Bearer {remote.token}"},
                trust_env=False,
            )
        assert injected.hits == 1
        assert stream.bodies == (b"direct",)
        assert stream.wait_for(1)
        assert stream.tail.seq_num == 1
        assert stream.readers == 0
        assert remote.basins == (BASIN,)
        [append] = remote.journal.of("append")
        assert not append.effect.committed
    assert real.basins == ()


def test_a_campaign_over_http_has_a_prefix_for_each_attempt(real: S2Mock, hosting: S2Mock) -> None:
    seen: list[str] = []
    options = {"basins": [{"name": BASIN, "streams": ["log"]}]}
    plan = {"kind": "sweep", "faults": [{"Drop": {}}], "on": "append", "options": options}
    number = call(hosting.url, "POST", "/campaigns", plan).json()["number"]
    while (answer := call(hosting.url, "POST", f"/campaigns/{number}/attempts")).status_code == 201:
        attempt = answer.json()
        seen += real.basins
        with contextlib.suppress(httpx.RemoteProtocolError):
            httpx.post(
                f"{hosting.url}/v1/streams/log/records",
                json={"records": [{"body": "a"}]},
                headers={"s2-basin": BASIN, "authorization": f"Bearer {attempt['token']}"},
                trust_env=False,
            )
        path = f"/campaigns/{number}/attempts/{attempt['number']}/end"
        call(hosting.url, "POST", path, {"outcome": "passed"})
    report = call(hosting.url, "GET", f"/campaigns/{number}").json()

    assert len(seen) == len(set(seen)) == 2
    assert report["passed"], json.dumps(report)
    assert real.basins == ()


def test_with_upstream_a_remote_clock_is_not_there(hosting: S2Mock) -> None:
    with RemoteS2Mock(hosting.url) as remote, pytest.raises((NotOnTarget, RuntimeError)) as caught:
        remote.advance(1)
    assert "the upstream has the time" in str(caught.value)


def test_the_fencing_token_is_not_told_over_http(hosting: S2Mock) -> None:
    with RemoteS2Mock(hosting.url, basins=SEEDS) as remote, pytest.raises(NotOnTarget):
        _ = remote.stream(BASIN, "log").fencing_token
