"""`Crashes`: a scenario whose worker stops before and after each effect, once each."""

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, Self

from s2mock.campaigns.campaign import Attempt as CampaignAttempt
from s2mock.campaigns.crashes import (
    CrashInstructions,
    CrashPlan,
    CrashPoint,
    When,
    checked_point,
)
from s2mock.campaigns.scope import LIMIT, Scope
from s2mock.handles.campaigns.actors import (
    Command,
    CommandFailed,
    check_work,
    forget_unclosed,
    is_coroutine_function,
    older_objects_left_out,
)
from s2mock.handles.campaigns.driver import DrivenAttempt, PythonCampaign, outside_pytest
from s2mock.handles.campaigns.source import LoopSource
from s2mock.handles.mock import S2Mock
from s2mock.runtime.arguments import check_timeout

_CANCEL_SECONDS: Final = 5.0


class CrashAttempt(DrivenAttempt):
    """One attempt of a campaign of crashes: a context manager that returns its `S2Mock`."""

    _runs = 0

    @property
    def point(self) -> CrashPoint | None:
        """The place where the worker stops; None in the first attempt, which is undisturbed."""
        return self._instructions.point

    def run(self, work: Any, *arguments: Any, timeout: float = 60) -> None:
        """Run the worker, and stop it at the point of this attempt.

        `work` is a coroutine function, which is called with the `arguments` and runs as a task on
        an event loop of its own, or a command line (a list of words), which gets `s2_mock.env` in
        its environment. While it runs, `s2_mock.token` is a token of its own, unless `token` is
        pinned. At the point, connections end without an answer; then the process is killed with its
        group, or the task is cancelled and awaited for 5 s. Returns when the work has ended or was
        stopped, and raises what work raised that was not stopped. Raises `TypeError` for a plain
        function, which nothing can stop from outside; `TimeoutError` for work that takes longer
        than `timeout`, in seconds of real time, or that is not stopped by being cancelled.
        """
        self._check(work, arguments, timeout)
        timeout = min(timeout, threading.TIMEOUT_MAX)
        if isinstance(work, list | tuple):
            self._run_command([os.fspath(word) for word in work], timeout)
            return
        errors: list[BaseException] = []

        def run() -> None:
            try:
                asyncio.run(self.async_run(work, *arguments, timeout=timeout))
            except BaseException as error:  # noqa: BLE001  # of any kind: it is raised below
                errors.append(error)

        # In a thread of its own, since this one may be running a loop.
        thread = threading.Thread(target=run, name="s2mock-worker", daemon=True)
        thread.start()
        thread.join()
        if errors:
            raise errors[0]

    async def async_run(
        self,
        work: Any,
        *arguments: Any,
        timeout: float = 60,
    ) -> None:
        """Do as `run`, with a coroutine function as a task of the running event loop."""
        self._check(work, arguments, timeout)
        timeout = min(timeout, threading.TIMEOUT_MAX)
        if isinstance(work, list | tuple):
            await asyncio.to_thread(self.run, work, timeout=timeout)
            return
        with older_objects_left_out():
            if await self._run_task(work, arguments, timeout):
                forget_unclosed()

    async def _run_task(self, work: Any, arguments: tuple[Any, ...], timeout: float) -> bool:
        """Run a coroutine function as a task; return True if it was stopped."""
        with self._work() as (mock, reached):
            loop = asyncio.get_running_loop()
            woken = asyncio.Event()
            reached.callback = lambda: loop.call_soon_threadsafe(woken.set)
            coroutine: Coroutine[Any, Any, object] = work(*arguments)
            task = asyncio.ensure_future(coroutine)
            waiter = asyncio.ensure_future(woken.wait())
            try:
                await asyncio.wait(
                    {task, waiter}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED
                )
                if self._instructions.has_to_stop:
                    # The server's own thread does it, within its next turn.
                    _drop_connections(mock)
                elif task.done():
                    await task
                    return False
                await _cancel(task)
                if not self._instructions.has_to_stop:
                    raise TimeoutError(_TOO_LONG.format(timeout))
                return True
            finally:
                waiter.cancel()
                if not task.done():
                    task.cancel()

    def _run_command(self, words: list[str], timeout: float) -> None:
        with self._work() as (mock, reached):
            woken = threading.Event()
            reached.callback = woken.set
            command = Command(words, mock.env)
            failed: list[CommandFailed | None] = []

            def watch() -> None:
                failed.append(command.wait())
                woken.set()

            watcher = threading.Thread(target=watch, name="s2mock-worker", daemon=True)
            watcher.start()
            is_woken = woken.wait(timeout)
            if self._instructions.has_to_stop:
                _drop_connections(mock)
            command.kill()
            watcher.join()
            if self._instructions.has_to_stop:
                return
            if not is_woken:
                raise TimeoutError(_TOO_LONG.format(timeout))
            if failed[0] is not None:
                raise failed[0]

    def _check(self, work: Any, arguments: tuple[Any, ...], timeout: float) -> None:
        check_timeout(timeout)
        check_work(work, "the work")
        if self._mock is None or self.is_over:
            raise RuntimeError(
                "work runs within the block: `with attempt as s2_mock: attempt.run(work)`"
            )
        if isinstance(work, list | tuple):
            if arguments:
                raise TypeError("a command line has its arguments in the list")
        elif not is_coroutine_function(work):
            raise TypeError(
                f"{work!r} is a plain function, which cannot be stopped from outside: make it a "
                "coroutine function, or a command line (a list) that runs it in a process"
            )

    @contextmanager
    def _work(self) -> "Iterator[tuple[S2Mock, _Reached]]":
        """Observe the worker during the block, under a token of its own."""
        mock, instructions, reached = self._mock, self._instructions, _Reached()
        assert mock is not None
        instructions.on_reached = reached.notify
        own, tokens = mock.token, []
        self._runs += 1
        if not mock._is_token_pinned:  # noqa: SLF001  # made for this
            # Clients that it starts do not outlive it, and its successor has another one.
            token = mock._actor_token(self._runs)  # noqa: SLF001
            mock._engine.authorization.admit_actor(token)  # noqa: SLF001
            mock.token = token
            tokens = [token]
        instructions.begin_work(tokens)
        try:
            yield mock, reached
        finally:
            instructions.end_work()
            mock.token = own

    @property
    def _instructions(self) -> CrashInstructions:
        instructions: CrashInstructions = self._attempt.instructions
        return instructions


