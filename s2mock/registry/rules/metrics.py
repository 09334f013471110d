"""Metrics of the account, of a basin and of a stream, computed on request.

Source: reference: account_services §2.
"""

from collections.abc import Iterable, Iterator
from typing import Final, Literal, NamedTuple

from s2mock.registry.operation import Context, Operation
from s2mock.registry.state import Change
from s2mock.registry.usage.series import KEPT, Series
from s2mock.registry.values.errors import InvalidMetrics
from s2mock.registry.values.names import BasinName, StreamName
from s2mock.runtime.clock import NANOSECONDS, Moment

Interval = Literal["minute", "hour", "day"]
SECONDS: Final[dict[str, int]] = {"minute": 60, "hour": 3600, "day": 86_400}
_LEEWAY_SECONDS: Final = 60
_MAX_SPAN_SECONDS: Final = KEPT * 60


class Accumulation(NamedTuple):
    """A sum for each interval; intervals without any value are left out."""

    name: str
    unit: str
    interval: str
    values: list[tuple[int, float]]


class Gauge(NamedTuple):
    """A value at the beginning of each interval."""

    name: str
    unit: str
    values: list[tuple[int, float]]


class Label(NamedTuple):
    """A list of names, such as those of active basins."""

    name: str
    values: list[str]


Metric = Accumulation | Gauge | Label


class Period(NamedTuple):
    """A period, in seconds since the epoch, both ends included, and its intervals."""

    start: int
    end: int
    interval: str

    @property
    def steps(self) -> range:
        """The beginnings of the intervals that it overlaps, in seconds."""
        step = SECONDS[self.interval]
        return range(self.start // step * step, self.end + 1, step)


_BY_MINUTE: Final = ("minute", "hour", "day")
_BY_HOUR: Final = ("hour", "minute", "day")
# The sets, by their resource: the intervals that each has, the default first. A set without any
# ignores an interval.
SETS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "account": {
        "active-basins": (),
        "account-ops": _BY_HOUR,
        "estimated-billable-usage": ("hour", "day"),
    },
    "basin": {
        "storage": ("hour",),
        "append-ops": _BY_MINUTE,
        "read-ops": _BY_MINUTE,
        "read-throughput": _BY_MINUTE,
        "append-throughput": _BY_MINUTE,
        "basin-ops": _BY_HOUR,
    },
    "stream": {"storage": ("minute",)},
}
# The storage classes for metric_set a basin always has a series.
_STORAGE_CLASSES: Final = ("express", "standard")


class _Metrics(Operation):
    """A set of metrics. Returns a list of `Metric`. Raises `InvalidMetrics`."""

    __slots__ = ("end", "interval", "metric_set", "start")
    prepares = "usage"
    level: str

    def __init__(
        self,
        metric_set: str,
        start: int | None,
        end: int | None,
        interval: str | None,
        basin: str | None = None,
        stream: str | None = None,
    ) -> None:
        super().__init__(basin, stream)
        self.metric_set = metric_set
        self.start = start
        self.end = end
        self.interval = interval

    def check(self, moment: Moment) -> None:
        """Check the period. Raises `InvalidMetrics`."""
        self._period(moment)

    def decide(self, context: Context, moment: Moment) -> Change:
        """Return the metrics, up to this moment."""
        return Change(self._metrics(context, moment, self._period(moment)))

    def _period(self, moment: Moment) -> Period:
        start, end, interval = self.start, self.end, self.interval
        intervals = SETS[self.level][self.metric_set]
        if start is None or end is None:
            raise InvalidMetrics(f"start and end params required for {self.metric_set}")
        if start > end:
            raise InvalidMetrics("start must not be after end")
        if end - start > _MAX_SPAN_SECONDS:
            raise InvalidMetrics("start and end must not be more than 90 days apart")
        if intervals and interval not in (None, *intervals):
            raise InvalidMetrics(f"interval must be {' or '.join(intervals)} for {self.metric_set}")
        if end > moment.now // NANOSECONDS + _LEEWAY_SECONDS:
            raise InvalidMetrics("end must not be more than 60 seconds in the future")
        return Period(start, end, (interval or intervals[0]) if intervals else "minute")

    def _metrics(self, context: Context, moment: Moment, period: Period) -> list[Metric]:
        raise NotImplementedError


class AccountMetrics(_Metrics):
    """Metrics of the account: active basins, operations, billable usage."""

    __slots__ = ()
    name = "account-metrics"
    level = "account"

    def _metrics(self, context: Context, moment: Moment, period: Period) -> list[Metric]:
        if self.metric_set == "account-ops":
            series = context.usage.series("account-ops", None)
            return _accumulated(series, "operations", period)
        if self.metric_set == "estimated-billable-usage":
            return _billed(context, moment, period)
        return [Label("active_basins", _active(context, period))]


