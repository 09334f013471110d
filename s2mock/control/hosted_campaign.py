"""A campaign over HTTP: its attempts, each on an account of its own, which the client runs."""

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, Final

from s2mock.campaigns import linearizability
from s2mock.campaigns.campaign import Attempt, AttemptOpen, Campaign, Outcome
from s2mock.campaigns.crashes import CrashInstructions
from s2mock.campaigns.orders.plan import OrdersInstructions
from s2mock.campaigns.orders.scheduler import ScenarioError
from s2mock.control.hosted_account import HostedAccount
from s2mock.control.response import Refused
from s2mock.powers import teardown_report
from s2mock.runtime import failures
from s2mock.runtime.conversation import RunInThread, Step
from s2mock.runtime.monotonic import monotonic
from s2mock.runtime.notifier import Notifier, Pending

WORKER: Final = "worker"
"""The name of the worker of a campaign of crashes, as an actor of its attempts."""


class HostedCampaign:
    """A campaign that a client runs: it takes the attempts, and says how each has ended.

    `make_account` makes and hosts the account of an attempt, which `end_account` ends. `actors` are
    the names of those whose operations are known by a token of their own. `timeout` is for how long
    nothing may happen in a run of actors, in seconds of real time. `scenario` is the name of the
    function that runs an attempt, for tests to paste.
    """

    def __init__(
        self,
        campaign: Campaign[Any],
        make_account: Callable[[], HostedAccount],
        end_account: Callable[[HostedAccount], object],
        *,
        kind: str,
        actors: tuple[str, ...],
        timeout: float,
        scenario: str | None,
    ) -> None:
        self.kind: Final = kind
        self.campaign: Final = campaign
        self.scenario: Final = scenario
        self.number = 0
        self.is_ended = False
        self._make_account = make_account
        self.end_account = end_account
        self._actors = actors
        self._timeout = timeout
        self._attempts: dict[int, HostedAttempt] = {}
        # For the runs of actors, made with the first one.
        self._ticker: _Ticker | None = None
        # The number of requests about it that are under way, and when the last one ended.
        self._calls = 0
        self._last_used = monotonic()

    @contextmanager
    def use(self) -> Iterator[None]:
        """Count a request about the campaign during the block."""
        self._calls += 1
        try:
            yield
        finally:
            self._calls -= 1
            self._last_used = monotonic()

    @property
    def is_in_use(self) -> bool:
        """True while a request about it, or to the account of its open attempt, is under way."""
        hosted = self._open_account
        return self._calls > 0 or (hosted is not None and hosted.is_in_use)

    @property
    def last_used(self) -> float:
        """When the last request about it, or to the account of its attempt, has ended."""
        hosted = self._open_account
        return self._last_used if hosted is None else max(self._last_used, hosted.last_used)

    def look_every(self, seconds: float) -> None:
        """Look at the open attempt each time after that number of seconds, from now on."""
        if self._ticker is None:
            self._ticker = _Ticker(self, seconds)

    @property
    def _open_account(self) -> HostedAccount | None:
        attempt = self.open
        return None if attempt is None else attempt.hosted

    @property
    def open(self) -> "HostedAttempt | None":
        """The attempt that has begun and has not ended, None without one."""
        attempt = self.campaign.open
        return None if attempt is None else self._attempts.get(attempt.number)

    def next_attempt(self) -> "HostedAttempt | None":
        """Begin the next attempt; None after the last one. Raises `Refused` (409)."""
        try:
            attempt = self.campaign.next_attempt()
        except AttemptOpen as error:
            raise Refused(409, f"{error}, by POST .../end") from None
        if attempt is None:
            return None
        hosted = self._make_account()
        hosted.attempt = f"attempt {attempt.number} of campaign {self.number}"
        made = _KINDS[self.kind](self, attempt, hosted, self._actors, self._timeout)
        self._attempts[attempt.number] = made
        made.begin()
        return made

    def to_json(self) -> dict[str, Any]:
        """Return the campaign with its attempts as JSON, for a list."""
        about = {"number": self.number, "kind": self.kind, "is_ended": self.is_ended}
        return {**about, **self.campaign.overview()}

    def attempt(self, number: int) -> "HostedAttempt":
        """Return the attempt of that number. Raises `Refused` (404)."""
        if number not in self._attempts:
            count = len(self._attempts)
            known = f"{count} of them so far, counted from 1" if count else "none yet"
            raise Refused(
                404,
                f"campaign {self.number} has no attempt {number}: there are {known}, and POST "
                ".../attempts begins the next",
            )
        return self._attempts[number]

    def close(self) -> None:
        """End the campaign, with its open attempt. Ending twice is harmless."""
        self.is_ended = True
        if (attempt := self.open) is not None:
            attempt.close()
        if self._ticker is not None:
            self._ticker.stop()


