"""`python -m s2mock run -- CMD`: a command with a server of its own, which ends with it."""

import os
import signal
import threading
from collections.abc import Iterable, Mapping
from typing import Final

# What is passed on. The terminal sends its own to everybody in the foreground, this among them.
PASSED_ON: Final = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH")
)
# Tells this process that the command has ended: nobody else sends it.
_ENDED: Final = signal.SIGALRM
_FROM_A_PROCESS: Final = 0

NOT_EXECUTABLE: Final = 126
NOT_FOUND: Final = 127


def block() -> Iterable[signal.Signals | int]:
    """Keep all signals for `run`, from before any thread is started; returns the mask before."""
    return signal.pthread_sigmask(signal.SIG_BLOCK, (*PASSED_ON, _ENDED))


def run(command: list[str], env: Mapping[str, str], mask: Iterable[signal.Signals | int]) -> int:
    """Run the command to its end, and return its status, as a shell has it.

    `mask` is the mask of signals that it begins with. Raises `OSError` where it cannot be run.
    """
    process = os.posix_spawnp(command[0], command, {**os.environ, **env}, setsigmask=mask)
    statuses: list[int] = []

    def wait(waiting: int) -> None:
        statuses.append(os.waitpid(process, 0)[1])
        signal.pthread_kill(waiting, _ENDED)

    threading.Thread(target=wait, args=(threading.get_ident(),), daemon=True).start()
    while not statuses:
        number = _next_signal()
        if number is not None and not statuses:
            os.kill(process, number)
    status = os.waitstatus_to_exitcode(statuses[0])
    return status if status >= 0 else 128 - status


def _next_signal() -> int | None:
    """The next signal that is to be passed on; None for one that says something else."""
    awaited = (*PASSED_ON, _ENDED)
    if not hasattr(signal, "sigwaitinfo"):
        number = signal.sigwait(awaited)
        return None if number == _ENDED else number
    info = signal.sigwaitinfo(awaited)
    # Of the kernel's: the command has got it as well, from the same terminal.
    is_own = info.si_signo == _ENDED or info.si_code > _FROM_A_PROCESS
    return None if is_own else info.si_signo
