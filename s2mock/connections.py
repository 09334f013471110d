"""The connections of a server in this process, dropped from outside.

Granian ends a connection when its request has been answered, and has no way to end one whose
request never gets complete.
"""

import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

_EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104  # compared with, not listened on
# Where Linux and macOS list what a process has open.
_DESCRIPTORS = Path("/dev/fd")


def drop_connections(address: str, port: int) -> None:
    """Shut down the server's side of all connections to this address of the process."""
    for descriptor in [int(entry.name) for entry in _DESCRIPTORS.iterdir()]:
        # Any of them may be gone by now.
        with suppress(OSError):
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                with socket.socket(fileno=os.dup(descriptor)) as connection:
                    _drop_if_at(connection, address, port)


def _drop_if_at(connection: socket.socket, address: str, port: int) -> None:
    if connection.family not in (socket.AF_INET, socket.AF_INET6):
        return
    # The listener stands at the same address, and its end is Granian's own affair: shut down
    # under it, it would be asked for connections for ever.
    if connection.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        return
    at = connection.getsockname()
    if at[1] == port and address in (at[0], *_EVERY_ADDRESS):
        connection.shutdown(socket.SHUT_RDWR)
