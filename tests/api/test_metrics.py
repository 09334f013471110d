"""`/v1/metrics`: computed when asked, from the account's own history and clock.

Source: reference: account_services §2. A whole day is in tests/properties/test_metrics.py.
"""

import gc
from typing import Any

import pytest

from s2mock import ManualClock, S2Mock
from s2mock.contract.client import Client
from s2mock.contract.records import Stream as Remote
from s2mock.contract.records import acks, append_input, frame
from s2mock.registry.usage.series import Series
from tests.calls import Api, Reply, over_wsgi
from tests.conftest import BASIN

# 2024-01-01T00:00:00Z, the first time of the clock.
T = 1_704_067_200
MINUTE, HOUR, DAY = 60, 3600, 86_400


def asked(api: Api, where: str, name: str, start: int, end: int, interval: str = "") -> Reply:
    more = f"&interval={interval}" if interval else ""
    return api.call("GET", f"/v1/metrics{where}?set={name}&start={start}&end={end}{more}")


def values(api: Api, where: str, name: str, *period: Any) -> dict[str, Any]:
    """The series of a set by their names, or the names of a label."""
    reply = asked(api, where, name, *period)
    assert reply.status == 200, reply
    found = {}
    for metric in reply.json["values"]:
        [(_, series)] = metric.items()
        found[series["name"]] = series["values"]
    return found


def series_there() -> int:
    return sum(type(thing) is Series for thing in gc.get_objects())


def append(api: Api, stream: str, *bodies: str) -> None:
    document = {"records": [{"body": body} for body in bodies]}
    assert api.call("POST", f"/v1/streams/{stream}/records", document).status == 200


SETS = [
    ("", "active-basins"),
    ("", "account-ops"),
    ("", "estimated-billable-usage"),
    *[
        (f"/{BASIN}", name)
        for name in (
            "storage",
            "append-ops",
            "append-throughput",
            "read-ops",
            "read-throughput",
            "basin-ops",
        )
    ],
    (f"/{BASIN}/s", "storage"),
]


class TestAsking:
    @pytest.mark.parametrize(("where", "name"), SETS)
    def test_a_period_that_makes_no_sense(self, s2: Api, where: str, name: str) -> None:
        required = f"start and end params required for {name}"
        for query in ("", f"&start={T}", f"&end={T}"):
            reply = s2.call("GET", f"/v1/metrics{where}?set={name}{query}")
            assert reply.error == (422, "invalid", required)
        for start, end, text in (
            (T, T - 1, "start must not be after end"),
            (T - 90 * DAY - 1, T, "start and end must not be more than 90 days apart"),
            (T, T + 61, "end must not be more than 60 seconds in the future"),
        ):
            assert asked(s2, where, name, start, end).error == (422, "invalid", text)
        for start, end in ((T, T), (T - 90 * DAY, T), (T, T + 60), (0, 0), (0, HOUR)):
            assert asked(s2, where, name, start, end).status == 200

    def test_an_interval_that_storage_does_not_have(self, s2: Api) -> None:
        text = "interval must be hour for storage"
        for interval in ("minute", "day"):
            reply = asked(s2, f"/{BASIN}", "storage", T, T, interval)
            assert reply.error == (422, "invalid", text)
        assert asked(s2, f"/{BASIN}", "storage", T, T, "hour").status == 200
        text = "interval must be minute for storage"
        for interval in ("hour", "day"):
            reply = asked(s2, f"/{BASIN}/s", "storage", T, T, interval)
            assert reply.error == (422, "invalid", text)
        assert asked(s2, f"/{BASIN}/s", "storage", T, T, "minute").status == 200

    def test_minute_interval_of_billable_usage_is_refused(self, api: Api) -> None:
        text = "interval must be hour or day for estimated-billable-usage"
        reply = asked(api, "", "estimated-billable-usage", T, T, "minute")
        assert reply.error == (422, "invalid", text)


