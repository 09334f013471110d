"""The load generator as a process of its own."""

import json
import subprocess
import sys
from itertools import count
from typing import Final

from benchmarks.load.exchange import Exchange

# No name is made twice: each run has a block of numbers.
_NUMBERS: Final = count(0, 1_000_000)


def run_load(
    exchange: Exchange,
    port: int,
    *,
    protocol: str,
    connections: int,
    in_flight: int,
    seconds: float,
) -> tuple[int, float]:
    """Send the request for that time; return the number of requests, and the seconds they took.

    `in_flight` is on each connection.
    """
    options = {
        "protocol": protocol,
        "port": port,
        "connections": connections,
        "in-flight": in_flight,
        "seconds": seconds,
        "first-number": next(_NUMBERS),
    }
    command = [sys.executable, "-m", "benchmarks.load"]
    command += [f"--{option}={value}" for option, value in options.items()]
    ran = subprocess.run(
        command, input=json.dumps(vars(exchange)), stdout=subprocess.PIPE, text=True, check=True
    )
    result = json.loads(ran.stdout)
    return result["requests"], result["seconds"]
