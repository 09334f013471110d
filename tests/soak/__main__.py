"""Run the soak, and say what came of it. The exit status is 1 if it is not well."""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from s2mock.contract.client import Client
from tests.soak import load
from tests.soak.watching import Bystander, Sample, sample, trends

# How long the server may take to notice that all have gone.
_AFTERWARDS = 2.0


def main() -> int:
    """Run it."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--seconds", type=float, default=600)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with (
            log.open("wb") as written,
            subprocess.Popen(
                [sys.executable, "-m", "s2mock", "--port", "0"],
                stdout=subprocess.PIPE,
                stderr=written,
                text=True,
            ) as server,
        ):
            try:
                return soak(server, seconds, log)
            finally:
                server.terminate()


def soak(server: "subprocess.Popen[str]", seconds: float, log: Path) -> int:
    """Soak that server."""
    assert server.stdout is not None
    url = server.stdout.readline().strip().rpartition("=")[2]
    client = Client(url, basin=load.BASIN)
    load.begin(client)
    before = sample(server.pid)
    samples: list[Sample] = []
    pause = min(5.0, seconds / 40)
    with Bystander(client, "/v1/streams/log/records/tail") as bystander:
        attackers = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.soak.load", str(which), url, str(seconds)],
                stdout=subprocess.PIPE,
            )
            for which in range(len(load.PROCESSES))
        ]
        over = time.monotonic() + seconds
        while time.monotonic() < over and server.poll() is None:
            time.sleep(pause)
            samples.append(sample(server.pid))
            print(f"{seconds - (over - time.monotonic()):6.0f} s  {shown(samples[-1])}", flush=True)
        seen: Counter[int] = Counter()
        for attacker in attackers:
            said = json.loads(attacker.communicate(timeout=120)[0] or "{}")
            seen.update({int(status): count for status, count in said.items()})
    time.sleep(_AFTERWARDS)
    print(f"before    {shown(before)}\nafter     {shown(sample(server.pid))}")
    faults = [f"load failed: {one.args}" for one in attackers if one.returncode]
    return verdict(samples, seen, bystander, log.read_text(), faults)


def shown(taken: Sample) -> str:
    """A sample, as a line."""
    return (
        f"{taken.kibibytes / 1024:7.1f} MiB, {taken.threads} threads, "
        f"{taken.descriptors} descriptors"
    )


def verdict(
    samples: list[Sample], seen: "Counter[int]", bystander: Bystander, log: str, faults: list[str]
) -> int:
    """Say what came of it; the exit status."""
    for trend in trends(samples):
        print(
            f"{trend.name}: median {trend.steady:.0f} in the second quarter, {trend.later:.0f} in "
            f"the second half ({'flat' if trend.is_flat else 'NOT FLAT'})"
        )
        if not trend.is_flat:
            faults.append(f"{trend.name} grow")
    print("statuses: " + ", ".join(f"{status} {seen[status]:,}" for status in sorted(seen)))
    if failed := sum(count for status, count in seen.items() if status >= 500):
        faults.append(f"{failed} answers of 5xx")
    waits = sorted(bystander.waits)
    print(
        f"the bystander: {len(waits):,} requests, p50 {waits[len(waits) // 2] * 1000:.1f} ms, "
        f"p99 {waits[len(waits) * 99 // 100] * 1000:.1f} ms, worst {waits[-1] * 1000:.1f} ms"
    )
    if bystander.failures:
        faults.append(f"the bystander: {Counter(bystander.failures)}")
    if "Traceback" in log:
        faults.append("tracebacks in the server's log:\n" + log[-4000:])
    print("all is well" if not faults else "\n".join(["NOT WELL", *faults]))
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
