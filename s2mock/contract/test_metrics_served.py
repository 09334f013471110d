"""Metrics on a server that serves them (reference: account_services §2).

Times are those of a clock that the case can turn, or the case is skipped.
"""

from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from s2mock.contract.client import Client
from s2mock.contract.passing_time import PassingTime
from s2mock.contract.records import Stream, acks, append_input, frame
from s2mock.contract.unserved import skip_if_unserved
from s2mock.runtime.http_client import exchange, read

MINUTE, HOUR, DAY = 60, 3600, 86_400


@pytest.fixture
def history(timed: PassingTime) -> Callable[..., dict[str, Any]]:
    """Asks for a set of the basin, or of its stream `s`: the values of each series."""
    timed.needs(HOUR)
    skip_if_unserved(timed.s2.request("GET", "/v1/metrics?set=active-basins"))
    start = int(timed.now())
    assert timed.s2.request("PUT", "/v1/streams/s").status == 201

    def ask(name: str, where: str = "", interval: str = "") -> dict[str, Any]:
        query = f"set={name}&start={start}&end={int(timed.now())}"
        query += f"&interval={interval}" if interval else ""
        answer = timed.s2.request("GET", f"/v1/metrics{where}?{query}")
        assert answer.status == 200, answer
        found = {}
        for metric in answer.json["values"]:
            [(kind, series)] = metric.items()
            values = series["values"]
            if kind != "label":
                values = [[at - start, number] for at, number in values]
            found[series["name"]] = values
        return found

    return ask


@pytest.mark.parametrize(
    "path", ["/v1/metrics", "/v1/metrics/contract-none", "/v1/metrics/contract-none/s"]
)
def test_a_period(target: Client, path: str) -> None:
    """Both ends are needed, in their order, within 90 days; an old one is fine (§2)."""
    name = "account-ops" if path == "/v1/metrics" else "storage"
    answer = target.request("GET", f"{path}?set={name}")
    skip_if_unserved(answer)
    required = (422, "invalid", f"start and end params required for {name}")
    assert answer.error == required
    for query in ("&start=0", "&end=0"):
        assert target.request("GET", f"{path}?set={name}{query}").error == required
    for start, end, status in (
        (1, 0, 422),
        (0, 90 * DAY + 1, 422),
        (0, 90 * DAY, 200),
        (0, 0, 200),
        (2**32 - 1, 2**32 - 1, 422),
    ):
        answer = target.request("GET", f"{path}?set={name}&start={start}&end={end}")
        assert answer.status == status, answer


def test_the_leeway(timed: PassingTime) -> None:
    """The end may be 60 seconds to come, and no more (§2)."""
    timed.needs(HOUR)
    now = int(timed.now())
    for end, status in ((now + 60, 200), (now + 61, 422)):
        path = f"/v1/metrics?set=account-ops&start={now}&end={end}"
        answer = timed.s2.request("GET", path)
        skip_if_unserved(answer)
        assert answer.status == status


@pytest.mark.parametrize(
    ("path", "own", "others"),
    [
        ("/v1/metrics/contract-none", "hour", ("minute", "day")),
        ("/v1/metrics/contract-none/s", "minute", ("hour", "day")),
    ],
)
def test_the_interval_of_storage(
    target: Client, path: str, own: str, others: tuple[str, ...]
) -> None:
    """There is one (§2)."""
    query = "set=storage&start=0&end=60&interval="
    answer = target.request("GET", f"{path}?{query}{own}")
    skip_if_unserved(answer)
    assert answer.status == 200
    for other in others:
        assert target.request("GET", f"{path}?{query}{other}").error[:2] == (422, "invalid")


@pytest.mark.parametrize(
    "path",
    [
        *[
            f"/v1/metrics/contract-none?set={name}"
            for name in ("storage", "append-ops", "read-ops", "read-throughput", "basin-ops")
        ],
        "/v1/metrics/contract-none/s?set=storage",
    ],
)
def test_what_is_not_there_has_no_values(target: Client, path: str) -> None:
    """It is never a 404 (§2)."""
    answer = target.request("GET", f"{path}&start=0&end=60")
    skip_if_unserved(answer)
    assert (answer.status, answer.json) == (200, {"values": []})


def test_operations(timed: PassingTime, history: Callable[..., dict[str, Any]]) -> None:
    """Those that were carried out, by the minute, the hour and the day (§2)."""
    basin = f"/{timed.s2.basin}"
    timed.advance(HOUR)
    for _ in range(2):
        timed.s2.request("GET", "/v1/streams")
    timed.s2.request("GET", "/v1/streams/none")
    timed.s2.request("GET", "/v1/basins")
    assert history("account-ops")["list_basins"] == [[HOUR, 1.0]]
    assert history("account-ops", interval="day")["list_basins"] == [[0, 1.0]]
    found = history("basin-ops", basin, "minute")
    assert found["list_streams"] == [[HOUR, 2.0]]
    assert "get_stream_config" not in found
    # Those of metrics, too.
    assert history("basin-ops", basin)["basin_metrics"] == [[HOUR, 1.0]]


