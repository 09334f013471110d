"""`prices`: the estimated costs of what an account has used."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2mock import ManualClock, S2Mock
from s2mock.registry.values.prices import PRICED_SETS
from tests.backends import Make
from tests.pace import EXAMPLES
from tests.powers.conftest import BASIN, EVENTS, RECORDS, SEEDS, Way

HOUR = 3600
T = ManualClock().now() // 10**9
Series = dict[str, list[tuple[int, float]]]


def costs(way: Way, end: int, interval: str = "hour") -> Series:
    """The estimated costs by their series: the hour, counted from the first, and US dollars."""
    path = f"/v1/metrics?set=estimated-billable-usage&start={T}&end={end}&interval={interval}"
    found: Series = {}
    for metric in way("GET", path).json["values"]:
        series = metric["accumulation"]
        assert (series["unit"], series["interval"]) == ("usd", interval)
        found[series["name"]] = [((at - T) // HOUR, value) for at, value in series["values"]]
    return found


def use(way: Way, mock: Any) -> None:
    """Use a bit of all, in two hours."""
    for n in range(3):
        # Each is in a minute of its own, which is one operation.
        assert way.append("x" * 92).status == 200
        mock.advance(60)
        assert way("GET", f"{RECORDS}?seq_num={n}&count=1").status == 200
    mock.advance(HOUR)
    assert way.append("x" * 92).status == 200
    mock.advance(HOUR)
    assert way("GET", "/v1/streams").status == 200


@pytest.mark.parametrize(
    ("name", "price", "expected"),
    [
        ("append-ops", 2, [(0, 6), (1, 2)]),
        ("append-ops/express", 2, [(0, 6), (1, 2)]),
        ("append-ops/standard", 2, []),
        ("append-throughput", 0.5, [(0, 150), (1, 50)]),
        ("read-ops/unary", 1, [(0, 3)]),
        ("read-ops", 1, [(0, 3)]),
        ("read-throughput", 0.25, [(0, 75)]),
        ("basin-ops/list_streams", 7, [(2, 7)]),
        # 100 bytes were stored at the beginning of the first hour, then 300, then 400.
        ("storage", 0.01, [(0, 1), (1, 3), (2, 4)]),
    ],
)
def test_a_price_of_each_set(
    make: Make, name: str, price: float, expected: list[tuple[int, float]]
) -> None:
    mock = make(clock="manual", prices={name: price}, basins=SEEDS)
    way = Way("http1", mock)
    use(way, mock)
    end = T + 2 * HOUR + 200
    assert costs(way, end) == {name: expected, "total": expected}
    total = sum(value for _, value in expected)
    assert costs(way, end, "day")["total"] == ([(0, total)] if expected else [])
    way.close()


def test_the_total_is_of_all_and_a_series_may_have_its_own_price(make: Make) -> None:
    prices = {"append-ops": 1, "read-ops": 100, "read-ops/unary": 10, "account-ops": 1000}
    mock = make(clock="manual", prices=prices, basins=SEEDS)
    way = Way("http1", mock)
    use(way, mock)
    for piece in way.pieces(f"{RECORDS}?seq_num=0&count=1", EVENTS):
        assert piece
    assert way("GET", "/v1/basins").status == 200
    found = costs(way, T + 2 * HOUR + 200)
    assert found["append-ops"] == [(0, 3), (1, 1)]
    assert found["read-ops"] == [(2, 100)]
    assert found["read-ops/unary"] == [(0, 30)]
    # Requests for metrics count, too, and this one was not there before.
    assert found["account-ops"] == [(2, 1000)]
    assert found["total"] == [(0, 33), (1, 1), (2, 1100)]
    way.close()


def test_basins_that_are_gone_have_cost_something() -> None:
    with S2Mock(clock="manual", prices={"append-ops": 1}, basins=SEEDS) as mock:
        way = Way("wsgi", mock)
        assert way.append("a").status == 200
        mock.basin(BASIN).delete()
        assert costs(way, T)["total"] == [(0, 1)]


@EXAMPLES
@given(
    st.dictionaries(st.sampled_from(PRICED_SETS), st.floats(0, 1000, allow_nan=False)),
    st.lists(st.integers(0, 2 * HOUR), max_size=8),
)
def test_the_total_is_the_sum_of_the_series(prices: dict[str, float], pauses: list[int]) -> None:
    with S2Mock(clock="manual", prices=prices, basins=SEEDS) as mock:
        way = Way("wsgi", mock)
        for pause in pauses:
            mock.advance(pause)
            way.append("a")
            way("GET", f"{RECORDS}?seq_num=0&count=1")
        found = costs(way, T + sum(pauses))
        total = dict(found.pop("total"))
        assert found.keys() == prices.keys()
        for hour in {hour for series in found.values() for hour, _ in series}:
            parts = [value for series in found.values() for at, value in series if at == hour]
            assert total[hour] == pytest.approx(sum(parts))


@pytest.mark.parametrize(
    ("given_prices", "error", "message"),
    [
        (5, TypeError, "prices must be a mapping of series to US dollars"),
        ({"append-op": 1}, ValueError, "prices have no 'append-op': did you mean 'append-ops'?"),
        ({"storage": -1}, ValueError, "the price of 'storage' must be from 0 to 1e+100, not -1"),
        ({"storage": float("nan")}, ValueError, "must be from 0"),
        ({"storage": 10**400}, ValueError, "must be from 0"),
        ({"storage": "1"}, TypeError, "the price of 'storage' must be a number, not str: '1'"),
    ],
)
def test_prices_that_make_no_sense_are_refused(
    given_prices: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as raised:
        S2Mock(prices=given_prices)
    assert message in str(raised.value)
