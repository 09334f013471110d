"""The protocol object of a new connection: plain or over TLS, with or without a gate."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from s2mock.server.connection import Connection
from s2mock.server.context import Context
from s2mock.server.protocols import recognise

if TYPE_CHECKING:
    from s2mock.server.output_gate import OutputGate
    from s2mock.server.tls import Certificate


def make_client_protocol(
    context: Context,
    certificate: "Certificate | None",
    *,
    gate: "OutputGate | None" = None,
    on_lost: Callable[[], object] | None = None,
) -> asyncio.Protocol:
    """Return the protocol of a new connection, for a transport of sockets.

    With a certificate it speaks TLS; with a gate, its output waits there. `on_lost`, which a
    connection with a gate does not have, is called when the transport has closed its socket.
    """
    if certificate is None:
        if gate is None:
            return Connection(context, recognise, on_lost)
        from s2mock.server.output_gate import GatedConnection

        return GatedConnection(context, recognise, gate)
    # Loaded already, with the certificate.
    from s2mock.server.tls import TlsConnection, TlsTransport

    if gate is None:
        return TlsTransport(certificate, TlsConnection(context, recognise, on_lost))
    from s2mock.server.gated_tls import GatedTlsConnection

    return TlsTransport(certificate, GatedTlsConnection(context, recognise, gate))
