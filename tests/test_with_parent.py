"""`--with-parent`: the command ends with the process that has started it."""

import os
import select
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator

import httpx
import pytest

pytestmark = pytest.mark.slow

PATIENCE = 60
# Starts the command with its own standard output, says its number, and goes on.
PARENT = """
    import subprocess, sys, threading
    command = [sys.executable, "-m", "s2mock", *sys.argv[1:]]
    started = subprocess.Popen(command)
    print(f"process {started.pid}", flush=True)
    sys.stdin.read()
"""
# The same in a thread, which has ended when it says so.
IN_A_THREAD = """
    import subprocess, sys, threading
    command = [sys.executable, "-m", "s2mock", *sys.argv[1:]]
    thread = threading.Thread(target=subprocess.Popen, args=(command,))
    thread.start()
    thread.join()
    print("process 0", flush=True)
    sys.stdin.read()
"""
# A system that tells of no process's end.
WITHOUT_PIDFD = """
    import os, sys
    def refuse(_): raise OSError("not here")
    os.pidfd_open = refuse
    from s2mock.control.command_line import parent
    parent._PAUSE = 0.01
    sys.argv[0] = "s2mock"
    from s2mock.__main__ import main
    sys.exit(main())
"""


class Family:
    """A process that starts the command; its output is that of both."""

    def __init__(self, program: str, *arguments: str) -> None:
        self.parent = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(program), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self.parent.stdout is not None
        self.output = self.parent.stdout
        self.text = b""

    def read_until(self, wanted: bytes) -> str:
        """Return what is behind `wanted` in its line."""
        while wanted not in self.text or b"\n" not in self.text.partition(wanted)[2]:
            assert self.read(), f"ended after {self.text!r}"
        return self.text.partition(wanted)[2].partition(b"\n")[0].decode()

    def read(self) -> bytes:
        assert select.select([self.output], [], [], PATIENCE)[0], f"silent after {self.text!r}"
        piece = os.read(self.output.fileno(), 65536)
        self.text += piece
        return piece

    def read_to_the_end(self) -> None:
        """Return when each process that has the output has ended."""
        while self.read():
            pass


@pytest.fixture
def families() -> Iterator[list[Family]]:
    families: list[Family] = []
    yield families
    for family in families:
        family.parent.kill()
        family.parent.communicate()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda one: one.name)
@pytest.mark.parametrize("command", [[], ["lite"]], ids=["serve", "lite"])
def test_it_ends_with_its_parent(
    families: list[Family], command: list[str], number: signal.Signals
) -> None:
    family = Family(PARENT, *command, "--port=0", "--with-parent")
    families.append(family)
    url = family.read_until(b"S2_ACCOUNT_ENDPOINT=")
    assert httpx.get(f"{url}/health", trust_env=False).text == "OK"
    family.parent.send_signal(number)
    family.read_to_the_end()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{url}/health", trust_env=False)


def test_without_the_flag_it_does_not(families: list[Family]) -> None:
    family = Family(PARENT, "--port=0")
    families.append(family)
    url = family.read_until(b"S2_ACCOUNT_ENDPOINT=")
    process = int(family.read_until(b"process "))
    family.parent.kill()
    family.parent.wait(PATIENCE)
    try:
        assert httpx.get(f"{url}/health", trust_env=False).text == "OK"
    finally:
        os.kill(process, signal.SIGKILL)
    family.read_to_the_end()


def test_the_end_of_the_thread_that_has_started_it_is_not_its_parents(
    families: list[Family],
) -> None:
    family = Family(IN_A_THREAD, "--port=0", "--with-parent")
    families.append(family)
    url = family.read_until(b"S2_ACCOUNT_ENDPOINT=")
    family.read_until(b"process ")
    for _ in range(3):
        assert httpx.get(f"{url}/health", trust_env=False).text == "OK"
    family.parent.kill()
    family.read_to_the_end()


def test_the_command_of_run_ends_too(families: list[Family]) -> None:
    code = "import time; print('started', flush=True); time.sleep(1000)"
    family = Family(PARENT, "run", "--with-parent", "--", sys.executable, "-c", code)
    families.append(family)
    family.read_until(b"started")
    family.parent.kill()
    family.read_to_the_end()


def test_where_the_system_tells_of_no_end(families: list[Family]) -> None:
    code = f"""
    import subprocess, sys
    code = {textwrap.dedent(WITHOUT_PIDFD)!r}
    subprocess.Popen([sys.executable, "-c", code, *sys.argv[1:]])
    sys.stdin.read()
    """
    family = Family(code, "--port=0", "--with-parent")
    families.append(family)
    family.read_until(b"S2_ACCOUNT_ENDPOINT=")
    family.parent.kill()
    family.read_to_the_end()


def test_a_parent_that_has_ended_before() -> None:
    code = """
    import os, signal, sys
    from s2mock.control.command_line import parent
    own = os.getppid()
    # As if it had another parent by the time that this is looked at.
    answers = iter([own, own + 1])
    os.getppid = lambda: next(answers)
    parent.end_with_parent()
    signal.pause()
    """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], check=False, timeout=PATIENCE
    )
    assert ended.returncode == -signal.SIGTERM
