"""`/metrics`: how the process is, as Prometheus reads it.

Of the histograms that s2-lite has there too, none: they measure the appends to its storage.
"""

import os
import resource
import threading
import time
from pathlib import Path

from s2mock.api.requests import S2Request
from s2mock.api.responses import S2Response

_started = time.time()
_PROC = Path("/proc/self")
_HELP = {
    "cpu_seconds_total": ("counter", "Total user and system CPU time spent in seconds."),
    "max_fds": ("gauge", "Maximum number of open file descriptors."),
    "open_fds": ("gauge", "Number of open file descriptors."),
    "resident_memory_bytes": ("gauge", "Resident memory size in bytes."),
    "start_time_seconds": ("gauge", "Start time of the process since unix epoch in seconds."),
    "threads": ("gauge", "Number of OS threads in the process."),
    "virtual_memory_bytes": ("gauge", "Virtual memory size in bytes."),
}


def process_metrics(_: S2Request) -> S2Response:
    """What there is to tell; where the system tells less, less."""
    values = {
        "cpu_seconds_total": int(time.process_time()),
        "max_fds": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "start_time_seconds": int(_started),
        "threads": threading.active_count(),
        **_of_the_system(),
    }
    lines = []
    for name, (kind, what) in _HELP.items():
        if name in values:
            full = f"process_{name}"
            lines += [f"# HELP {full} {what}", f"# TYPE {full} {kind}", f"{full} {values[name]}"]
    text = "".join(f"{line}\n" for line in lines)
    return S2Response(200, [("content-type", "text/plain; version=0.0.4")], text.encode())


def _of_the_system() -> dict[str, int]:
    try:
        virtual, resident = (_PROC / "statm").read_text().split()[:2]
        page = os.sysconf("SC_PAGE_SIZE")
        return {
            "open_fds": len(os.listdir(_PROC / "fd")),  # noqa: PTH208  # names are enough
            "resident_memory_bytes": int(resident) * page,
            "virtual_memory_bytes": int(virtual) * page,
        }
    except OSError:
        return {}
