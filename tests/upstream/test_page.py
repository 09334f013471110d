"""The page in front of an upstream shows what that has: its basins, streams and records."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from s2mock import AppendRecord, Drop, RemoteS2Mock, S2Mock
from s2mock.control.views import upstream_view
from s2mock.control.views.page import accounts_of
from tests.powers.conftest import BASIN, SEEDS, Way


@pytest.fixture
def mock(real: S2Mock) -> Iterator[S2Mock]:
    options: dict[str, Any] = {"basins": SEEDS, "control": True, "token": "s2mock"}
    with S2Mock(upstream=real.url, basin_prefix="ci-", **options) as mock:
        yield mock


def ask(mock: Any, path: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {mock.token}"}
    return httpx.get(f"{mock.url}/_s2mock/{path}", headers=headers, trust_env=False)


def listed(mock: Any, query: str = "") -> dict[tuple[str, str], int]:
    """The tail of each stream on the page, by basin and name."""
    streams = ask(mock, f"streams{query}").json()["streams"]
    return {(one["basin"], one["name"]): one["tail"]["seq_num"] for one in streams}


def records(mock: Any, query: str = "") -> Any:
    """The present lifetime of the stream `log` on the page."""
    answer = ask(mock, f"streams/records?basin={BASIN}&stream=log{query}").json()
    return answer["lives"][-1]


def test_basins_streams_and_tails_are_those_of_the_upstream(real: S2Mock, mock: S2Mock) -> None:
    real.create_basin("others-basin").create_stream("not-of-the-prefix")
    real.stream(f"ci-{BASIN}", "log").append(["past the mock"])
    shown = ask(mock, "streams").json()

    assert [(basin["name"], basin["streams"]) for basin in shown["basins"]] == [(BASIN, 2)]
    assert listed(mock) == {(BASIN, "log"): 1, (BASIN, "orders/eu"): 0}
    assert listed(mock, "?contains=eu") == {(BASIN, "orders/eu"): 0}
    assert shown["count"] == 2
    # It is asked past the journal.
    assert len(mock.journal) == 0


def test_records_that_were_appended_through_the_mock_or_past_it(real: S2Mock, mock: S2Mock) -> None:
    log = real.stream(f"ci-{BASIN}", "log")
    log.append(["a", AppendRecord("b", [("name", "value")])])
    with closing(Way("http1", mock)) as way:
        mock.inject(Drop(committed=True), on="append")
        with pytest.raises(ConnectionError):
            way.append("c")
        way.append("d")
    number = mock.journal[-1].number
    life = records(mock)

    assert [record["body"] for record in life["records"]] == ["a", "b", "c", "d"]
    assert [record["by"] for record in life["records"]] == [None, None, number - 1, number]
    assert [record["gone"] for record in life["records"]] == [None] * 4
    assert (life["is_there"], life["tail"]) == (True, 4)
    assert [record["body"] for record in records(mock, "&count=2")["records"]] == ["c", "d"]
    earlier = records(mock, "&count=2&before=3")["records"]
    assert [record["body"] for record in earlier] == ["b", "c"]


def test_records_that_were_trimmed(real: S2Mock, mock: S2Mock) -> None:
    with closing(Way("http1", mock)) as way:
        way.append("a", "b", "c")
    real.stream(f"ci-{BASIN}", "log").trim(2)
    life = records(mock)

    shown = [(record["body"], record["gone"]) for record in life["records"]]
    assert shown[:3] == [("a", "trimmed"), ("b", "trimmed"), ("c", None)]
    assert life["records"][3]["command"] == "trim"
    assert life["trim_point"] == 2


def test_more_records_than_one_read_returns(real: S2Mock, mock: S2Mock) -> None:
    log = real.stream(f"ci-{BASIN}", "log")
    for _ in range(3):
        log.append([str(number) for number in range(900)])

    assert len(records(mock, "&count=2500")["records"]) == 2500


def test_a_stream_that_is_not_there_is_no_error(mock: S2Mock) -> None:
    answer = ask(mock, f"streams/records?basin={BASIN}&stream=missing")
    assert (answer.status_code, answer.json()["lives"]) == (200, [])


def test_tails_are_asked_for_by_and_by(
    real: S2Mock, mock: S2Mock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An account of the hosted service may have thousands of streams."""
    monkeypatch.setattr(upstream_view, "_ASKED_TAILS", 1)
    for name in ("log", "orders/eu"):
        real.stream(f"ci-{BASIN}", name).append(["a"])

    assert listed(mock) == {(BASIN, "log"): 1, (BASIN, "orders/eu"): 0}
    assert listed(mock) == {(BASIN, "log"): 1, (BASIN, "orders/eu"): 1}


def test_an_account_over_http_shows_its_own_basins(real: S2Mock, mock: S2Mock) -> None:
    with RemoteS2Mock(mock.url, basins=SEEDS) as remote:
        remote.stream(BASIN, "log").append(["a"])
        assert listed(remote) == {(BASIN, "log"): 1, (BASIN, "orders/eu"): 0}
    assert len(real.basins) == 1


def test_the_report_has_the_streams_too(mock: S2Mock) -> None:
    mock.stream(BASIN, "log").append(["a"])
    [account] = accounts_of(ask(mock, "report").content)

    assert [stream["name"] for stream in account["streams"]["streams"]] == ["log", "orders/eu"]
