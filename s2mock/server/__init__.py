"""A small HTTP server: HTTP/1 and HTTP/2 in cleartext on one port, and nothing of S2.

Why it is our own is told in docs/explanation/architecture.md.
"""

from s2mock.server.loop_server import LoopServer
from s2mock.server.server import Server

__all__ = ["LoopServer", "Server"]
