"""`python -m s2mock --data` and `lite --local-root`, over HTTP."""

from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from s2mock import S2Mock
from s2mock.data_directory.frames import HEADER, encode_json
from tests.data_directory.server import KeptServer, ServerEnded

pytestmark = pytest.mark.slow

HEADERS = {"s2-basin": "my-basin"}


def basins(client: httpx.Client) -> list[str]:
    return [basin["name"] for basin in client.get("/v1/basins").json()["basins"]]


def test_changes_over_the_control_api_are_kept(tmp_path: Path) -> None:
    with KeptServer(tmp_path, "--clock", "manual") as server:
        client = server.client
        client.put("/v1/basins/my-basin").raise_for_status()
        number = client.post("/_s2mock/snapshots").json()["number"]
        client.put("/_s2mock/v1/basins/direct-basin").raise_for_status()
        client.post("/_s2mock/clock/advance", json={"seconds": 100}).raise_for_status()
        now = client.get("/_s2mock/clock").json()
        other = client.post("/_s2mock/accounts", json={}).json()["token"]
        client.put(
            "/v1/basins/other-basin", headers={"authorization": f"Bearer {other}"}
        ).raise_for_status()
    with KeptServer(tmp_path, "--clock", "manual") as server:
        client = server.client
        # Those of other accounts are not.
        assert basins(client) == ["direct-basin", "my-basin"]
        assert client.get("/_s2mock/clock").json() == now
        assert client.post(f"/_s2mock/snapshots/{number}/restore").status_code == 404
        snapshot = client.post("/_s2mock/snapshots").json()["number"]
        client.post("/_s2mock/reset").raise_for_status()
    with KeptServer(tmp_path, "--clock", "manual") as server:
        assert basins(server.client) == []
        assert snapshot == 1


def test_a_restored_snapshot_is_kept(tmp_path: Path) -> None:
    with KeptServer(tmp_path) as server:
        client = server.client
        client.put("/v1/basins/my-basin").raise_for_status()
        number = client.post("/_s2mock/snapshots").json()["number"]
        client.delete("/v1/basins/my-basin").raise_for_status()
        client.post(f"/_s2mock/snapshots/{number}/restore").raise_for_status()
        client.put("/v1/streams/after", headers=HEADERS).raise_for_status()
    with KeptServer(tmp_path) as server:
        assert basins(server.client) == ["my-basin"]
        assert server.client.get("/v1/streams/after", headers=HEADERS).status_code == 200


def test_the_secret_of_an_issued_token_is_kept(tmp_path: Path) -> None:
    scope = {"basins": {"prefix": ""}, "ops": ["list-basins"]}
    with KeptServer(tmp_path, "--auth", "required") as server:
        own = {"authorization": "Bearer s2mock"}
        issued = server.client.post(
            "/v1/access-tokens", json={"id": "a", "scope": scope}, headers=own
        ).json()["access_token"]
    with KeptServer(tmp_path, "--auth", "required") as server:
        headers = {"authorization": f"Bearer {issued}"}
        assert server.client.get("/v1/basins", headers=headers).status_code == 200
        assert server.client.put("/v1/basins/my-basin", headers=headers).status_code == 403
        # Another one is another secret.
        second = server.client.post(
            "/v1/access-tokens", json={"id": "b", "scope": scope}, headers=own
        ).json()["access_token"]
        assert second != issued


def test_a_request_token_is_kept(tmp_path: Path) -> None:
    headers = {"s2-request-token": "again"}
    with KeptServer(tmp_path) as server:
        server.client.post(
            "/v1/basins", json={"basin": "my-basin"}, headers=headers
        ).raise_for_status()
    with KeptServer(tmp_path) as server:
        create = {"basin": "my-basin"}
        assert server.client.post("/v1/basins", json=create, headers=headers).is_success
        assert server.client.post("/v1/basins", json=create).status_code == 409