class _Ticker:
    """A thread that looks at the open attempt again and again, for what needs time to pass.

    An operation of an actor wakes no thread, which would take a part of the attempt's time.
    """

    def __init__(self, campaign: "HostedCampaign", seconds: float) -> None:
        self._campaign = campaign
        self._seconds = seconds
        self._is_over = threading.Event()
        name = f"s2mock-orders-{campaign.number}"
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def _run(self) -> None:
        while not self._is_over.wait(self._seconds):
            if (attempt := self._campaign.open) is not None:
                attempt.look()

    def stop(self) -> None:
        """End the thread."""
        self._is_over.set()


class HostedAttempt:
    """One attempt of a campaign of any kind, with its account while that lasts."""

    def __init__(
        self,
        campaign: HostedCampaign,
        attempt: Attempt[Any],
        hosted: HostedAccount,
        actors: tuple[str, ...],
        timeout: float,
    ) -> None:
        self.number: Final = attempt.number
        self.hosted: HostedAccount | None = hosted
        self.changed: Final = Notifier()
        self._campaign = campaign
        self._attempt: Attempt[Any] | None = attempt
        self._timeout = timeout
        self._is_ending = False
        self._outcome: Outcome | None = None
        self._about = {"number": self.number, "campaign": campaign.number}
        self._token = hosted.mock.token
        mock = hosted.mock
        self.tokens = {
            name: mock._actor_token(number)  # noqa: SLF001  # made for this
            for number, name in enumerate(actors, 1)
        }
        self.ended_actors: set[str] = set()

    def begin(self) -> None:
        """Apply the instructions to the account."""
        self._open.begin(self._account.powers)

    @property
    def _open(self) -> Attempt[Any]:
        assert self._attempt is not None, "an attempt that has not ended"
        return self._attempt

    @property
    def _account(self) -> HostedAccount:
        assert self.hosted is not None, "an attempt that has not ended"
        return self.hosted

    @property
    def is_over(self) -> bool:
        """True if it has ended."""
        return self._attempt is None

    def require_open(self) -> None:
        """Check that it has not ended. Raises `Refused` (409)."""
        if self._is_ending or self.is_over:
            raise Refused(
                409,
                f"attempt {self.number} of campaign {self._campaign.number} has ended: POST "
                ".../attempts begins the next",
            )

    def to_json(self) -> dict[str, Any]:
        """Return the attempt as JSON."""
        document: dict[str, Any] = {**self._about, "token": self._token}
        if self._attempt is not None:
            document["title"] = self._attempt.instructions.title
            point = self._attempt.instructions.to_json().get("point")
            document |= {} if point is None else {"point": point}
        document["actors"] = [
            {"name": name, "token": token, "ended": self.is_over or name in self.ended_actors}
            for name, token in self.tokens.items()
        ]
        outcome = self._outcome
        document["outcome"] = None if outcome is None else outcome.result
        document["message"] = (outcome.message or None) if outcome else self._trouble
        return document

    @property
    def _trouble(self) -> str | None:
        """The reason for which the attempt cannot go on, None without one."""
        return None

    def end_actor(self, name: str) -> None:
        """Take note that an actor has ended. Raises `Refused` (404, 409)."""
        self.require_open()
        if name not in self.tokens:
            known = ", ".join(self.tokens) or "none"
            raise Refused(404, f"there is no actor {name!r} in this attempt; there are {known}")
        if name in self.ended_actors:
            raise Refused(409, f"the actor {name} has ended before, and ends once in an attempt")
        self.ended_actors.add(name)
        self._note_actor_end(name)
        self.changed.notify()

    def _note_actor_end(self, name: str) -> None:
        """Do what the end of that actor does to the attempt."""

    def look(self) -> None:
        """Do what needs time to pass."""

    def crash(self) -> None:
        """Take note that the worker was stopped at its point. Raises `Refused` (409)."""
        raise Refused(409, f"{self._kind} has no worker that crashes")

    @property
    def _kind(self) -> str:
        return f"an attempt of a campaign of kind {self._campaign.kind}"

    def pending(self, timeout: float) -> Pending[bool]:  # noqa: ARG002  # of those that wait
        """Return the wait for what the client has to know. Raises `Refused` (409)."""
        raise Refused(
            409,
            f"{self._kind} has nothing to wait for: its fault is injected, so run your code",
        )

    def end(self, outcome: Outcome) -> Generator[Step, Any, None]:
        """End the attempt and its account. Raises `Refused` (409)."""
        self.require_open()
        self._is_ending = True
        attempt, hosted = self._open, self._account
        powers = hosted.powers
        outcome = self._complete(outcome)
        # Before the exchanges are taken, among which there may be one that is applied late.
        powers.drop_late()
        attempt.collect(powers, has_failed=outcome.result == "failed")
        injector = powers.used_injector
        complaints = [] if injector is None else injector.check()
        if complaints and outcome.result == "passed":
            outcome = Outcome("failed", "; ".join(complaints))
        if self._campaign.campaign.plan.checks and outcome.result == "passed":
            error = yield RunInThread(lambda: _check(hosted))
            if error is not None:
                outcome = Outcome("failed", error)
        if self.is_over:
            raise Refused(409, f"campaign {self._campaign.number} has ended, with this attempt")
        teardown_report.forget(powers, has_failed=outcome.result == "failed")
        self._finish(outcome)

    def close(self) -> None:
        """End the attempt without an outcome, since the campaign has ended."""
        if not self.is_over:
            if not self._is_ending:
                self._complete(Outcome("skipped"))
                self._open.collect(self._account.powers)
            self._finish(Outcome("skipped"))

    def _complete(self, outcome: Outcome) -> Outcome:
        """Let nothing more happen in the attempt; return the outcome with what is known here."""
        return outcome

    def _finish(self, outcome: Outcome) -> None:
        attempt, hosted = self._open, self._account
        self._about["title"] = attempt.instructions.title
        if (point := attempt.instructions.to_json().get("point")) is not None:
            self._about["point"] = point
        failed = attempt.end(outcome)
        self._outcome = outcome if failed is None else Outcome("failed", failed.text)
        # What is kept of an attempt is small: there may be thousands.
        self._attempt = self.hosted = None
        self._campaign.end_account(hosted)
        self.changed.notify()


