"""SIGKILL at a random moment under load: all that was acknowledged is there, and nothing else.

`make test` kills a few times; `make kills` kills 200 times: `S2MOCK_TESTS_KILLS` in the environment
is the number.
"""

import os
import random
from pathlib import Path

import pytest
import trustme

from tests.certificates import trusting
from tests.data_directory.load import Appender, Lost, run, set_up, writers
from tests.data_directory.server import KeptServer

KILLS = int(os.environ.get("S2MOCK_TESTS_KILLS", "4"))
# Few enough to begin a log several times in each run.
LONG = 300

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60 + 30 * KILLS)]


@pytest.mark.parametrize("sync", ["batch", "never", "always"])
def test_all_that_was_acknowledged_survives_a_kill(tmp_path: Path, sync: str) -> None:
    those, chance = writers(seed=0), random.Random(sync)
    with KeptServer(tmp_path / "data", "--sync", sync, long=LONG) as server:
        set_up(server.client, those)
    # The greater part in the usual mode.
    kills = KILLS if sync == "batch" else max(1, KILLS // 8)
    for _ in range(kills):
        with KeptServer(tmp_path / "data", "--sync", sync, long=LONG) as server:
            for writer in those:
                writer.check(server.client)
            run(those, server.url, chance.randrange(1, 400), server.process.kill)
    with KeptServer(tmp_path / "data", "--sync", sync, long=LONG) as server:
        for writer in those:
            writer.check(server.client)


@pytest.mark.parametrize("sync", ["batch", "always"])
def test_all_that_was_acknowledged_over_tls_survives_a_kill(tmp_path: Path, sync: str) -> None:
    authority = trustme.CA()
    files = {name: tmp_path / f"{name}.pem" for name in ("ca", "cert", "key")}
    issued = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(files["ca"])
    files["cert"].write_bytes(b"".join(one.bytes() for one in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(files["key"])
    tls = trusting(str(files["ca"]))
    arguments = ["--sync", sync, "--tls-cert", str(files["cert"]), "--tls-key", str(files["key"])]

    those, chance = writers(seed=1, tls=tls), random.Random(sync)

    def serve() -> KeptServer:
        return KeptServer(tmp_path / "data", *arguments, long=LONG, tls=tls)

    with serve() as server:
        assert server.url.startswith("https://")
        set_up(server.client, those)
    for _ in range(max(2, KILLS // 8) if sync == "batch" else 1):
        with serve() as server:
            for writer in those:
                writer.check(server.client)
            run(those, server.url, chance.randrange(1, 400), server.process.kill)
    with serve() as server:
        for writer in those:
            writer.check(server.client)


def last_of(directory: Path, kind: str) -> Path:
    return max(directory.glob(f"{kind}-*"), key=lambda path: int(path.name.partition("-")[2]))


def test_the_check_notices_the_loss_of_the_last_acknowledged_record(tmp_path: Path) -> None:
    appender = writers(seed=0)[0]
    assert isinstance(appender, Appender)
    with KeptServer(tmp_path / "data") as server:
        set_up(server.client, [appender])
        run([appender], server.url, 20, server.process.kill)
    with KeptServer(tmp_path / "data") as server:
        appender.check(server.client)
    log = last_of(tmp_path / "data", "log")
    with log.open("r+b") as file:
        file.truncate(log.stat().st_size - 1)
    with (
        KeptServer(tmp_path / "data") as server,
        pytest.raises(Lost, match="acknowledged and lost"),
    ):
        appender.check(server.client)


def test_the_check_notices_a_record_that_was_not_sent(tmp_path: Path) -> None:
    appender = writers(seed=0)[0]
    assert isinstance(appender, Appender)
    with KeptServer(tmp_path / "data") as server:
        set_up(server.client, [appender])
        run([appender], server.url, 20, server.process.kill)
    with KeptServer(tmp_path / "data") as server:
        server.client.post(
            f"/v1/streams/{appender.name}/records",
            json={"records": [{"body": "by-request 99999 x"}]},
            headers={"s2-basin": "kill-basin"},
        ).raise_for_status()
        with pytest.raises(Lost, match="never sent"):
            appender.check(server.client)
