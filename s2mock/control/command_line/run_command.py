"""`python -m s2mock run -- CMD`: run a command with a server of its own, which ends with it."""

import os
import signal
import threading
from collections.abc import Iterable, Mapping
from typing import Final

# The signals that the command gets too. The terminal sends its signals, SIGINT among them, to all
# processes in the foreground by itself.
PASSED_ON: Final = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGWINCH")
)
# The waiting thread sends it to this process when the command has ended. Nothing else sends it.
_ENDED: Final = signal.SIGALRM
_FROM_A_PROCESS: Final = 0

NOT_EXECUTABLE: Final = 126
NOT_FOUND: Final = 127


def block() -> Iterable[signal.Signals | int]:
    """Block the signals that `run` waits for, before any thread starts; return the mask before."""
    return signal.pthread_sigmask(signal.SIG_BLOCK, (*PASSED_ON, _ENDED))


def run(command: list[str], env: Mapping[str, str], mask: Iterable[signal.Signals | int]) -> int:
    """Run the command to its end, and return its status, as a shell does.

    `mask` is the mask of signals that the command begins with. Raises `OSError` if the command
    cannot be run.
    """
    process = os.posix_spawnp(command[0], command, {**os.environ, **env}, setsigmask=mask)
    statuses: list[int] = []

    def wait(waiting: int) -> None:
        statuses.append(os.waitpid(process, 0)[1])
        signal.pthread_kill(waiting, _ENDED)

    threading.Thread(target=wait, args=(threading.get_ident(),), daemon=True).start()
    # The signal of the end is taken even if the status is there before it: one that stays pending
    # would reach this process later, when it is unblocked.
    while (number := _next_signal()) != _ENDED or not statuses:
        if number is not None and number != _ENDED and not statuses:
            os.kill(process, number)
    status = os.waitstatus_to_exitcode(statuses[0])
    return status if status >= 0 else 128 - status


def _next_signal() -> signal.Signals | None:
    """Wait for a signal; return it, or None if the command has got it as well."""
    awaited = (*PASSED_ON, _ENDED)
    if not hasattr(signal, "sigwaitinfo"):
        return signal.Signals(signal.sigwait(awaited))
    info = signal.sigwaitinfo(awaited)
    # The kernel sent it: the command got it as well, from the same terminal.
    is_of_terminal = info.si_signo != _ENDED and info.si_code > _FROM_A_PROCESS
    return None if is_of_terminal else signal.Signals(info.si_signo)