class OrdersAttempt(HostedAttempt):
    """A run of actors, whose operations are let go one at a time."""

    _error: str | None = None
    _is_driven = False

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        # `look` is called by the thread of the campaign, and by those of requests.
        self._looking = threading.RLock()

    def begin(self) -> None:
        """Hold the operations of the actors, and let them go in the order of this run."""
        super().begin()
        instructions = self._instructions
        # Its first operation may be that of a process which is about to be started.
        for name, token in self.tokens.items():
            instructions.scheduler.add(name, token, is_slow=True)
        instructions.has_gone = True
        scheduler = instructions.scheduler
        scheduler.on_over = self.look
        scheduler.begin(self._timeout, with_first=True)
        self._campaign.look_every(scheduler.pause)

    @property
    def _instructions(self) -> OrdersInstructions:
        instructions: OrdersInstructions = self._open.instructions
        return instructions

    def look(self) -> None:
        """Let the next operation go if it is time for that, and notice the end of the run."""
        with self._looking:
            attempt = self._attempt
            if self._is_driven or self._is_ending or attempt is None:
                return
            instructions: OrdersInstructions = attempt.instructions
            scheduler = instructions.scheduler
            if not scheduler.has_started:
                return
            try:
                if scheduler.step() is not None:
                    return
            except BaseException as error:  # noqa: BLE001  # nothing else sees it in this thread
                if isinstance(error, ScenarioError):
                    self._error = str(error)
                else:
                    failures.note(error)
                    self._error = f"s2mock failed, please report it: {error!r}"
                instructions.is_invalid = True
                # So that the actors end, which wait for their answers.
                scheduler.close()
            self._is_driven = True
        self.changed.notify()

    @property
    def _trouble(self) -> str | None:
        return self._error

    def _note_actor_end(self, name: str) -> None:
        self._instructions.scheduler.note_end(name)

    def pending(self, timeout: float) -> Pending[bool]:
        """Return the wait until all actors have ended, or the run cannot go on."""

        def look() -> bool | None:
            return True if self._is_driven or self.is_over else None

        scheduler = self._instructions.scheduler
        return Pending(
            self.changed,
            look,
            lambda: f"not all actors have ended in {timeout:g} s: {scheduler.describe_actors()}",
            timeout,
        )

    def _complete(self, outcome: Outcome) -> Outcome:
        instructions = self._instructions
        left = [name for name in self.tokens if name not in self.ended_actors]
        actors = instructions.scheduler.describe_actors()
        instructions.scheduler.close()
        problem = self._error
        if problem is None and left and outcome.result != "skipped":
            names = " and ".join(left)
            problem = (
                f"not all actors have ended: {names}; POST .../actors/{left[0]}/end says that one "
                f"has, and the attempt ends after that; {actors}"
            )
        if problem is None:
            return outcome
        instructions.is_invalid = True
        if outcome.result != "failed":
            return Outcome("failed", problem)
        if problem in outcome.message:
            # The client has waited for it, and says more.
            return outcome
        return Outcome("failed", f"{problem}; {outcome.message}", outcome.detail)


