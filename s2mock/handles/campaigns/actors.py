"""The actors of a run: functions in threads, coroutines on one event loop, and commands."""

import asyncio
import gc
import inspect
import os
import signal
import subprocess
import tempfile
import threading
import warnings
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import Any, Final

from s2mock.handles.mock import S2Mock
from s2mock.handles.mock_base import sdk_environment

Ended = Callable[[str, BaseException | None], object]
"""Called with the name of an actor that has ended, and the error that it raised."""

_SHOWN_BYTES: Final = 2_000
_STOP_SECONDS: Final = 5.0


class Actor:
    """An actor of a run, as its function gets it.

    `url` and `token` are for its client. The token is the actor's: its operations are known by it.
    """

    def __init__(self, name: str, mock: S2Mock, token: str) -> None:
        self.name: str = name
        self.token: str = token
        self._mock = mock

    @cached_property
    def url(self) -> str:
        """The URL of the account; its server is started when this is first read."""
        return self._mock.url

    @property
    def env(self) -> dict[str, str]:
        """Environment variables that point S2's SDKs and command line to the account."""
        return sdk_environment(self.url, self.token)

    def __repr__(self) -> str:
        return f"<actor {self.name}>"


class CommandFailed(Exception):
    """A command has ended with a status other than 0; the message has the end of its output."""


def check_work(function: object, what: str) -> None:
    """Check that it is a function or a command line. Raises `TypeError`, `ValueError`."""
    if isinstance(function, list | tuple):
        if not function:
            raise ValueError(f"{what} is an empty command line")
        for word in function:
            if not isinstance(word, str | os.PathLike):
                raise TypeError(f"{what} is a command line with {word!r}, which is no text")
    elif not callable(function):
        raise TypeError(
            f"{what} must be a function, a coroutine function or a command line (a list), not "
            f"{function!r}"
        )


def is_coroutine_function(function: object) -> bool:
    """True for a coroutine function, and for an object whose call is one."""
    call = getattr(function, "__call__", None)  # noqa: B004  # the method itself
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)


@contextmanager
def older_objects_left_out() -> Iterator[None]:
    """Have `forget_unclosed` look only at objects that were made since the begin of the block.

    That of a large session takes longer than most scenarios. A program that has frozen objects
    itself keeps them frozen, and all others are looked at.
    """
    if gc.get_freeze_count():
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def forget_unclosed() -> None:
    """Let what a stopped task has not closed go without a warning, while its loop is there.

    A client that crashes closes nothing, and asyncio warns of that, which may fail the next test.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


class Command:
    """A command that runs in a process group of its own. Raises `OSError` if it cannot start."""

    def __init__(self, words: Sequence[str], env: dict[str, str]) -> None:
        self._words = words
        self._output = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `wait`
        self._process = subprocess.Popen(  # noqa: S603  # the test's own command
            words,
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def wait(self) -> CommandFailed | None:
        """Return when it has ended: an error if its status is not 0, else None."""
        status = self._process.wait()
        # What it has started, too.
        self.kill()
        with self._output as output:
            output.seek(0, os.SEEK_END)
            output.seek(max(0, output.tell() - _SHOWN_BYTES))
            text = output.read().decode(errors="replace").strip()
        if not status:
            return None
        shown = f":\n{text}" if text else " and no output"
        return CommandFailed(f"{self._words[0]} has ended with status {status}{shown}")

    def kill(self) -> None:
        """Kill the process and all of its group."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)


class LoopThread:
    """An event loop in a thread of its own, for all coroutines of a run."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._thread = threading.Thread(target=self._run, name="s2mock-actors", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
        with suppress(Exception):
            # What the actors have started, such as the tasks of a client that was not closed.
            if left := asyncio.all_tasks(self.loop):
                for task in left:
                    task.cancel()
                self.loop.run_until_complete(asyncio.wait(left, timeout=_STOP_SECONDS))
                left.clear()
                forget_unclosed()
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()

    def start(
        self, make: Callable[[], Coroutine[Any, Any, object]], ended: Callable[..., object]
    ) -> None:
        """Run a coroutine as a task; `ended` is called with its error, or None."""

        async def run() -> None:
            error: BaseException | None = None
            try:
                await make()
            except asyncio.CancelledError:
                error = asyncio.CancelledError("the actor was cancelled")
            except BaseException as raised:  # noqa: BLE001  # of any kind: `go` raises it
                error = raised
            ended(error)

        def create() -> None:
            task = self.loop.create_task(run())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        self.loop.call_soon_threadsafe(create)

    def stop(self) -> None:
        """Cancel all tasks, and end the loop when they have ended, or after 5 s."""

        async def cancel() -> None:
            tasks = [task for task in self._tasks if not task.done()]
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks, timeout=_STOP_SECONDS)
            self.loop.stop()

        # The loop is running until this ends it.
        asyncio.run_coroutine_threadsafe(cancel(), self.loop)
        self._thread.join(3 * _STOP_SECONDS)


class ActorGroup:
    """All actors of one run: started together, and stopped together."""

    def __init__(self, ended: Ended) -> None:
        self._ended = ended
        self._loop: LoopThread | None = None
        self._commands: list[Command] = []

    def start(self, actor: Actor, function: Any, arguments: tuple[Any, ...]) -> None:
        """Start one actor: its function, coroutine function or command line."""
        name = actor.name
        if isinstance(function, list | tuple):
            try:
                command = Command([os.fspath(word) for word in function], actor.env)
            except OSError as error:
                self._ended(name, error)
                return
            self._commands.append(command)
            self._in_thread(name, lambda: self._ended(name, command.wait()))
        elif is_coroutine_function(function):
            if self._loop is None:
                self._loop = LoopThread()
            self._loop.start(
                lambda: function(actor, *arguments), lambda error: self._ended(name, error)
            )
        else:
            self._in_thread(name, lambda: self._call(name, lambda: function(actor, *arguments)))

    def _call(self, name: str, function: Callable[[], object]) -> None:
        error: BaseException | None = None
        try:
            function()
        except BaseException as raised:  # noqa: BLE001  # of any kind: `go` raises it
            error = raised
        self._ended(name, error)

    def _in_thread(self, name: str, function: Callable[[], object]) -> None:
        threading.Thread(target=function, name=f"s2mock-actor-{name}", daemon=True).start()

    def stop(self) -> None:
        """Kill the commands, and cancel the tasks, that have not ended."""
        for command in self._commands:
            command.kill()
        if self._loop is not None:
            self._loop.stop()
            self._loop = None
