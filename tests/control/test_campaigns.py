"""Campaigns over HTTP: their attempts, their reports, and requests that come in a wrong order."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from typing import Any

import httpx
import pytest

from s2mock import S2Mock
from s2mock.control import hosted_account, hosted_accounts, hosted_campaign
from s2mock.control.settings import ControlSettings
from tests.control.conftest import BASIN, PATIENCE, Control
from tests.control.test_idle_accounts import HOUR, RealTime

OPTIONS = {"basins": [{"name": BASIN, "streams": ["log", "other"]}]}
ORDERS = {"kind": "orders", "actors": ["a", "b"], "options": OPTIONS}
SWEEP = {
    "kind": "sweep",
    "on": "append",
    "faults": [{"Fail": {"code": "unavailable", "committed": True}}, {"Drop": {}}],
    "options": OPTIONS,
}
CRASH = {"kind": "crash", "on": "append", "options": OPTIONS}


class Client:
    """A client of S2 with the token of an attempt, an actor or a worker."""

    def __init__(self, control: Control, token: str) -> None:
        # It is closed with that one.
        self._control = control.as_(token)
        self.http = self._control.http
        self.http.headers["s2-basin"] = BASIN

    def append(self, body: str, stream: str = "log", **more: Any) -> httpx.Response:
        document = {"records": [{"body": body}], **more}
        return self.http.post(f"/v1/streams/{stream}/records", json=document)

    def tail(self, stream: str = "log") -> int:
        answer = self.http.get(f"/v1/streams/{stream}/records/tail")
        return int(answer.json()["tail"]["seq_num"])

    def bodies(self, stream: str = "log") -> list[str]:
        """Return what is in a stream, by a direct call."""
        return self._control.read(stream)


class Attempt:
    """An open attempt of a campaign."""

    def __init__(self, control: Control, document: dict[str, Any]) -> None:
        self.document = document
        self._control = control
        self.path = f"/campaigns/{document['campaign']}/attempts/{document['number']}"
        self.tokens = {actor["name"]: actor["token"] for actor in document["actors"]}

    def client(self, name: str | None = None) -> Client:
        token = self.document["token"] if name is None else self.tokens[name]
        return Client(self._control, token)

    def actors(self, **functions: Callable[[Client], object]) -> None:
        """Run the actors, each in a thread."""

        def run(name: str) -> None:
            with closing((client := self.client(name)).http):
                try:
                    functions[name](client)
                finally:
                    assert self.post(f"/actors/{name}/end").status_code == 200

        with ThreadPoolExecutor() as pool:
            for done in [pool.submit(run, name) for name in functions]:
                done.result()

    def run(self, work: Callable[[Client], object]) -> None:
        """Run the worker until it ends, or its point is reached."""
        with ThreadPoolExecutor() as pool, closing((client := self.client("worker")).http):

            def run() -> None:
                try:
                    work(client)
                finally:
                    now = self._control("GET", self.path).json()
                    if not now["reached"]:
                        assert self.post("/actors/worker/end").status_code == 200

            working = pool.submit(run)
            if self._control("GET", f"{self.path}?wait=30").json()["reached"]:
                assert self.post("/crashed").status_code == 200
                with suppress(httpx.HTTPError):
                    working.result()
            else:
                working.result()

    def post(self, path: str, *document: Any) -> httpx.Response:
        return self._control("POST", f"{self.path}{path}", *document)

    def end(self, outcome: str = "passed", message: str | None = None) -> dict[str, Any]:
        document = {"outcome": outcome} | ({} if message is None else {"message": message})
        answer = self.post("/end", document)
        assert answer.status_code == 200, answer.text
        ended: dict[str, Any] = answer.json()
        return ended


def begin(control: Control, plan: dict[str, Any]) -> int:
    answer = control("POST", "/campaigns", plan)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["number"])


def next_attempt(control: Control, number: int) -> Attempt | None:
    answer = control("POST", f"/campaigns/{number}/attempts")
    return Attempt(control, answer.json()) if answer.status_code == 201 else None


def first_attempt(control: Control, plan: dict[str, Any]) -> Attempt:
    attempt = next_attempt(control, begin(control, plan))
    assert attempt is not None
    return attempt


def explore(
    control: Control, plan: dict[str, Any], scenario: Callable[[Attempt], object]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Run a campaign; return its attempts as they have ended, and its report."""
    number, ended = begin(control, plan), []
    while (attempt := next_attempt(control, number)) is not None:
        try:
            scenario(attempt)
        except AssertionError as error:
            ended.append(attempt.end("failed", str(error)))
        else:
            ended.append(attempt.end())
    return ended, control("GET", f"/campaigns/{number}").json()