def test_streams_that_different_runs_have_made_keep_their_own_records(tmp_path: Path) -> None:
    """Each run numbers its basins and streams behind those of the earlier ones."""
    for run in range(3):
        with KeptServer(tmp_path) as server:
            server.client.put("/v1/basins/my-basin").raise_for_status()
            server.client.put(f"/v1/streams/s{run}", headers=HEADERS).raise_for_status()
            for earlier in range(run + 1):
                server.client.post(
                    f"/v1/streams/s{earlier}/records",
                    json={"records": [{"body": f"s{earlier} {run}"}]},
                    headers=HEADERS,
                ).raise_for_status()
    with KeptServer(tmp_path) as server:
        for stream in range(3):
            path = f"/v1/streams/s{stream}/records"
            read = server.client.get(path, params={"seq_num": 0}, headers=HEADERS).json()
            bodies = [record["body"] for record in read["records"]]
            assert bodies == [f"s{stream} {run}" for run in range(stream, 3)]


def test_the_file_of_a_start_is_applied_at_each_start(tmp_path: Path) -> None:
    file = tmp_path / "init.json"
    file.write_text('{"basins": [{"name": "my-basin", "streams": [{"name": "s"}]}]}')
    for number in range(2):
        with KeptServer(tmp_path / "data", "--init-file", str(file)) as server:
            path = "/v1/streams/s/records"
            answer = server.client.post(path, json={"records": [{}]}, headers=HEADERS)
            assert answer.json()["start"]["seq_num"] == number


def test_a_stop_leaves_the_directory_to_the_next(tmp_path: Path) -> None:
    with KeptServer(tmp_path) as server:
        server.client.put("/v1/basins/my-basin").raise_for_status()
        status, said = server.stop()
        assert (status, said) == (0, "")
        with KeptServer(tmp_path) as after:
            assert basins(after.client) == ["my-basin"]
            assert after.said == []


def test_a_second_server_does_not_start(tmp_path: Path) -> None:
    with KeptServer(tmp_path) as server:
        with pytest.raises(ServerEnded) as ended:
            KeptServer(tmp_path)
        assert ended.value.status == 1
        assert ended.value.said == (
            f"s2mock: cannot start: {tmp_path} is in use by another s2mock (process "
            f"{server.process.pid}): stop that one, or name another directory\n"
        )
        server.client.put("/v1/basins/my-basin").raise_for_status()


def test_a_directory_of_a_newer_version(tmp_path: Path) -> None:
    (tmp_path / "log-1").write_bytes(encode_json(HEADER, {"s2mock_data": 2}))
    with pytest.raises(ServerEnded) as ended:
        KeptServer(tmp_path)
    assert ended.value.status == 1
    assert "log-1 has format 2, and this s2mock reads up to 1" in ended.value.said


def test_a_torn_write_is_said_at_the_start(tmp_path: Path) -> None:
    with KeptServer(tmp_path) as server:
        server.client.put("/v1/basins/my-basin").raise_for_status()
    log = tmp_path / "log-1"
    log.write_bytes(log.read_bytes()[:-3])
    with KeptServer(tmp_path) as server:
        [said] = server.said
        assert said.startswith(f"s2mock: {tmp_path}: the last write was cut short")
        assert basins(server.client) == []


def test_a_snapshot_and_a_directory_that_is_not_empty(tmp_path: Path) -> None:
    with S2Mock(basins=["my-basin"]) as mock:
        mock.snapshot().save(tmp_path / "snapshot")
    arguments = ("--snapshot", str(tmp_path / "snapshot"))
    with KeptServer(tmp_path / "data", *arguments) as server:
        assert basins(server.client) == ["my-basin"]
    with pytest.raises(ServerEnded) as ended:
        KeptServer(tmp_path / "data", *arguments)
    assert "already holds an account, which a snapshot would replace: " in ended.value.said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--accounts-only",), "--data keeps the first account, which --accounts-only leaves out"),
        (("--sync", "sometimes"), "argument --sync: invalid choice: 'sometimes'"),
    ],
)
def test_arguments_that_contradict(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    with pytest.raises(ServerEnded) as ended:
        KeptServer(tmp_path, *arguments)
    assert ended.value.status == 2
    assert message in ended.value.said
    assert [*tmp_path.iterdir()] == []


def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ServerEnded) as ended:
        KeptServer(tmp_path / "file" / "below")
    assert "cannot start: " in ended.value.said
    assert "Not a directory" in ended.value.said


def test_a_restart_on_the_same_port(tmp_path: Path) -> None:
    with KeptServer(tmp_path) as server:
        server.client.put("/v1/basins/my-basin").raise_for_status()
        port = urlsplit(server.url).port
    assert port is not None
    with KeptServer(tmp_path, port=port) as server:
        assert server.port == port
        assert basins(server.client) == ["my-basin"]
