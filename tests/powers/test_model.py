"""After each fault the account is as the fault promises: compared with the models.

Every fault, at every operation, committed or not, among others that go well, and where S2 refuses
by itself.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from s2mock import Answer, Cut, Delay, Drain, Drop, Fail, Fault, Late, ManualClock, S2Mock
from s2mock.powers.faults import has_place
from s2mock.registry.values.codes import CODES
from tests.powers.conftest import FRAMES
from tests.powers.frames import append_frame
from tests.properties.model import Expected, Model, Thing
from tests.properties.stream_model import FENCE, TRIM, Given, Refused, StreamModel
from tests.properties.stream_model import Settings as StreamSettings

pytestmark = pytest.mark.slow

BASINS = ("first-basin", "other-basin")
STREAMS = ("a", "b/c")
# The clock stays at the beginning of 2024, where the models' time begins.
NOW = 1_704_067_200_000_000_000

codes = st.sampled_from(sorted(CODES))
lossy = st.sampled_from([code for code, known in CODES.items() if not known.promises_no_effect])
faults: st.SearchStrategy[Fault] = st.one_of(
    codes.map(Fail),
    lossy.map(lambda code: Fail(code, committed=True)),
    st.builds(Drop, committed=st.booleans(), connection=st.booleans()),
    st.just(Drop(refused=True)),
    st.builds(Cut, bytes=st.integers(0, 200)),
    st.builds(Delay, st.just(0), committed=st.booleans()),
    st.builds(Answer, st.sampled_from([200, 404, 502, 503]), st.binary(max_size=10)),
    st.just(Drain()),
)
# Given apart: these are not for each operation.
lates: st.SearchStrategy[Late] = st.one_of(
    st.builds(Late, reads=st.integers(1, 2), code=st.none() | lossy),
    st.builds(Late, st.sampled_from([0, 0.5, 1, 2, 3]), code=st.none() | lossy),
)
# One that is late by nothing is there when the session has ended.
lates_in_sessions = lates.filter(lambda late: late.seconds != 0)
CONFIGS: tuple[dict[str, Any], ...] = (
    {},
    {"storage_class": "x"},
    {"retention_policy": {"age": 60}},
)
BASIN_CONFIGS: tuple[dict[str, Any], ...] = ({}, {"default_stream_config": {"storage_class": "y"}})


@dataclass(frozen=True)
class Step:
    """One request, and what the models make of it."""

    operation: str
    method: str
    path: str
    document: Any
    headers: dict[str, str]
    expect: Callable[["Account"], Expected | None]
    # The basin and the stream that it is about, where it is about a stream.
    place: tuple[str, str]

    def __repr__(self) -> str:
        basin = self.headers.get("s2-basin", "")
        return f"{self.operation} {self.method} {self.path} {basin} {self.document}"


@dataclass
class LateStep:
    """A step that takes effect later: at a time of the model, or after a number of reads."""

    step: Step
    injected: Any
    due: float | None
    reads: int
    # None where the models do not say.
    refused: bool | None = None


class Account:
    """Both models together: the control plane, and the log of each stream."""

    def __init__(self) -> None:
        self.control = Model(0)
        # What takes effect later, in its order of arrival.
        self.late: list[LateStep] = []
        # By the stream itself: another one of its name has another log.
        self.logs: dict[int, tuple[Thing, StreamModel]] = {}

    def log(self, basin: str, stream: str) -> StreamModel | None:
        thing = self.control.find(basin, stream)
        if thing is None:
            return None
        return self.logs.setdefault(id(thing), (thing, StreamModel(StreamSettings())))[1]

    def append(
        self, basin: str, stream: str, batch: list[Given], match: int | None = None
    ) -> Expected | None:
        log = self.log(basin, stream)
        if log is None:
            return None
        try:
            log.append(batch, NOW, match_seq_num=match)
        except Refused as refused:
            return Expected(refused.status, refused.body)
        return None

    def postpone(self, step: Step, fault: Late, injected: Any) -> LateStep:
        due = None if fault.seconds is None else self.control.now + fault.seconds
        late = LateStep(step, injected, due, fault.reads or 0)
        self.late.append(late)
        return late

    def advance(self, seconds: float) -> list[LateStep]:
        """Return what has taken effect by then, each at its own time."""
        until = self.control.now + seconds
        due = [late for late in self.late if late.due is not None and late.due <= until]
        for late in sorted(due, key=lambda late: late.due or 0):
            self.control.now = max(self.control.now, late.due or 0)
            self.land(late)
        self.control.now = until
        return due

    def count_read(self, step: Step) -> list[LateStep]:
        """Return what has taken effect since this read was answered."""
        due = []
        for late in [*self.late]:
            if late.reads and late.step.place == step.place:
                late.reads -= 1
                if not late.reads:
                    self.land(late)
                    due.append(late)
        return due

    def land(self, late: LateStep) -> None:
        self.late.remove(late)
        is_append = late.step.path.endswith("/records")
        is_missing = is_append and self.log(*late.step.place) is None
        expected = late.step.expect(self)
        if expected is not None:
            late.refused = expected.status >= 400
        elif is_append:
            late.refused = is_missing
        self.control.drop_what_is_over()

    def bodies(self, basin: str, stream: str) -> list[str]:
        log = self.log(basin, stream)
        return [] if log is None else [record.body.decode() for record in log.surviving(NOW)]


@st.composite
def steps(draw: st.DrawFn, only: tuple[str, ...] = ()) -> Step:
    """One request of all there are, or of these to one stream."""
    basin = BASINS[0] if only else draw(st.sampled_from(BASINS))
    stream = STREAMS[0] if only else draw(st.sampled_from(STREAMS))
    headers = {"s2-basin": basin}
    config, basin_config = draw(st.sampled_from(CONFIGS)), draw(st.sampled_from(BASIN_CONFIGS))
    token = draw(st.sampled_from([None, "t"]))
    if token is not None:
        headers["s2-request-token"] = token
    of_basin, of_stream = f"/v1/basins/{basin}", f"/v1/streams/{stream.replace('/', '%2F')}"
    bodies = draw(st.lists(st.sampled_from(["x", "y"]), min_size=1, max_size=3))
    match = draw(st.sampled_from([None, None, 0, 1]))
    # Where to trim: within a short log, or behind its end.
    first = draw(st.sampled_from([0, 1, 3])).to_bytes(8, "big")
    batch: dict[str, Any] = {"records": [{"body": body} for body in bodies]}
    if match is not None:
        batch["match_seq_num"] = match
    possible: dict[str, tuple[str, str, Any, Callable[[Account], Expected | None]]] = {
        "list-basins": ("GET", "/v1/basins", None, lambda m: m.control.list_basins({})),
        "create-basin": (
            "POST",
            "/v1/basins",
            {"basin": basin, "config": basin_config},
            lambda m: m.control.create_basin(basin, basin_config, token),
        ),
        "ensure-basin": (
            "PUT",
            of_basin,
            {"config": basin_config},
            lambda m: m.control.ensure_basin(basin, basin_config),
        ),
        "get-basin-config": ("GET", of_basin, None, lambda m: m.control.get_basin(basin)),
        "reconfigure-basin": (
            "PATCH",
            of_basin,
            basin_config,
            lambda m: m.control.patch_basin(basin, basin_config),
        ),
        "delete-basin": ("DELETE", of_basin, None, lambda m: m.control.delete_basin(basin)),
        "list-streams": ("GET", "/v1/streams", None, lambda m: m.control.list_streams(basin, {})),
        "create-stream": (
            "POST",
            "/v1/streams",
            {"stream": stream, "config": config},
            lambda m: m.control.create_stream(basin, stream, config, token),
        ),
        "ensure-stream": (
            "PUT",
            of_stream,
            config,
            lambda m: m.control.ensure_stream(basin, stream, config),
        ),
        "get-stream-config": (
            "GET",
            of_stream,
            None,
            lambda m: m.control.get_stream(basin, stream),
        ),
        "reconfigure-stream": (
            "PATCH",
            of_stream,
            config,
            lambda m: m.control.patch_stream(basin, stream, config),
        ),
        "delete-stream": (
            "DELETE",
            of_stream,
            None,
            lambda m: m.control.delete_stream(basin, stream),
        ),
        "append": (
            "POST",
            f"{of_stream}/records",
            batch,
            lambda m: m.append(basin, stream, [Given(body.encode()) for body in bodies], match),
        ),
        "fence": (
            "POST",
            f"{of_stream}/records",
            {"records": [{"headers": [["", "fence"]], "body": bodies[0]}]},
            lambda m: m.append(basin, stream, [Given(bodies[0].encode(), FENCE)]),
        ),
        "trim": (
            "POST",
            f"{of_stream}/records",
            {"records": [{"headers": [["", "trim"]], "body": first.decode()}]},
            lambda m: m.append(basin, stream, [Given(first, TRIM)]),
        ),
        "read": ("GET", f"{of_stream}/records?seq_num=0", None, lambda _: None),
        "check-tail": ("GET", f"{of_stream}/records/tail", None, lambda _: None),
        "list-locations": ("GET", "/v1/locations", None, lambda _: None),
        "account-metrics": ("GET", "/v1/metrics?set=active-basins", None, lambda _: None),
        "list-access-tokens": ("GET", "/v1/access-tokens", None, lambda _: None),
        "issue-access-token": (
            "POST",
            "/v1/access-tokens",
            {"id": "t", "scope": {}},
            lambda _: None,
        ),
        "revoke-access-token": ("DELETE", "/v1/access-tokens/t", None, lambda _: None),
        "basin-metrics": ("GET", f"/v1/metrics/{basin}?set=storage", None, lambda _: None),
        "stream-metrics": (
            "GET",
            f"/v1/metrics/{basin}/{stream.replace('/', '%2F')}?set=storage",
            None,
            lambda _: None,
        ),
        "get-default-location": ("GET", "/v1/locations/default", None, lambda _: None),
        "set-default-location": (
            "PUT",
            "/v1/locations/default",
            "aws:us-east-1",
            lambda _: None,
        ),
    }
    # Half of all are such as make a basin or a stream, without which the rest has little to do.
    name = draw(
        st.one_of(
            st.sampled_from(only or sorted(possible)),
            st.sampled_from(only or ["ensure-basin", "ensure-stream", "append", "append"]),
        )
    )
    method, path, document, expect = possible[name]
    return Step(name, method, path, document, headers, expect, (basin, stream))


def takes_effect(fault: Fault | None) -> bool:
    """What the table of faults says."""
    if fault is None or isinstance(fault, Delay | Cut):
        return True
    return bool(getattr(fault, "committed", False))


def send(mock: S2Mock, step: Step) -> Any:
    """The answer; None where there is none, or no whole one."""
    document = {} if step.document is None else {"json": step.document}
    overrides = {"REQUEST_URI": step.path}
    path = step.path.partition("?")[0]
    query = step.path.partition("?")[2]
    try:
        answer = mock.client.open(
            path,
            method=step.method,
            headers=step.headers,
            query_string=query,
            environ_overrides=overrides,
            **document,
        )
        return answer.status_code, answer.data
    except ConnectionResetError:
        return None


def state(mock: S2Mock) -> Any:
    """All that the account holds, by direct access."""
    return {
        name: (
            mock.basin(name).config,
            {
                stream: (
                    mock.basin(name).stream(stream).config,
                    [record.body.decode() for record in mock.basin(name).stream(stream).records],
                )
                for stream in mock.basin(name).streams
            },
        )
        for name in mock.basins
    }


def expected_state(account: Account) -> Any:
    """The same of the models, in their words."""
    basins = account.control.basins
    return {
        name: {stream: account.bodies(name, stream) for stream in basins[name].streams}
        for name in sorted(basins)
    }


def shown_state(mock: S2Mock) -> Any:
    return {
        name: {stream: records for stream, (_, records) in streams.items()}
        for name, (_, streams) in state(mock).items()
    }


def same_documents(mock: S2Mock, account: Account) -> None:
    """The configurations, as the API tells them."""
    for basin in account.control.basins:
        answer = mock.client.get(f"/v1/basins/{basin}")
        assert answer.json == account.control.get_basin(basin).document
        for stream in account.control.basins[basin].streams:
            path = f"/v1/streams/{stream.replace('/', '%2F')}"
            answer = mock.client.get(
                path, headers={"s2-basin": basin}, environ_overrides={"REQUEST_URI": path}
            )
            assert answer.json == account.control.get_stream(basin, stream).document


def answers(fault: Fault | None) -> bool:
    """Whether a read or a tail check gets the answer of S2, which is what a `Late` counts."""
    return fault is None or isinstance(fault, Delay)


seconds = st.sampled_from([0, 0, 0, 0.5, 1, 2])


Planned = list[tuple[Step, Fault | None, float]]


@given(st.lists(st.tuples(steps(), st.none() | faults | lates, seconds), max_size=12))
@settings(max_examples=200)
def test_the_account_is_what_committed_says(plan: Planned) -> None:
    check_plan(plan)


ON_A_STREAM = (
    *("append", "append", "append", "check-tail", "read", "fence", "trim"),
    *("delete-stream", "create-stream", "ensure-stream"),
)


@given(st.lists(st.tuples(steps(ON_A_STREAM), st.none() | lates, seconds), max_size=12))
@settings(max_examples=200)
def test_what_is_late_takes_effect_when_the_model_says(plan: Planned) -> None:
    create = ("ensure-basin", "PUT", f"/v1/basins/{BASINS[0]}", {"config": {}}, {})
    stream = ("ensure-stream", "PUT", "/v1/streams/a", {}, {"s2-basin": BASINS[0]})
    place = (BASINS[0], "a")
    first = Step(*create, lambda m: m.control.ensure_basin(BASINS[0], {}), place)
    second = Step(*stream, lambda m: m.control.ensure_stream(*place, {}), place)
    check_plan([(first, None, 0), (second, None, 0), *plan])


def check_plan(plan: Planned) -> None:
    """Carry out a plan, and compare the account with the models after each step."""
    account = Account()
    account.control.now = 0.0
    with S2Mock(clock=ManualClock()) as mock:
        for step, fault, passed in plan:
            mock.advance(passed)
            check_late(account.advance(passed))
            assert shown_state(mock) == expected_state(account)
            if fault is not None and not has_place(fault, step.operation):
                continue
            injected = None if fault is None else mock.inject(fault, on=step.operation)
            before = state(mock)
            answer = send(mock, step)
            refused, landed = None, []
            if isinstance(fault, Late):
                account.postpone(step, fault, injected)
                # One that is late by nothing is there at the next look.
                landed = account.advance(0)
            elif takes_effect(fault):
                refused = step.expect(account)
                account.control.drop_what_is_over()
            elif fault is not None and step.operation not in ("read", "check-tail"):
                assert state(mock) == before
            if step.operation in ("read", "check-tail") and answers(fault):
                landed = account.count_read(step)
            assert shown_state(mock) == expected_state(account)
            check_late(landed)
            if refused is not None and refused.status >= 400:
                event("refused by itself")
                assert state(mock) == before
            if fault is None and refused is not None and answer is not None:
                status, body = answer
                assert status == refused.status
                if refused.document is not None:
                    assert json.loads(body) == refused.document
            if injected is not None:
                event(f"{type(fault).__name__} on {step.operation}")
                assert injected.hits == 1
                [exchange] = injected.exchanges
                if not landed and state(mock) != before:
                    assert exchange.effect.committed
                elif not landed and not takes_effect(fault):
                    assert not exchange.effect.committed
        same_documents(mock, account)
        # The rest is dropped with the test.
        assert len(mock._powers.injector.take_remarks()) == len(account.late)


def check_late(landed: list[LateStep]) -> None:
    """The exchange of what was late says what the model says of it."""
    for late in landed:
        event(f"{late.step.operation} landed late")
        [exchange] = late.injected.exchanges
        assert isinstance(exchange.fault, Late)
        if late.refused:
            event("refused when it was due")
            assert not exchange.effect.committed
            assert "S2 refused it" in str(exchange.reason)
        elif late.refused is not None:
            assert "applied late" in str(exchange.reason)
        if late.step.operation == "append":
            assert exchange.effect.committed is not late.refused


@given(
    st.lists(
        st.tuples(st.sampled_from(["x", "y", "z"]), st.none() | faults | lates_in_sessions),
        max_size=6,
    ),
    st.none() | faults,
)
@settings(max_examples=200)
def test_a_session_has_appended_what_committed_says(
    batches: list[tuple[str, Fault | None]], opening: Fault | None
) -> None:
    """What comes behind a fault that ends the session is not there."""
    seeds = [{"name": BASINS[0], "streams": [{"name": "a"}]}]
    with S2Mock(basins=seeds, clock="manual") as mock:
        if opening is not None:
            mock.inject(opening, on="append-session")
        listed = [fault for _, fault in batches]
        if any(listed):
            mock.inject(listed, on="append", required=False)
        headers = {"s2-basin": BASINS[0], **FRAMES}
        content = b"".join(append_frame(body) for body, _ in batches)
        try:
            mock.client.post("/v1/streams/a/records", data=content, headers=headers).get_data()
        except ConnectionResetError:
            event("broken off")
        found = [r.body.decode() for r in mock.basin(BASINS[0]).stream("a").records]
        wanted = appended(batches) if goes_on(opening) else []
        if any(isinstance(fault, Late) for _, fault in batches) and not isinstance(opening, Cut):
            # One at most: it ends the session.
            late = late_batch(batches) if goes_on(opening) else []
            mock.advance(3)
            for _ in range(2):
                mock.client.get("/v1/streams/a/records/tail", headers={"s2-basin": BASINS[0]})
            log = mock.basin(BASINS[0]).stream("a")
            assert [r.body.decode() for r in log.records] == found + late
        if isinstance(opening, Cut):
            # Broken off by what was said, which may be before the last batch was read.
            assert found == wanted[: len(found)]
        else:
            assert found == wanted


def goes_on(fault: Fault | None) -> bool:
    """Whether a session goes on behind one that its opening has met."""
    return fault is None or isinstance(fault, Delay | Drain | Cut)


def appended(batches: list[tuple[str, Fault | None]]) -> list[str]:
    """What a session has appended; each fault is for one batch, in order."""
    waiting = [fault for _, fault in batches]
    found = []
    for body, _ in batches:
        fault = waiting[0]
        if isinstance(fault, Answer) or fault == Drop(refused=True):
            # There is no such answer to a batch: it passes, and the fault waits for another.
            found.append(body)
            continue
        del waiting[0]
        if takes_effect(fault) or isinstance(fault, Drain):
            found.append(body)
        if not (fault is None or isinstance(fault, Delay | Drain)):
            break
    return found


def late_batch(batches: list[tuple[str, Fault | None]]) -> list[str]:
    """What a session has appended late: the batch that has ended it, if that is such a one."""
    waiting = [fault for _, fault in batches]
    for body, _ in batches:
        fault = waiting[0]
        if isinstance(fault, Answer) or fault == Drop(refused=True):
            continue
        del waiting[0]
        if isinstance(fault, Late):
            event("a batch landed late")
            return [body]
        if not (fault is None or isinstance(fault, Delay | Drain)):
            break
    return []


def test_the_strategies_meet_every_code() -> None:
    assert {known.promises_no_effect for known in CODES.values()} == {True, False}
    with pytest.raises(ValueError, match="promises"):
        Fail("rate_limited", committed=True)
