"""A server that is killed and started again on its port, under a following reader of each SDK."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.data_directory.server import KeptServer
from tests.ports import unused_port
from tests.sdk.typescript_install import install

FOLDER = Path(__file__).parent
HEADERS = {"s2-basin": "my-basin"}
# The seconds of the SDK's timeout, and its attempts, of which it makes one each 0.1 seconds.
ARGUMENTS = ("read", "60", "1000")

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow, pytest.mark.long]


@pytest.fixture(params=["python", "typescript", "go"])
def command(request: pytest.FixtureRequest, tmp_path: Path) -> Sequence[str]:
    """The command that reads ten records from the beginning, by an SDK."""
    if request.param == "python":
        return sys.executable, str(FOLDER / "scenario.py")
    if request.param == "typescript":
        if shutil.which("node") is None or shutil.which("npm") is None:
            pytest.skip("node and npm are not on the PATH: the TypeScript SDK cannot be run")
        install()
        return "node", str(FOLDER / "typescript" / "scenario.mjs")
    if shutil.which("go") is None:
        pytest.skip("go is not on the PATH: the Go SDK cannot be run")
    program = tmp_path / "scenario"
    subprocess.run(["go", "build", "-o", program, "./scenario"], cwd=FOLDER / "go", check=True)
    return (str(program),)


def append(server: KeptServer, numbers: range) -> None:
    for number in numbers:
        server.client.post(
            "/v1/streams/logs/records",
            json={"records": [{"body": f"record-{number}"}]},
            headers=HEADERS,
        ).raise_for_status()


def wait_for_reader(server: KeptServer) -> None:
    query = {"basin": "my-basin", "stream": "logs", "count": "1", "wait": "60"}
    server.client.get("/_s2mock/readers", params=query, timeout=90).raise_for_status()


def test_a_following_reader_resumes_without_gap_or_duplicate(
    command: Sequence[str], tmp_path: Path
) -> None:
    port, directory = unused_port(), tmp_path / "data"
    with KeptServer(directory, port=port) as server:
        server.client.put("/v1/basins/my-basin").raise_for_status()
        server.client.put("/v1/streams/logs", headers=HEADERS).raise_for_status()
        append(server, range(2))
        env = os.environ | {
            "S2_ACCESS_TOKEN": "s2mock",
            "S2_ACCOUNT_ENDPOINT": server.url,
            "S2_BASIN_ENDPOINT": server.url,
        }
        reader = subprocess.Popen(
            [*command, *ARGUMENTS], env=env, stdout=subprocess.PIPE, text=True
        )
        try:
            wait_for_reader(server)
            append(server, range(2, 4))
            server.kill()
            with KeptServer(directory, port=port) as again:
                wait_for_reader(again)
                append(again, range(4, 7))
            with KeptServer(directory, port=port) as again:
                wait_for_reader(again)
                append(again, range(7, 10))
                # The last records may still be on their way.
                said, _ = reader.communicate(timeout=120)
        finally:
            reader.kill()
            reader.communicate()
    result = json.loads(said.splitlines()[-1])
    assert result == {"error": "", "bodies": [f"record-{number}" for number in range(10)]}
