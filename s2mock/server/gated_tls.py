"""A connection over TLS whose output passes a gate.

The gate holds the plain bytes, and what passes is encrypted then. So the handshake, which tells of
no change, waits for no sync, and the close_notify comes after all that was held.
"""

from s2mock.server.output_gate import GatedConnection
from s2mock.server.tls import TlsConnection


class GatedTlsConnection(TlsConnection, GatedConnection):
    """A connection over TLS whose output is encrypted once it has passed a gate."""