class CrashAttempt(HostedAttempt):
    """An attempt in which the worker, which is known by its token, stops at a point."""

    def begin(self) -> None:
        """Observe the operations of the worker."""
        super().begin()
        instructions, token = self._instructions, self.tokens[WORKER]
        instructions.on_reached = self.changed.notify
        self._account.engine.authorization.admit_actor(token)
        instructions.begin_work([token], only_these=True)

    @property
    def _instructions(self) -> CrashInstructions:
        instructions: CrashInstructions = self._open.instructions
        return instructions

    def to_json(self) -> dict[str, Any]:
        """Return the attempt as JSON, with whether its point is reached."""
        if self._attempt is not None:
            self._about["reached"] = self._instructions.is_reached
        return super().to_json()

    def _finish(self, outcome: Outcome) -> None:
        self._about["reached"] = self._instructions.is_reached
        super()._finish(outcome)

    def _note_actor_end(self, name: str) -> None:
        self._instructions.end_work()
        # What it has started, and left behind.
        self._account.drop_calls(self.tokens[name])

    def crash(self) -> None:
        """Take note that the worker was stopped; its token is dead from now on."""
        self.require_open()
        if not self._instructions.is_reached:
            point = self._instructions.point
            reason = (
                "there is no crash in the first attempt, which counts the operations"
                if point is None
                else f"{point} was not reached: {self._count()}"
            )
            raise Refused(
                409,
                f"{reason}. A worker that has ended by itself ends by POST .../actors/{WORKER}/end",
            )
        self.end_actor(WORKER)

    def pending(self, timeout: float) -> Pending[bool]:
        """Return the wait until the point is reached, or the worker has ended by itself."""

        def look() -> bool | None:
            is_over = self.is_over or WORKER in self.ended_actors
            return True if is_over or self._instructions.is_reached else None

        return Pending(
            self.changed,
            look,
            lambda: f"the worker has reached no point in {timeout:g} s: {self._count()}",
            timeout,
        )

    def _count(self) -> str:
        counts = self._instructions.counts
        return ", ".join(f"{count} {name} of the worker arrived" for name, count in counts.items())

    def _complete(self, outcome: Outcome) -> Outcome:
        self._instructions.end_work()
        if WORKER in self.ended_actors or outcome.result != "passed":
            return outcome
        return Outcome(
            "failed",
            f"the end of the worker is not known: POST .../crashed, or .../actors/{WORKER}/end for "
            "one that has ended by itself, comes before the end of the attempt",
        )


_KINDS: Final[dict[str, type[HostedAttempt]]] = {
    "sweep": HostedAttempt,
    "orders": OrdersAttempt,
    "crash": CrashAttempt,
}


def _check(hosted: HostedAccount) -> str | None:
    """Return why what the clients of an account observed is not linearizable, else None."""
    try:
        linearizability.check(hosted.powers)
    except linearizability.NotLinearizable as error:
        return str(error)
    return None