def test_appends(timed: PassingTime, history: Callable[..., dict[str, Any]]) -> None:
    """A minute of them over one connection is one; bytes are metered (§2)."""
    basin = f"/{timed.s2.basin}"
    with Stream(timed.s2, "s").append_session() as session:
        for _ in range(3):
            session.send(frame(append_input(b"a", b"b")))
        acks(session, 3)
        timed.advance(MINUTE)
        session.send(frame(append_input(b"a")))
        acks(session, 1)
    found = history("append-ops", basin)
    assert found == {"express": [[0, 1.0], [MINUTE, 1.0]], "standard": []}
    found = history("append-throughput", basin)
    assert found == {"express": [[0, 54.0], [MINUTE, 9.0]], "standard": []}


def test_appends_one_by_one(timed: PassingTime, history: Callable[..., dict[str, Any]]) -> None:
    """What counts is the connection, and not the request (§2)."""
    client = timed.s2
    headers = {"s2-basin": str(client.basin), "content-type": "application/json"}
    headers["authorization"] = f"Bearer {client.token}"
    for times in (3, 2):
        with closing(client.connect()) as connection:
            for _ in range(times):
                body = b'{"records":[{"body":"a"}]}'
                fields = {**headers, "content-length": str(len(body))}
                path = "/v1/streams/s/records"
                assert read(exchange(connection, "POST", path, fields, body)).status == 200
    assert history("append-ops", f"/{client.basin}")["express"] == [[0, 2.0]]


@pytest.mark.parametrize("name", ["append-ops", "append-throughput"])
def test_append_series_of_a_basin_without_appends(
    timed: PassingTime, history: Callable[..., dict[str, Any]], name: str
) -> None:
    """One of each storage class, with no values (§2)."""
    assert history(name, f"/{timed.s2.basin}") == {"express": [], "standard": []}


def test_billable_usage(target: Client) -> None:
    """A total in US dollars, by the hour or the day; a minute is refused with 422 (§2)."""
    path = "/v1/metrics?set=estimated-billable-usage&start=0&end=60"
    for query, interval in (("", "hour"), ("&interval=hour", "hour"), ("&interval=day", "day")):
        answer = target.request("GET", f"{path}{query}")
        skip_if_unserved(answer)
        assert answer.status == 200, answer
        series = [metric["accumulation"] for metric in answer.json["values"]]
        assert {(one["unit"], one["interval"]) for one in series} == {("usd", interval)}
        assert "total" in [one["name"] for one in series]
    assert target.request("GET", f"{path}&interval=minute").error[:2] == (422, "invalid")


def test_reads(timed: PassingTime, history: Callable[..., dict[str, Any]]) -> None:
    """One by one, and each started minute of a session (§2)."""
    basin, stream = f"/{timed.s2.basin}", Stream(timed.s2, "s")
    stream.append_ok("1", "22")
    stream.read_ok(seq_num=0)
    stream.read_ok(seq_num=1)
    with stream.sse(seq_num=0) as session:
        assert next(session.events()).name == "batch"
        timed.advance(MINUTE + 1)
        found = history("read-ops", basin)
    assert found == {"unary": [[0, 2.0]], "streaming": [[0, 1.0], [MINUTE, 1.0]]}
    assert history("read-throughput", basin) == {"read": [[0, 48.0]]}


def test_storage(timed: PassingTime, history: Callable[..., dict[str, Any]]) -> None:
    """What was stored at each instant, retention applied at its time (§2)."""
    basin, stream = f"/{timed.s2.basin}", Stream(timed.s2, "s")
    stream.reconfigure(retention_policy={"age": 2 * MINUTE})
    stream.append_ok("1")
    timed.advance(MINUTE)
    stream.append_ok("22")
    timed.advance(3 * MINUTE)
    sizes = (9.0, 19.0, 10.0, 0.0, 0.0)
    expected = [[number * MINUTE, size] for number, size in enumerate(sizes)]
    assert history("storage", f"{basin}/s") == {"metered_size": expected}
    stream.append_ok("333")
    expected[-1][1] = 11.0
    assert history("storage", f"{basin}/s") == {"metered_size": expected}
    timed.advance(HOUR - 4 * MINUTE)
    assert history("storage", basin) == {"metered_size": [[0, 9.0], [HOUR, 0.0]]}


def test_basins_with_streams(timed: PassingTime, history: Callable[..., dict[str, Any]]) -> None:
    """In the period, though they have none now (§2)."""
    assert history("active-basins") == {"active_basins": [timed.s2.basin]}
    assert timed.s2.request("DELETE", "/v1/streams/s").status == 202
    timed.advance(MINUTE)
    assert history("active-basins") == {"active_basins": [timed.s2.basin]}
    now = int(timed.now())
    path = f"/v1/metrics?set=active-basins&start={now}&end={now}"
    assert timed.s2.request("GET", path).json["values"][0]["label"]["values"] == []
