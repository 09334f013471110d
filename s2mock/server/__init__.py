"""An HTTP server: HTTP/1 and HTTP/2 in cleartext on one port, without any knowledge of S2.

The page docs/explanation/architecture.md gives the reasons for a server of our own.
"""

from s2mock.server.loop_server import LoopServer
from s2mock.server.server import Server

__all__ = ["LoopServer", "Server"]
