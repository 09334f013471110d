"""The calls of hooks: functions of a test, which are called for operations that are held.

Each call has a thread of its own: it may take any time, and wait for other operations, for which
hooks are called too. The few workers of a server would be busy then.
"""

import threading
from collections.abc import Callable
from inspect import iscoroutine, iscoroutinefunction
from traceback import format_exception
from typing import TYPE_CHECKING, Any, Final

from s2mock.powers.faults import Fault, check_fault
from s2mock.runtime.fork_locks import Rank, take_at_fork
from s2mock.runtime.notifier import PATIENCE, Notifier, Pending

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Future

    from s2mock.powers.exchange import Exchange
    from s2mock.powers.hold import Hold

Function = Callable[["Exchange"], Any]
Finish = Callable[[Fault | None], object]
"""A function that lets an operation continue, with a fault. Raises `TypeError`, `ValueError`."""

_LOOP_ADVICE: Final = (
    "call `await s2_mock.serve()` before on(), or give a function that is no coroutine function; "
    "with --s2mock-target only that"
)


class HookCalls:
    """The calls of all hooks of a mock: those in progress, and the exceptions that they raised."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        take_at_fork(self._lock, Rank.INNER)
        self._notifier = Notifier()
        # The threads in progress; and the errors, each with its hook, until they are taken.
        self._running: dict[threading.Thread, HookFunction] = {}
        self._errors: list[tuple[HookFunction, BaseException]] = []
        # The hooks with calls that have lasted too long.
        self._late: list[HookFunction] = []
        self.call_soon: Callable[[Callable[[], None]], object] | None = None
        """Calls a function later, in place of a thread for each call; None for threads."""

    def start(self, hook: "HookFunction", call: Callable[[], None]) -> None:
        """Make a call of the hook, in a thread of its own or where `call_soon` makes it."""
        if self.call_soon is not None:
            self.call_soon(call)
            return

        def run() -> None:
            try:
                call()
            finally:
                self._end()

        thread = threading.Thread(target=run, name="s2mock-hook", daemon=True)
        with self._lock:
            self._running[thread] = hook
        thread.start()

    def _end(self) -> None:
        """Note that the call in this thread has ended."""
        with self._lock:
            self._running.pop(threading.current_thread(), None)
        self._notifier.notify()

    def note(self, hook: "HookFunction", error: BaseException) -> None:
        """Keep an exception that a hook has raised, until the end of the test."""
        with self._lock:
            if not hook.is_late:
                self._errors.append((hook, error))

    def take_error(self, hook: "HookFunction | None" = None) -> BaseException | None:
        """Return the first exception of a hook, or of any, and forget the others; None if none."""
        with self._lock:
            taken = [error for one, error in self._errors if hook in (None, one)]
            self._errors = [(one, error) for one, error in self._errors if hook not in (None, one)]
        if not taken:
            return None
        if len(taken) > 1:
            taken[0].add_note(f"{len(taken) - 1} more calls of hooks have raised an exception")
        return taken[0]

    def wait_for_error(self) -> BaseException | None:
        """Wait as `wait` does, and return the first exception of any hook, or None."""
        self.wait()
        return self.take_error()

    def take_complaints(self) -> list[str]:
        """Wait as `wait` does; return a message for each error, and for each call that lasts."""
        self.wait()
        with self._lock:
            errors, self._errors = self._errors, []
            late, self._late = self._late, []
        complaints = [
            f"a hook failed: {hook.text}: {_title(error)}\n{_trace(error)}"
            for hook, error in errors
        ]
        return complaints + [
            f"a hook has not returned {PATIENCE:g} s after the end of its test: {hook.text}"
            for hook in late
        ]

    def wait(self) -> None:
        """Wait until no call is in progress, for a few seconds of real time at most.

        It leaves out a call in this thread, and later those that it waited for in vain.
        """
        if not self._others():
            return
        try:
            Pending(self._notifier, lambda: not self._others() or None, str, PATIENCE).wait()
        except TimeoutError:
            with self._lock:
                late = self._others()
                for thread, hook in late.items():
                    hook.is_late = True
                    del self._running[thread]
                    self._late.append(hook)

    def _others(self) -> "dict[threading.Thread, HookFunction]":
        own = threading.current_thread()
        return {thread: hook for thread, hook in self._running.items() if thread is not own}


class HookFunction:
    """The function of a hook. A coroutine function is called on `loop`, any other in a thread.

    `text` is the call that made the hook. Raises `TypeError` for what cannot be called, and for a
    coroutine function without a loop.
    """

    def __init__(
        self,
        do: Function,
        text: str,
        calls: HookCalls,
        loop: "asyncio.AbstractEventLoop | None" = None,
    ) -> None:
        if not callable(do):
            raise TypeError(
                f"do must be a function that takes the exchange, as in on('append', "
                f"lambda exchange: ...), not {do!r}"
            )
        self._is_async = iscoroutinefunction(do) or iscoroutinefunction(type(do).__call__)
        if self._is_async and loop is None:
            raise TypeError(
                f"do is a coroutine function, {do!r}, which runs on the loop of serve(), and this "
                f"mock is not served on one: {_LOOP_ADVICE}"
            )
        self.text = text
        self.is_late: bool = False
        """True once the test has ended without waiting any longer for a call."""
        self._do = do
        self._calls = calls
        self._loop = loop

    def call(self, exchange_of: "Callable[[], Exchange]", finish: Finish) -> None:
        """Begin to call the function with the exchange; call `finish` with its fault, or None."""
        if self._is_async:
            self._call_on_loop(exchange_of, finish)
            return

        def run() -> None:
            fault = None
            try:
                fault = _fault_of(self._do(exchange_of()))
            except BaseException as error:  # noqa: BLE001  # the test's own, of any kind
                self._calls.note(self, error)
            self._finish(finish, fault)

        self._calls.start(self, run)

    def _call_on_loop(self, exchange_of: "Callable[[], Exchange]", finish: Finish) -> None:
        import asyncio  # loaded late: only a test with an event loop needs it

        async def run() -> Fault | None:
            return _fault_of(await self._do(exchange_of()))

        def end(future: "Future[Fault | None]") -> None:
            fault = None
            # The loop cancels its tasks when the test ends, which is no failure.
            if not future.cancelled():
                error = future.exception()
                if error is None:
                    fault = future.result()
                else:
                    self._calls.note(self, error)
            self._finish(finish, fault)

        assert self._loop is not None, "checked"
        running = run()
        try:
            future = asyncio.run_coroutine_threadsafe(running, self._loop)
        except RuntimeError as error:
            # The loop is closed.
            running.close()
            self._calls.note(self, error)
            finish(None)
        else:
            future.add_done_callback(end)

    def _finish(self, finish: Finish, fault: Fault | None) -> None:
        try:
            finish(fault)
        except Exception as error:  # noqa: BLE001  # of any kind: the operation has to go on
            self._calls.note(self, error)
            if fault is not None:
                self._finish(finish, None)


class Hook:
    """The state of a hook: a hold that calls a function, which decides how the operation goes on.

    A test has it by a handle, `s2mock.handles.faults.Hook`.
    """

    def __init__(self, hold: "Hold", function: HookFunction, calls: HookCalls) -> None:
        self._hold = hold
        self._function = function
        self._calls = calls

    @property
    def text(self) -> str:
        """The call that made the hook, without its limits."""
        return self._hold.text

    @property
    def calls(self) -> int:
        """The number of operations that it was called for."""
        return self._hold.count

    @property
    def exchanges(self) -> "tuple[Exchange, ...]":
        """The operations that it was called for, in that order."""
        return self._hold.exchanges

    def remove(self) -> None:
        """Call the function no more; a call in progress ends as it would."""
        self._hold.stop()

    def take_error(self) -> BaseException | None:
        """Return the first exception that the function has raised, once; None without one."""
        return self._calls.take_error(self._function)


def _fault_of(result: Any) -> Fault | None:
    """Return the fault that a hook returned; None for any other result.

    A lambda that makes a direct call returns the result of that. Raises `TypeError` for a kind of
    fault, and for a coroutine.
    """
    if isinstance(result, Fault):
        return result
    if isinstance(result, type) and issubclass(result, Fault):
        check_fault(result)
    if iscoroutine(result):
        result.close()
        raise TypeError(
            "a hook returned a coroutine, which nothing awaits: give on() the coroutine function "
            "itself, as in on('append', record), where record is an `async def`"
        )
    return None


def _title(error: BaseException) -> str:
    """Return the kind of an exception, and the first line of its message."""
    message = str(error).partition("\n")[0]
    return f"{type(error).__name__}: {message}" if message else type(error).__name__


def _trace(error: BaseException) -> str:
    """Return the traceback of an exception, from the hook's own frame on."""
    trace = error.__traceback__
    is_ours = trace is not None and trace.tb_next is not None
    inner = trace.tb_next if is_ours and trace is not None else trace
    return "".join(format_exception(type(error), error, inner)).rstrip()