class TestDocuments:
    def test_an_accumulation(self, s2: Api, clock: ManualClock) -> None:
        s2.create_stream("s")
        clock.advance(125)
        s2.create_stream("t")
        reply = asked(s2, f"/{BASIN}", "basin-ops", T, T + 125, "minute")
        assert reply.body == (
            b'{"values":[{"accumulation":{"name":"create_stream","unit":"operations",'
            b'"interval":"minute","values":[[%d,1.0],[%d,1.0]]}}]}' % (T, T + 120)
        )

    def test_a_gauge(self, s2: Api, clock: ManualClock) -> None:
        s2.create_stream("s")
        append(s2, "s", "12345")
        clock.advance(60)
        assert asked(s2, f"/{BASIN}/s", "storage", T - 60, T + 59).body == (
            b'{"values":[{"gauge":{"name":"metered_size","unit":"bytes",'
            b'"values":[[%d,0.0],[%d,13.0]]}}]}' % (T - 60, T)
        )

    @pytest.mark.parametrize(
        ("query", "interval"), [("", "hour"), ("hour", "hour"), ("day", "day")]
    )
    def test_billable_usage_is_a_total_without_values(
        self, s2: Api, query: str, interval: str
    ) -> None:
        assert asked(s2, "", "estimated-billable-usage", T, T, query).body == (
            b'{"values":[{"accumulation":{"name":"total","unit":"usd",'
            b'"interval":"%s","values":[]}}]}' % interval.encode()
        )

    def test_a_label(self, s2: Api) -> None:
        s2.create_stream("s")
        assert asked(s2, "", "active-basins", T, T).body == (
            b'{"values":[{"label":{"name":"active_basins","values":["my-basin"]}}]}'
        )