class BasinMetrics(_Metrics):
    """Metrics of a basin, metric_set need not exist."""

    __slots__ = ()
    name = "basin-metrics"
    level = "basin"

    def __init__(
        self,
        metric_set: str,
        start: int | None,
        end: int | None,
        interval: str | None,
        *,
        basin: str,
    ) -> None:
        super().__init__(metric_set, start, end, interval, BasinName(basin))

    def _metrics(self, context: Context, moment: Moment, period: Period) -> list[Metric]:
        usage, basin = context.usage, str(self.basin)
        if self.metric_set == "storage":
            names = usage.stored.names(context.state, basin)
            is_known = bool(names) or context.state.basins.get(basin) is not None
            return [_stored(context, basin, names, moment, period)] if is_known else []
        series = usage.series(self.metric_set, basin)
        is_known = bool(series) or context.state.basins.get(basin) is not None
        if self.metric_set == "read-ops" and is_known:
            series = {
                "unary": series.get("unary") or Series(),
                "streaming": usage.with_streaming(basin, moment.now),
            }
            return [_accumulation(name, series[name], "operations", period) for name in series]
        if self.metric_set == "read-throughput" and is_known:
            return [_accumulation("read", series.get("read") or Series(), "bytes", period)]
        unit = "bytes" if self.metric_set == "append-throughput" else "operations"
        always = _STORAGE_CLASSES if self.metric_set.startswith("append-") and is_known else ()
        return _accumulated(series, unit, period, always)


class StreamMetrics(_Metrics):
    """Metrics of a stream, metric_set need not exist."""

    __slots__ = ()
    name = "stream-metrics"
    level = "stream"

    def __init__(
        self,
        metric_set: str,
        start: int | None,
        end: int | None,
        interval: str | None,
        *,
        basin: str,
        stream: str,
    ) -> None:
        super().__init__(metric_set, start, end, interval, BasinName(basin), StreamName(stream))

    def _metrics(self, context: Context, moment: Moment, period: Period) -> list[Metric]:
        basin, stream = str(self.basin), str(self.stream)
        parent = context.state.basins.get(basin)
        is_there = parent is not None and parent.streams.get(stream) is not None
        if not is_there and not context.usage.stored.has(basin, stream):
            return []
        return [_stored(context, basin, {stream}, moment, period)]


def _accumulated(
    series: dict[str, Series], unit: str, period: Period, always: tuple[str, ...] = ()
) -> list[Metric]:
    """Return an accumulation for each series with values in the period, and each of `always`."""
    names = sorted({*series, *always})
    found = [_accumulation(name, series.get(name) or Series(), unit, period) for name in names]
    return [metric for metric in found if metric.values or metric.name in always]


def _accumulation(name: str, series: Series, unit: str, period: Period) -> Accumulation:
    steps, step = period.steps, SECONDS[period.interval]
    values: dict[int, float] = {}
    for minute, value in series.between(steps[0] // 60, (steps[-1] + step) // 60):
        at = minute * 60 // step * step
        values[at] = values.get(at, 0.0) + value
    return Accumulation(name, unit, period.interval, list(values.items()))


def _stored(
    context: Context, basin: str, names: Iterable[str], moment: Moment, period: Period
) -> Gauge:
    steps = period.steps
    totals = dict.fromkeys(steps, 0.0)
    end = steps[-1] // 60 + 1
    for name in names:
        course = context.usage.stored.course(context.state, basin, name, end, moment)
        for at in steps:
            totals[at] += course.at(at // 60)
    return Gauge("metered_size", "bytes", list(totals.items()))


def _active(context: Context, period: Period) -> list[str]:
    usage = context.usage
    start, end = period.start * NANOSECONDS, (period.end + 1) * NANOSECONDS - 1
    names = {name for name in usage.once_active if usage.was_active(name, start, end)}
    for basin in context.state.basins.values():
        if len(basin.streams) and usage.active_since(basin.name) <= end:
            names.add(basin.name)
    return sorted(names)


def _billed(context: Context, moment: Moment, period: Period) -> list[Metric]:
    """Return the costs of each price, and of all together; those have no values without prices."""
    prices = context.settings.prices
    total: dict[int, float] = {}
    found: list[Metric] = []
    for name in sorted(prices):
        costs: dict[int, float] = {}
        for at, units in _units(context, moment, period, name):
            costs[at] = costs.get(at, 0.0) + units * prices[name]
        for at, cost in costs.items():
            total[at] = total.get(at, 0.0) + cost
        found.append(Accumulation(name, "usd", period.interval, sorted(costs.items())))
    return [*found, Accumulation("total", "usd", period.interval, sorted(total.items()))]


def _units(
    context: Context, moment: Moment, period: Period, price: str
) -> Iterator[tuple[int, float]]:
    """Yield the units that a price is for, each with the beginning of its interval."""
    usage, step = context.usage, SECONDS[period.interval]
    metric_set, _, wanted = price.partition("/")
    basins: Iterable[str | None] = (None,)
    if metric_set != "account-ops":
        basins = sorted(usage.basins(context.state))
    if metric_set == "storage":
        # What is stored at the beginning of an hour is stored for that hour.
        hours = period._replace(start=period.steps[0], interval="hour")
        for place in map(str, basins):
            names = usage.stored.names(context.state, place)
            gauge = _stored(context, place, names, moment, hours)
            yield from ((at // step * step, size) for at, size in gauge.values if size)
        return
    # A series with a price of its own has that, and not the one of its set.
    beginning = f"{metric_set}/"
    own = {
        name.removeprefix(beginning)
        for name in context.settings.prices
        if name.startswith(beginning)
    }
    for basin in basins:
        series = usage.series(metric_set, basin)
        if metric_set == "read-ops" and basin is not None:
            series["streaming"] = usage.with_streaming(basin, moment.now)
        for name, one in series.items():
            if name == wanted or (not wanted and name not in own):
                yield from _accumulation(name, one, "", period).values