def place(client: Client) -> None:
    """A buggy actor: it looks whether the record is there, and appends without a condition."""
    if client.tail() == 0:
        client.append("mine")


def place_guarded(client: Client) -> None:
    """The repaired twin of `place`."""
    if client.tail() == 0:
        client.append("mine", match_seq_num=0)


def race(place: Callable[[Client], object]) -> Callable[[Attempt], None]:
    def scenario(attempt: Attempt) -> None:
        attempt.actors(a=place, b=place)
        found = attempt.client().bodies()
        assert len(found) == 1, f"{len(found)} records"

    return scenario


class TestOrders:
    @pytest.mark.parametrize(
        ("appends", "orders"),
        [
            ({"a": ["log"], "b": ["log"]}, ["a1 b1", "b1 a1"]),
            (
                {"a": ["log"] * 2, "b": ["log"] * 2},
                [
                    "a1 a2 b1 b2",
                    "a1 b1 a2 b2",
                    "a1 b1 b2 a2",
                    "b1 a1 a2 b2",
                    "b1 a1 b2 a2",
                    "b1 b2 a1 a2",
                ],
            ),
            ({"a": ["log"], "b": ["other"]}, ["a1 b1"]),
        ],
    )
    def test_number_of_orders_is_that_of_the_appends_that_do_not_commute(
        self, control: Control, appends: dict[str, list[str]], orders: list[str]
    ) -> None:
        def actor(name: str) -> Callable[[Client], object]:
            return lambda client: [client.append(name, stream) for stream in appends[name]]

        def scenario(attempt: Attempt) -> None:
            attempt.actors(a=actor("a"), b=actor("b"))

        ended, report = explore(control, ORDERS, scenario)
        assert sorted(one["title"] for one in ended) == orders
        assert (report["passed"], report["attempts"]) == (True, len(orders))
        text = control("GET", "/campaigns/1", headers={"accept": "text/plain"}).text
        plural = "" if len(orders) == 1 else "s"
        assert text == f"orders: {len(orders)} attempt{plural} passed\n"

    def test_race_is_found_and_its_twin_passes(self, control: Control) -> None:
        _, report = explore(control, ORDERS, race(place))
        assert report["complaint"] == (
            "orders: 2 of 4 orders fail; the shortest: "
            "a check-tail, b check-tail, b append, a append"
        )
        [failure] = report["failures"]
        assert (failure["attempt"], failure["message"], failure["count"]) == (3, "2 records", 2)
        assert failure["replay"] == {**ORDERS, "replay": "a1 b1 b2 a2"}
        assert explore(control, ORDERS, race(place_guarded))[1]["passed"]

    def test_replay_runs_one_order_alone(self, control: Control) -> None:
        replay = explore(control, ORDERS, race(place))[1]["failures"][0]["replay"]
        ended, report = explore(control, replay, race(place))
        assert [one["title"] for one in ended] == ["a1 b1 b2 a2"]
        assert report["complaint"] == "orders: the attempt failed"
        assert report["failures"][0]["replay"] == replay

    @pytest.mark.parametrize("required", [True, False])
    def test_replay_of_operations_that_do_not_arrive_any_more(
        self, control: Control, required: bool
    ) -> None:
        replay = {**ORDERS, "replay": "a1 b1 b2 a2", "required": required}

        def scenario(attempt: Attempt) -> None:
            attempt.actors(a=lambda client: client.append("a"), b=lambda client: client.append("b"))

        [ended], report = explore(control, replay, scenario)
        assert report["passed"] is not required
        if required:
            assert ended["message"].startswith("b2 did not arrive; ")
        else:
            assert ended["title"] == "a1 b1"

    def test_replay_has_faults(self, control: Control) -> None:
        plan = {
            **ORDERS,
            "max_faults": 1,
            "faults": [{"Fail": {"code": "unavailable", "committed": True}}],
        }

        def append(client: Client) -> None:
            if client.append("mine").status_code == 503:
                client.append("mine")

        def scenario(attempt: Attempt) -> None:
            attempt.actors(a=append, b=lambda client: client.append("other"))
            assert attempt.client().bodies().count("mine") == 1, "twice"

        _, report = explore(control, plan, scenario)
        failure = report["failures"][0]
        assert failure["replay"]["replay_faults"] == {"a1": plan["faults"][0]}
        assert "Fail(" not in json.dumps(report)
        [ended], _ = explore(control, failure["replay"], scenario)
        assert (ended["outcome"], ended["message"]) == ("failed", "twice")

    def test_actor_that_does_not_end_fails_the_attempt(self, control: Control) -> None:
        attempt = first_attempt(control, ORDERS)
        assert attempt.post("/actors/a/end").status_code == 200
        ended = attempt.end()
        assert ended["outcome"] == "failed"
        assert ended["message"].startswith("not all actors have ended: b; POST .../actors/b/end")
        assert next_attempt(control, 1) is None

    def test_actor_that_sends_two_operations_at_once_is_told(self, control: Control) -> None:
        # The first one is held, since b has not sent any.
        attempt = first_attempt(control, ORDERS)

        def append() -> None:
            with suppress(httpx.HTTPError):
                attempt.client("a").append("x")

        with ThreadPoolExecutor() as pool:
            pool.submit(append)
            pool.submit(append)
            trouble = control("GET", f"{attempt.path}?wait=30").json()["message"]
        assert "an actor sends one operation at a time" in trouble
        ended = attempt.end("failed", "the client saw nothing")
        assert ended["message"] == f"{trouble}; the client saw nothing"

    def test_trouble_that_the_client_tells_itself_is_told_once(self, control: Control) -> None:
        attempt = first_attempt(control, {**ORDERS, "timeout": 0.1, "settle": 10})
        with suppress(httpx.HTTPError):
            attempt.client("a").append("x")
        trouble = control("GET", f"{attempt.path}?wait=30").json()["message"]
        message = f"Error: {trouble}; b failed with a TypeError"
        assert attempt.end("failed", message)["message"] == message

    def test_actors_that_wait_for_nothing_of_the_service_are_named(self, control: Control) -> None:
        attempt = first_attempt(control, {**ORDERS, "timeout": 0.1, "settle": 10})
        with suppress(httpx.HTTPError):
            # It is dropped, since b neither sends an operation nor ends.
            attempt.client("a").append("x")
        found = control("GET", f"{attempt.path}?wait=30").json()
        assert "nothing has happened for 0.1 s" in found["message"]
        assert "a waits at the arrival of its append" in found["message"]
        assert "b runs, and waits for nothing of the service" in found["message"]

    def test_actor_whose_client_dies_is_named_with_what_the_others_wait_for(
        self, control: Control
    ) -> None:
        attempt = first_attempt(control, ORDERS)
        errors: list[Exception] = []

        def append() -> None:
            try:
                attempt.client("a").append("x")
            except httpx.HTTPError as error:
                errors.append(error)

        actor = threading.Thread(target=append)
        actor.start()
        _wait_for_held(control, attempt)
        # The client knows that b has died, and says nothing of it.
        ended = attempt.end("failed", "b has died")
        actor.join(PATIENCE)
        assert len(errors) == 1
        assert ended["message"] == (
            "not all actors have ended: a and b; POST .../actors/a/end says that one has, and the "
            f"attempt ends after that; a waits at the arrival of its append {BASIN} log; "
            "b runs, and waits for nothing of the service: it has sent 0 operations; b has died"
        )

    def test_actors_of_which_none_begins_are_named(self, control: Control) -> None:
        attempt = first_attempt(control, ORDERS)
        nothing = "runs, and waits for nothing of the service: it has sent 0 operations"
        assert control.refused("GET", f"{attempt.path}?wait=0") == (
            408,
            f"not all actors have ended in 0 s: a {nothing}; b {nothing}",
        )

    def test_what_an_actor_has_started_and_sends_after_its_end_fails_the_attempt(
        self, control: Control
    ) -> None:
        # a does not wait long for the first operation of b.
        attempt = first_attempt(control, {**ORDERS, "settle": 0.01})
        attempt.actors(a=lambda client: client.append("x"))
        with pytest.raises(httpx.TransportError):
            attempt.client("a").append("late")
        attempt.actors(b=lambda client: client.append("y"))
        ended = attempt.end()
        assert ended["outcome"] == "failed"
        assert ended["message"] == (
            f"a sent its append {BASIN} log after its end: what an actor starts has to end before "
            "it does"
        )

    def test_scenario_without_an_end_is_ended(
        self, control: Control, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("s2mock.campaigns.orders.scheduler.MAX_OPERATIONS", 20)

        def go_on(client: Client) -> None:
            with suppress(httpx.HTTPError):
                while client.tail() == 0:
                    pass

        def scenario(attempt: Attempt) -> None:
            attempt.actors(a=go_on, b=go_on)

        [ended], report = explore(control, ORDERS, scenario)
        assert not report["passed"]
        waits = f"waits at the arrival of its check-tail {BASIN} log"
        assert ended["message"] == (
            f"the scenario has no end after 20 operations; a {waits}; b {waits}"
        )

    def test_operations_without_an_actors_token_are_no_order(self, control: Control) -> None:
        def scenario(attempt: Attempt) -> None:
            attempt.client().append("mine")
            attempt.actors(a=lambda _: None, b=lambda _: None)

        _, report = explore(control, ORDERS, scenario)
        assert "an actor has to use its own token" in report["complaint"]


class TestSweeps:
    def test_duplicate_after_a_lost_answer_is_found_and_its_twin_passes(
        self, control: Control
    ) -> None:
        def scenario(condition: dict[str, int]) -> Callable[[Attempt], None]:
            def run(attempt: Attempt) -> None:
                client = attempt.client()
                for _ in range(2):
                    with suppress(httpx.HTTPError):
                        if client.append("mine", **condition).status_code in (200, 412):
                            break
                assert client.bodies() == ["mine"], client.bodies()

            return run

        ended, report = explore(control, SWEEP, scenario({}))
        assert [one["title"] for one in ended] == [
            "without a fault",
            '{"Fail": {"code": "unavailable", "committed": true}} at append 1',
            '{"Drop": {}} at append 1',
        ]
        assert "point" not in ended[0]
        point = {"operation": "append", "number": 1, "fault": SWEEP["faults"][0]}  # type: ignore[index]
        assert ended[1]["point"] == point
        assert report["complaint"] == "sweep: 1 of 2 attempts failed"
        [failure] = report["failures"]
        replay = {"kind": "sweep", "options": OPTIONS, "replay": point}
        assert failure["replay"] == replay
        [again], _ = explore(control, replay, scenario({}))
        assert (again["title"], again["outcome"]) == (ended[1]["title"], "failed")
        assert explore(control, SWEEP, scenario({"match_seq_num": 0}))[1]["passed"]

    def test_failure_without_a_fault_ends_the_sweep(self, control: Control) -> None:
        def scenario(attempt: Attempt) -> None:
            attempt.client().append("mine")
            raise AssertionError("always")

        ended, report = explore(control, SWEEP, scenario)
        assert len(ended) == 1
        assert report["complaint"] == "sweep: the attempt without a fault failed"
        assert "replay" not in report["failures"][0]

    @pytest.mark.parametrize("required", [True, False])
    def test_fault_that_affects_nothing_fails_unless_it_is_not_required(
        self, control: Control, required: bool
    ) -> None:
        point = {"operation": "append", "number": 2, "fault": {"Drop": {}}}
        plan = {"kind": "sweep", "options": OPTIONS, "replay": point, "required": required}
        [ended], report = explore(control, plan, lambda attempt: attempt.client().append("x"))
        assert report["passed"] is not required
        if required:
            assert ended["message"].startswith("the fault affected no operation: ")

    def test_limit_is_told_as_a_member(self, control: Control) -> None:
        plan = {**SWEEP, "limit": 1}
        explore(control, plan, lambda attempt: attempt.client().append("x"))
        text = control("GET", "/campaigns/1", headers={"accept": "text/plain"}).text
        assert text == (
            "sweep: 0 of 1 attempts failed; 1 more were left out: there are 2, and "
            '"limit": 1 is the limit\n'
        )

    def test_outcome_that_is_not_linearizable_fails_with_check(self, control: Control) -> None:
        """A proxy acknowledges an append that never took place, and the client takes its word."""
        at = {"seq_num": 0, "timestamp": 0}
        body = json.dumps({"start": at, "end": {**at, "seq_num": 1}, "tail": {**at, "seq_num": 1}})
        answer = {"status": 200, "body": body, "headers": {"content-type": "application/json"}}

        def scenario(attempt: Attempt) -> None:
            client = attempt.client()
            assert client.append("mine").status_code == 200
            client.tail()

        for check in (True, False):
            plan = {**SWEEP, "faults": [{"Answer": answer}], "check": check}
            assert explore(control, plan, scenario)[1]["passed"] is not check

    def test_fault_that_the_client_injects_and_that_affects_nothing_fails(
        self, control: Control
    ) -> None:
        def scenario(attempt: Attempt) -> None:
            attempt.client().append("mine")
            made = control.as_(attempt.document["token"])
            made("POST", "/faults", {"on": "trim", "fault": {"Drop": {}}})

        ended, _ = explore(control, SWEEP, scenario)
        assert ended[0]["outcome"] == "failed"
        assert "trim" in ended[0]["message"]


class TestCrashes:
    def test_work_that_begins_again_is_found_and_its_twin_passes(self, control: Control) -> None:
        jobs = ["one", "two"]

        def careless(client: Client) -> None:
            for job in jobs:
                client.append(job)

        def careful(client: Client) -> None:
            for number in range(client.tail(), len(jobs)):
                client.append(jobs[number], match_seq_num=number)

        def scenario(work: Callable[[Client], object]) -> Callable[[Attempt], None]:
            def run(attempt: Attempt) -> None:
                attempt.run(work)
                if attempt._control("GET", attempt.path).json()["reached"]:
                    work(attempt.client())
                found = attempt.client().bodies()
                assert found == jobs, f"{len(found)} records"

            return run

        ended, report = explore(control, CRASH, scenario(careless))
        assert [one["title"] for one in ended] == [
            "without a crash",
            "a crash before append 1",
            "a crash after append 1",
            "a crash before append 2",
            "a crash after append 2",
        ]
        assert [one["reached"] for one in ended] == [False, True, True, True, True]
        assert [one["outcome"] for one in ended] == ["passed", "passed", *["failed"] * 3]
        assert report["complaint"] == "crash: 3 of 4 attempts failed"
        replay = report["failures"][0]["replay"]
        assert replay["replay"] == {"when": "after", "operation": "append", "number": 1}
        assert explore(control, replay, scenario(careless))[1]["failures"][0]["replay"] == replay
        assert explore(control, CRASH, scenario(careful))[1]["passed"]

    def test_worker_can_do_nothing_after_its_point(self, control: Control) -> None:
        number = begin(control, CRASH)
        first = next_attempt(control, number)
        assert first is not None
        first.run(lambda client: client.append("mine"))
        first.end()
        attempt = next_attempt(control, number)
        assert attempt is not None
        worker = attempt.client("worker")
        for _ in range(2):
            with pytest.raises(httpx.TransportError):
                worker.append("mine")
        assert attempt.post("/crashed").status_code == 200
        with pytest.raises(httpx.TransportError):
            worker.append("mine")
        # The recovery has the token of the account.
        assert attempt.client().append("recovered").status_code == 200
        assert attempt.client().bodies() == ["recovered"]
        assert attempt.end()["outcome"] == "passed"
        # Later still it gets into no other account.
        assert worker.append("mine").status_code == 401

    def test_operations_of_the_test_do_not_count(self, control: Control) -> None:
        def scenario(attempt: Attempt) -> None:
            attempt.client().append("prepared")
            attempt.run(lambda client: client.append("mine"))

        ended, _ = explore(control, CRASH, scenario)
        assert len(ended) == 3

    def test_no_operation_of_the_worker_is_told(self, control: Control) -> None:
        def scenario(attempt: Attempt) -> None:
            attempt.client().append("mine")
            attempt.run(lambda _: None)

        _, report = explore(control, CRASH, scenario)
        assert report["complaint"] == (
            "crash: no append of the worker arrived with the token that the attempt has for it in "
            "`actors`, so there is no point to stop it at"
        )

    def test_end_of_the_worker_has_to_be_known(self, control: Control) -> None:
        attempt = first_attempt(control, CRASH)
        attempt.client("worker").append("mine")
        ended = attempt.end()
        assert ended["outcome"] == "failed"
        assert "the end of the worker is not known" in ended["message"]

    def test_wait_for_the_point_ends_with_what_has_arrived(self, control: Control) -> None:
        attempt = first_attempt(control, CRASH)
        attempt.client("worker").append("mine")
        assert control.refused("GET", f"{attempt.path}?wait=0") == (
            408,
            "the worker has reached no point in 0 s: 1 append of the worker arrived",
        )


class TestWrongRequests:
    def test_calls_in_a_wrong_order_change_nothing(self, control: Control) -> None:
        attempt = first_attempt(control, ORDERS)
        end = {"outcome": "passed"}
        refused = [
            ("POST", "/campaigns/1/attempts", 409, "attempt 1 is open: end it before the next"),
            ("POST", "/campaigns/2/attempts", 404, "there is no campaign 2; there are 1"),
            ("POST", "/campaigns/x/attempts", 404, "'x' is no number such as 1"),
            ("GET", "/campaigns/1/attempts/2", 404, "campaign 1 has no attempt 2: there are 1 of"),
            ("POST", f"{attempt.path}/crashed", 409, "of kind orders has no worker that crashes"),
            ("POST", f"{attempt.path}/actors/c/end", 404, "there is no actor 'c' in this attempt"),
        ]
        for method, path, status, reason in refused:
            found, message = control.refused(method, path)
            assert (found, reason in message) == (status, True), message
        assert attempt.post("/actors/a/end").json()["actors"][0]["ended"]
        status, message = control.refused("POST", f"{attempt.path}/actors/a/end")
        assert (status, "has ended before" in message) == (409, True)
        for document, reason in (
            ({"outcome": "good"}, 'outcome must be one of "passed", "failed", "skipped"'),
            ({"outcome": "failed", "message": 3}, "message must be text"),
            ({}, "lacks 'outcome'"),
        ):
            status, message = control.refused("POST", f"{attempt.path}/end", document)
            assert (status, reason in message) == (400, True), message
        attempt.post("/actors/b/end")
        assert attempt.end()["outcome"] == "passed"
        for path in ("/end", "/actors/a/end"):
            status, message = control.refused(
                "POST", f"{attempt.path}{path}", *([end] if path == "/end" else [])
            )
            assert (status, "attempt 1 of campaign 1 has ended" in message) == (409, True)
        assert control("GET", f"{attempt.path}?wait=5").json()["outcome"] == "passed"

    def test_crash_that_was_not_reached_is_refused(self, control: Control) -> None:
        attempt = first_attempt(control, CRASH)
        status, message = control.refused("POST", f"{attempt.path}/crashed")
        assert (status, "which counts the operations" in message) == (409, True)
        attempt.run(lambda client: client.append("mine"))
        attempt.end()
        second = next_attempt(control, 1)
        assert second is not None
        status, message = control.refused("POST", f"{second.path}/crashed")
        assert status == 409
        assert "a crash before append 1 was not reached: 0 append of the worker" in message

    def test_sweep_has_nothing_to_wait_for(self, control: Control) -> None:
        attempt = first_attempt(control, SWEEP)
        status, message = control.refused("GET", f"{attempt.path}?wait=1")
        assert (status, "kind sweep has nothing to wait for" in message) == (409, True)

    def test_account_of_an_attempt_ends_with_it_alone(self, control: Control) -> None:
        attempt = first_attempt(control, SWEEP)
        own = control.as_(attempt.document["token"])
        status, message = own.refused("DELETE", "/accounts")
        assert (status, "that of attempt 1 of campaign 1" in message) == (409, True)
        [first, other] = control("GET", "/accounts").json()["accounts"]
        assert other["name"] == "attempt 1 of campaign 1, 0 exchanges"
        attempt.end()
        assert control("GET", "/accounts").json()["accounts"] == [first]
        assert own.refused("GET", "/journal")[0] == 401

    @pytest.mark.parametrize(
        ("plan", "reason"),
        [
            ({}, 'the body lacks \'kind\' of a campaign: there are "sweep", "orders", "crash"'),
            ({"kind": "sweeps"}, '"sweeps" is no kind of a campaign'),
            ({"kind": "sweep"}, "the body lacks 'faults'"),
            ({"kind": "crash"}, "the body lacks 'on'"),
            ({"kind": "orders"}, "the body lacks 'actors'"),
            ({**CRASH, "actors": ["a"]}, "unknown member 'actors'"),
            ({**CRASH, "on": "apend"}, "apend"),
            ({**CRASH, "limit": 0}, "limit must be 1 or more"),
            ({**CRASH, "limit": "1"}, "limit must be a whole number"),
            ({**CRASH, "required": False}, "required is a member of a replay"),
            ({**CRASH, "options": {"basin": []}}, "unknown member 'basin' of options"),
            ({**CRASH, "options": {"clock": "sundial"}}, "clock must be"),
            ({**CRASH, "options": []}, "options must be an object"),
            ({**CRASH, "scenario": "a b"}, "scenario must be the name of a function"),
            ({**CRASH, "replay": {"when": "after"}}, "an object of when, operation, number"),
            (
                {**CRASH, "replay": {"when": "at", "operation": "append", "number": 1}},
                "when must be",
            ),
            ({**SWEEP, "faults": []}, "faults must be a list of faults"),
            ({**SWEEP, "faults": {"Drop": {}}}, "faults must be a list of faults"),
            ({**SWEEP, "faults": [{"Dorp": {}}]}, "'Dorp' is no fault"),
            (
                {
                    **SWEEP,
                    "replay": {"operation": "append", "number": 0, "fault": {"Drop": {}}},
                },
                "replay.number must be 1 or more",
            ),
            ({**ORDERS, "actors": []}, "actors must be a list of names"),
            ({**ORDERS, "actors": ["a", "a"]}, "there are two actors 'a'"),
            ({**ORDERS, "actors": ["a b"]}, "text without spaces and slashes"),
            ({**ORDERS, "max_faults": 1}, "max_faults needs faults"),
            ({**ORDERS, "faults": [{"Drop": {}}]}, "faults need max_faults"),
            ({**ORDERS, "replay": " "}, "an order names operations"),
            ({**ORDERS, "replay_faults": {}}, "replay_faults are those of a replay"),
            ({**ORDERS, "timeout": -1}, "timeout must be 0 or more seconds"),
        ],
    )
    def test_campaign_that_makes_no_sense_is_refused(
        self, control: Control, plan: dict[str, Any], reason: str
    ) -> None:
        status, message = control.refused("POST", "/campaigns", plan)
        assert (status, reason in message) == (400, True), message
        assert control.refused("GET", "/campaigns/1")[0] == 404


class TestReports:
    def test_text_has_the_request_that_replays_the_failure(self, control: Control) -> None:
        _, report = explore(control, ORDERS, race(place))
        text = control("GET", "/campaigns/1", headers={"accept": "text/plain"}).text
        assert text.startswith(report["complaint"])
        [line] = [line for line in text.splitlines() if "POST" in line]
        assert json.loads(line.strip().removeprefix("POST /_s2mock/campaigns ")) == {
            **ORDERS,
            "replay": "a1 b1 b2 a2",
        }
        assert "as a test" not in text

    @pytest.mark.parametrize(
        ("language", "call"),
        [("go", "s2mock.Replay("), ("rust", "#[tokio::test]"), ("typescript", "test(")],
    )
    def test_language_adds_a_test(self, control: Control, language: str, call: str) -> None:
        """The examples in these languages run it: tests/test_examples.py."""
        explore(control, {**ORDERS, "scenario": "twoPlaces"}, race(place))
        text = control("GET", f"/campaigns/1?language={language}").text
        test = text.partition("The shortest failure as a test of its own:\n\n")[2]
        assert call in test
        assert "twoPlaces)" in test
        assert '"required": false' in test
        assert '"scenario"' not in test

    def test_test_in_go_has_no_quote_of_a_raw_string_in_it(self, control: Control) -> None:
        explore(control, {**ORDERS, "options": {**ORDERS["options"], "name": "a `b`"}}, race(place))
        text = control("GET", "/campaigns/1?language=go").text
        _, plan, _ = text.partition("The shortest failure as a test of its own:")[2].split("`")
        assert json.loads(plan)["options"]["name"] == "a `b`"

    def test_test_without_a_scenario_says_what_is_missing(self, control: Control) -> None:
        explore(control, ORDERS, race(place))
        text = control("GET", "/campaigns/1?language=go").text
        assert "// scenario is the function that runs an attempt" in text

    def test_unknown_language_is_refused(self, control: Control) -> None:
        begin(control, ORDERS)
        assert control.refused("GET", "/campaigns/1?language=cobol") == (
            400,
            "language must be one of go, rust, typescript, not 'cobol'",
        )

    def test_campaign_that_was_left_has_not_passed(self, control: Control) -> None:
        begin(control, SWEEP)
        report = control("GET", "/campaigns/1").json()
        assert (report["passed"], report["planned"]) == (False, None)
        assert report["complaint"] == (
            "sweep was left before its end: 0 of at least 1 attempts were run"
        )


class TestSeveral:
    def test_parallel_campaigns_do_not_interfere(self, control: Control) -> None:
        """All kinds, each in threads of its own, with the same operations at the same time."""

        def sell(attempt: Attempt) -> None:
            for _ in range(2):
                with suppress(httpx.HTTPError):
                    if attempt.client().append("mine").status_code == 200:
                        break
            check(attempt)

        def work(attempt: Attempt) -> None:
            attempt.run(lambda client: client.append("mine"))
            if attempt._control("GET", attempt.path).json()["reached"]:
                attempt.client().append("mine")
            check(attempt)

        def check(attempt: Attempt) -> None:
            found = attempt.client().bodies()
            assert found == ["mine"], f"{len(found)} records"

        campaigns = [
            (ORDERS, race(place)),
            (ORDERS, race(place_guarded)),
            (SWEEP, sell),
            (CRASH, work),
        ]

        def run(campaign: tuple[dict[str, Any], Callable[[Attempt], None]]) -> list[str]:
            with closing(Control(control.url)) as own:
                ended, _ = explore(own, *campaign)
            return [f"{one['title']} {one['outcome']}" for one in ended]

        alone = [run(campaign) for campaign in campaigns]
        assert len({str(found) for found in alone}) == len(campaigns)
        assert [sum("failed" in one for one in found) for found in alone] == [2, 0, 1, 1]
        with ThreadPoolExecutor() as pool:
            assert list(pool.map(run, campaigns * 2)) == alone * 2

    def test_skipped_attempt_is_no_failure(self, control: Control) -> None:
        attempt = first_attempt(control, SWEEP)
        attempt.client().append("mine")
        attempt.end()
        while (attempt := next_attempt(control, 1)) is not None:  # type: ignore[assignment]
            assert attempt.end("skipped")["outcome"] == "skipped"
        assert control("GET", "/campaigns/1").json()["passed"]

    def test_attempt_after_the_last_one_is_no_content(self, control: Control) -> None:
        explore(control, ORDERS, race(place_guarded))
        answer = control("POST", "/campaigns/1/attempts")
        assert (answer.status_code, answer.content) == (204, b"")

    def test_end_of_a_campaign_ends_its_attempt_and_drops_its_actors(
        self, control: Control
    ) -> None:
        attempt, other = first_attempt(control, ORDERS), first_attempt(control, ORDERS)
        errors: list[Exception] = []

        def append() -> None:
            try:
                attempt.client("a").append("mine")
            except httpx.HTTPError as error:
                errors.append(error)

        actor = threading.Thread(target=append)
        actor.start()
        # It is held, since b has not sent its operation.
        own = control.as_(attempt.document["token"])
        own("GET", "/journal")
        _wait_for_held(control, attempt)
        assert control("DELETE", "/campaigns/1").status_code == 204
        actor.join(PATIENCE)
        assert len(errors) == 1
        assert attempt.client("b").append("mine").status_code == 401
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/attempts")):
            assert control.refused(method, f"/campaigns/1{path}")[0] == 404
        other.actors(a=lambda client: client.append("a"), b=lambda client: client.append("b"))
        assert other.end()["outcome"] == "passed"

    def test_server_that_stops_ends_the_threads_of_its_campaigns(self) -> None:
        with S2Mock(control=True) as mock, closing(Control(mock.url)) as control:
            first_attempt(control, ORDERS)
            named = [one for one in threading.enumerate() if one.name == "s2mock-orders-1"]
        assert len(named) == 1
        named[0].join(PATIENCE)
        assert not named[0].is_alive()

    def test_campaign_needs_no_first_account(self) -> None:
        with S2Mock(control=True) as mock:
            mock._set_up_server(ControlSettings(has_first_account=False), own_hosts_only=False)
            with closing(Control(mock.url)) as control:
                assert explore(control, ORDERS, race(place_guarded))[1]["passed"]


def _wait_for_held(control: Control, attempt: Attempt) -> None:
    """Return once the first actor's operation is held."""
    while True:
        _, message = control.refused("GET", f"{attempt.path}?wait=0")
        if "a waits at the arrival" in message:
            return


class TestIdle:
    @pytest.fixture
    def time(self, monkeypatch: pytest.MonkeyPatch) -> RealTime:
        time = RealTime()
        for module in (hosted_accounts, hosted_account, hosted_campaign):
            monkeypatch.setattr(module, "monotonic", time)
        return time

    @pytest.fixture
    def control(self, time: RealTime) -> Iterator[Control]:
        with S2Mock(control=True) as mock:
            mock._set_up_server(ControlSettings(account_idle=HOUR), own_hosts_only=False)
            with closing(Control(mock.url)) as time.control:
                yield time.control

    def test_campaign_whose_client_vanishes_ends(self, control: Control, time: RealTime) -> None:
        attempt = first_attempt(control, ORDERS)
        time.advance(HOUR - 1)
        assert control("GET", "/campaigns/1").status_code == 200
        time.advance(HOUR)
        assert control.refused("GET", "/campaigns/1")[0] == 404
        assert len(control("GET", "/accounts").json()["accounts"]) == 1
        assert attempt.client().append("mine").status_code == 401

    def test_account_of_an_attempt_lasts_as_long_as_its_campaign(
        self, control: Control, time: RealTime
    ) -> None:
        attempt = first_attempt(control, SWEEP)
        for _ in range(3):
            time.advance(HOUR - 1)
            assert control("GET", "/campaigns/1").status_code == 200
        assert attempt.client().append("mine").status_code == 200
        time.advance(HOUR - 1)
        assert attempt.client().append("mine").status_code == 200
        time.advance(HOUR - 1)
        assert attempt.end()["outcome"] == "passed"