class TestCounting:
    def test_operations_on_the_account_and_on_a_basin(self, s2: Api) -> None:
        s2.call("GET", "/v1/basins")
        s2.call("GET", f"/v1/basins/{BASIN}")
        s2.call("PUT", "/v1/basins/other-basin", {})
        s2.call("PUT", "/v1/basins/other-basin", {})
        s2.call("PATCH", f"/v1/basins/{BASIN}", {})
        s2.call("DELETE", "/v1/basins/other-basin")
        s2.call("GET", "/v1/access-tokens")
        s2.call("GET", "/v1/locations/default")
        s2.create_stream("s")
        s2.call("PUT", "/v1/streams/s", {})
        s2.call("GET", "/v1/streams/s")
        s2.call("GET", "/v1/streams/s/records/tail")
        s2.call("DELETE", "/v1/streams/s")
        # Refused, so it has not occurred.
        s2.call("GET", "/v1/streams/s")
        s2.call("POST", "/v1/basins", {"basin": BASIN})
        assert values(s2, "", "account-ops", T, T) == {
            "create_basin": [[T, 2.0]],
            "delete_basin": [[T, 1.0]],
            "get_basin_config": [[T, 1.0]],
            "get_default_location": [[T, 1.0]],
            "list_access_tokens": [[T, 1.0]],
            "list_basins": [[T, 1.0]],
            "reconfigure_basin": [[T, 2.0]],
        }
        assert values(s2, "", "account-ops", T, T)["account_metrics"] == [[T, 1.0]]
        assert values(s2, f"/{BASIN}", "basin-ops", T, T) == {
            "check_tail": [[T, 1.0]],
            "create_stream": [[T, 1.0]],
            "delete_stream": [[T, 1.0]],
            "get_stream_config": [[T, 1.0]],
            "reconfigure_stream": [[T, 1.0]],
        }

    def test_a_test_by_itself_is_not_counted(self, mock: S2Mock, api: Api) -> None:
        stream = mock.create_basin(BASIN).create_stream("s")
        stream.append(["12345"])
        assert stream.records
        assert values(api, f"/{BASIN}", "basin-ops", T, T) == {}
        assert values(api, f"/{BASIN}", "append-ops", T, T) == {"express": [], "standard": []}
        assert values(api, "", "account-ops", T, T) == {}
        # What it has stored is stored.
        assert values(api, f"/{BASIN}/s", "storage", T, T) == {"metered_size": [[T, 13.0]]}

    def test_a_minute_of_appends_is_one(self, s2: Api, clock: ManualClock) -> None:
        s2.create_stream("s")
        s2.create_stream("slow", {"storage_class": "standard"})
        for _ in range(3):
            append(s2, "s", "1", "2")
        append(s2, "slow", "12")
        clock.advance(60)
        append(s2, "s", "1")
        end = T + 60
        assert values(s2, f"/{BASIN}", "append-ops", T, end + 1) == {
            "express": [[T, 1.0], [end, 1.0]],
            "standard": [[T, 1.0]],
        }
        assert values(s2, f"/{BASIN}", "append-throughput", T, end + 1) == {
            "express": [[T, 54.0], [end, 9.0]],
            "standard": [[T, 10.0]],
        }
        assert values(s2, f"/{BASIN}", "append-ops", T, end, "hour")["express"] == [[T, 2.0]]

    @pytest.mark.parametrize("name", ["append-ops", "append-throughput"])
    def test_append_series_of_a_basin_are_those_of_both_classes(self, s2: Api, name: str) -> None:
        both = {"express": [], "standard": []}
        assert values(s2, f"/{BASIN}", name, T, T) == both
        s2.create_stream("s")
        append(s2, "s", "1")
        found = values(s2, f"/{BASIN}", name, T, T)
        assert (list(found), found["standard"]) == (["express", "standard"], [])
        assert len(found["express"]) == 1
        # There is nothing in an earlier period, and both are there.
        assert values(s2, f"/{BASIN}", name, T - HOUR, T - MINUTE) == both

    def test_append_series_of_another_storage_class_is_there_once_it_was_met(self, s2: Api) -> None:
        s2.create_stream("cold", {"storage_class": "glacier"})
        append(s2, "cold", "1")
        for name, number in (("append-ops", 1.0), ("append-throughput", 9.0)):
            assert values(s2, f"/{BASIN}", name, T, T) == {
                "express": [],
                "glacier": [[T, number]],
                "standard": [],
            }
            # As of an operation that did not occur, there is none of it in another period.
            assert list(values(s2, f"/{BASIN}", name, 0, HOUR)) == ["express", "standard"]

    def test_over_another_connection_it_is_another(self, mock: S2Mock, s2: Api) -> None:
        s2.create_stream("s")
        for _ in range(2):
            # A connection of its own, each.
            assert Remote(Client(mock.url, basin=BASIN), "s").append("a").status == 200
        with Remote(Client(mock.url, basin=BASIN), "s").append_session() as session:
            for _ in range(3):
                session.send(frame(append_input(b"a")))
                acks(session, 1)
        assert values(s2, f"/{BASIN}", "append-ops", T, T)["express"] == [[T, 3.0]]
        assert values(s2, f"/{BASIN}", "append-throughput", T, T)["express"] == [[T, 45.0]]

    def test_appends_after_metrics_were_read_in_the_same_minute_are_counted(self, s2: Api) -> None:
        s2.create_stream("s")
        for total in (13.0, 26.0, 39.0):
            append(s2, "s", "12345")
            found = values(s2, f"/{BASIN}", "append-throughput", T, T)
            assert found["express"] == [[T, total]]

    def test_reads(self, s2: Api, clock: ManualClock) -> None:
        s2.create_stream("s")
        append(s2, "s", "1", "22")
        for query in ("seq_num=0", "seq_num=1", "seq_num=0&count=1"):
            assert s2.call("GET", f"/v1/streams/s/records?{query}").status == 200
        assert s2.call("GET", "/v1/streams/s/records?seq_num=9").status == 416
        headers = {"accept": "text/event-stream"}
        target = "/v1/streams/s/records?seq_num=0&count=2"
        assert s2.call("GET", target, headers=headers).status == 200
        clock.advance(90)
        assert s2.call("GET", target, headers=headers).status == 200
        period = (T, T + 90)
        assert values(s2, f"/{BASIN}", "read-ops", *period) == {
            "streaming": [[T, 1.0], [T + 60, 1.0]],
            "unary": [[T, 3.0]],
        }
        both = 9.0 + 10.0
        assert values(s2, f"/{BASIN}", "read-throughput", *period) == {
            "read": [[T, 2 * both + 19.0], [T + 60, both]]
        }

    def test_each_started_minute_of_a_streaming_read(
        self, mock: S2Mock, s2: Api, clock: ManualClock
    ) -> None:
        s2.create_stream("s")
        stream = mock.basin(BASIN).stream("s")

        def streaming() -> Any:
            end = clock.now() // 1_000_000_000
            return values(s2, f"/{BASIN}", "read-ops", T, end + 1)["streaming"]

        clock.advance(30)
        with Remote(Client(mock.url, basin=BASIN), "s").sse(tail_offset=0) as session:
            assert next(session.events()).name == "ping"
            stream.wait_for_readers()
            assert streaming() == [[T, 1.0]]
            clock.advance(60)
            assert streaming() == [[T, 1.0]]
            clock.advance(0.001)
            stream.wait_for_readers()
            assert streaming() == [[T, 1.0], [T + 60, 1.0]]
            clock.advance(120)
            assert streaming() == [[T + at, 1.0] for at in (0, 60, 120, 180)]
            # It ends with its stream, and nothing is added from then on.
            s2.call("DELETE", "/v1/streams/s")
            assert [event.name for event in session.events()][-1] == "error"
        clock.advance(600)
        assert streaming() == [[T + at, 1.0] for at in (0, 60, 120, 180)]