_TOO_LONG: Final = "the work has not ended within {:g} s: timeout= gives it longer"


class _Reached:
    """A callback for the time when the point is reached, which may not be known yet."""

    callback: Callable[[], object] = staticmethod(bool)

    def notify(self) -> None:
        self.callback()


def _drop_connections(mock: S2Mock) -> None:
    mock._drop_clients()  # noqa: SLF001  # made for this


async def _cancel(task: "asyncio.Future[object]") -> None:
    """Cancel a task, and wait for its end. Raises `TimeoutError`."""
    task.cancel()
    await asyncio.wait({task}, timeout=_CANCEL_SECONDS)
    if not task.done():
        raise TimeoutError(
            f"the work goes on {_CANCEL_SECONDS:g} s after it was cancelled: it must not suppress "
            "asyncio.CancelledError"
        )
    with suppress(BaseException):
        # What it raised when it was stopped is no failure.
        task.result()


class CrashReplay(CrashAttempt):
    """One attempt alone: a context manager, or the only item of a loop."""

    def __iter__(self) -> Iterator[Self]:
        yield self


class Crashes(PythonCampaign[CrashAttempt]):
    """A crash of a worker right before and right after the effect of each of its operations.

    In the block of each attempt, `attempt.run(work)` runs the worker; the first time undisturbed.
    Then there is one attempt for each matching operation and each of the two, up to `limit`. `on`,
    `basin` and `stream` are those of `S2Mock.inject`, `options` those of `S2Mock`. With `check` an
    attempt also fails if what its clients observed is not linearizable. All attempts
    share one URL. After the loop, `report()` has the failures, the shortest first.

    The fixture `s2_crash` is one without a plan: call it with these arguments, and its test fails
    at the end of the loop with that report. Raises `TypeError`, `ValueError`.
    """

    _fixture = "s2_crash"

    def __init__(
        self,
        *,
        on: str | Iterable[str],
        basin: str = "*",
        stream: str = "*",
        limit: int = LIMIT,
        check: bool = False,
        **options: Any,
    ) -> None:
        scope = Scope(on, basin=basin, stream=stream, limit=limit, check=check, options=options)
        super().__init__(CrashPlan(scope), outside_pytest(), options)

    def __call__(
        self,
        *,
        on: str | Iterable[str],
        basin: str = "*",
        stream: str = "*",
        limit: int = LIMIT,
        check: bool = False,
        **options: Any,
    ) -> "Crashes":
        """Return the attempts of a campaign with these arguments, which are those of `Crashes`.

        `options` are added to the marker's. Raises `TypeError`, `ValueError`.
        """
        scope = Scope(on, basin=basin, stream=stream, limit=limit, check=check, options=options)
        return self._with_plan(CrashPlan(scope), options)

    def replay(
        self,
        when: When,
        operation: str,
        number: int,
        *,
        basin: str = "*",
        stream: str = "*",
        limit: int = LIMIT,
        check: bool = False,
        required: bool = True,
        **options: Any,
    ) -> CrashReplay:
        """Return one attempt alone, with a crash "before" or "after" that operation.

        It is the `number`-th matching operation of the worker, counted from 1. If it is not
        `required`, an operation that does not arrive is no failure. `limit` changes nothing here.
        Raises `TypeError`, `ValueError`.
        """
        point = checked_point(when, operation, number)
        scope = Scope(
            operation,
            basin=basin,
            stream=stream,
            limit=limit,
            check=check,
            options=options,
            is_required=required,
        )
        plan = CrashPlan(scope)
        return self._run_alone(CrashReplay, plan, CrashInstructions(plan, point), options)

    def _drive(self, attempt: CampaignAttempt[CrashInstructions]) -> CrashAttempt:
        return CrashAttempt(attempt, self._make, on_end=self._note_end)

    def _write_test(self, instructions: CrashInstructions, source: LoopSource) -> str | None:
        point = instructions.point
        if point is None:
            return None
        arguments = [*map(repr, point), *instructions.plan.scope.place_as_code()]
        return self._write_replay(f"with {point}", arguments, source)