class TestStorage:
    def stored(self, api: Api, start: int, end: int) -> list[float]:
        [[*found]] = values(api, f"/{BASIN}/s", "storage", start, end - 1).values()
        assert [at for at, _ in found] == list(range(start, end, MINUTE))
        return [size for _, size in found]

    def test_a_trim_and_a_deletion(self, s2: Api, mock: S2Mock, clock: ManualClock) -> None:
        s2.create_stream("s")
        append(s2, "s", "1", "22", "333")
        clock.advance(60)
        trim = {"headers": [["", "dHJpbQ=="]], "body": "AAAAAAAAAAI="}
        headers = {"s2-format": "base64"}
        s2.call("POST", "/v1/streams/s/records", {"records": [trim]}, headers=headers)
        left = sum(record.metered_bytes for record in mock.basin(BASIN).stream("s").records)
        clock.advance(60)
        s2.call("DELETE", "/v1/streams/s")
        clock.advance(60)
        s2.create_stream("s")
        append(s2, "s", "4444")
        clock.advance(60)
        assert self.stored(s2, T, T + 240) == [30.0, left, 0.0, 12.0]
        # A basin that is gone was there.
        s2.call("DELETE", f"/v1/basins/{BASIN}")
        clock.advance(60)
        assert self.stored(s2, T, T + 300) == [30.0, left, 0.0, 12.0, 0.0]

    def test_of_a_basin(self, s2: Api, clock: ManualClock) -> None:
        for name in ("s", "t"):
            s2.create_stream(name)
        append(s2, "s", "1")
        clock.advance(HOUR)
        append(s2, "t", "22")
        clock.advance(HOUR - 1)
        assert values(s2, f"/{BASIN}", "storage", T - HOUR, T + 2 * HOUR - 1) == {
            "metered_size": [[T - HOUR, 0.0], [T, 9.0], [T + HOUR, 19.0]]
        }

    def test_of_a_snapshot(self, s2: Api, mock: S2Mock, clock: ManualClock) -> None:
        s2.create_stream("s", {"retention_policy": {"age": 120}})
        append(s2, "s", "1")
        before = mock.snapshot()
        clock.advance(600)
        mock.restore(before)
        start = T + 600
        assert self.stored(s2, start, start + 60) == [9.0]
        clock.advance(180)
        assert self.stored(s2, start, start + 240) == [9.0, 9.0, 0.0, 0.0]
        # What was done before is of another history.
        both = {"express": [], "standard": []}
        assert values(s2, f"/{BASIN}", "append-ops", T, start) == both


class TestActiveBasins:
    def test_those_that_had_a_stream(self, api: Api, clock: ManualClock) -> None:
        for name in ("basin-aa", "basin-bb", "basin-cc"):
            api.create_basin(name)
        clock.advance(HOUR)
        api.within("basin-aa").create_stream("s")
        api.within("basin-bb").create_stream("s")
        clock.advance(HOUR)
        api.within("basin-aa").call("DELETE", "/v1/streams/s")
        clock.advance(HOUR)
        api.call("DELETE", "/v1/basins/basin-bb")
        clock.advance(HOUR)

        def active(start: int, end: int) -> list[str]:
            found: list[str] = values(api, "", "active-basins", T + start, T + end)["active_basins"]
            return found

        assert active(0, HOUR - 1) == []
        assert active(0, HOUR) == ["basin-aa", "basin-bb"]
        assert active(2 * HOUR + 1, 3 * HOUR) == ["basin-bb"]
        assert active(3 * HOUR + 1, 4 * HOUR) == []
        api.within("basin-cc").create_stream("s")
        assert active(4 * HOUR, 4 * HOUR) == ["basin-cc"]


def test_names_that_metrics_are_asked_for_no_longer_are_forgotten() -> None:
    clock = ManualClock(T)
    with S2Mock(clock=clock, journal_limit=0) as mock:
        api = Api(over_wsgi(mock.wsgi_app))

        def come_and_go(first: int) -> None:
            for number in range(first, first + 50):
                basin = f"basin-{number:06}"
                headers = {"s2-basin": basin}
                api.call("POST", "/v1/basins", {"basin": basin})
                api.call("POST", "/v1/streams", {"stream": "s"}, headers=headers)
                records = {"records": [{"body": "a"}]}
                api.call("POST", "/v1/streams/s/records", records, headers=headers)
                api.call("DELETE", "/v1/streams/s", headers=headers)
                api.call("DELETE", f"/v1/basins/{basin}")
            clock.advance(91 * DAY)

        gc.collect()
        others = series_there()
        kept = []
        for number in range(4):
            come_and_go(50 * number)
            gc.collect()
            kept.append(series_there() - others)
        # Something is known of the last each time, and nothing of those long before them.
        assert kept[0] > 50
        assert kept[1:] == [kept[1]] * 3
        last = T + 3 * 91 * DAY
        assert len(values(api, "", "active-basins", last, last)["active_basins"]) == 50


def test_a_restart_of_the_account_begins_anew(mock: S2Mock, s2: Api) -> None:
    s2.create_stream("s")
    append(s2, "s", "1")
    mock.reset()
    api = Api(over_wsgi(mock.wsgi_app))
    assert values(api, "", "active-basins", T, T) == {"active_basins": []}
    assert values(api, f"/{BASIN}", "storage", T, T) == {}
    assert set(values(api, "", "account-ops", T, T)) == {"account_metrics"}
