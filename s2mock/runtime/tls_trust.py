"""TLS to other servers: the authorities that are trusted, and the reasons why a server is not."""

import os
import ssl
from functools import lru_cache
from pathlib import Path
from typing import Final

_AUTHORITY_VARIABLE: Final = "SSL_CERT_FILE"
_TRUST_VARIABLES: Final = (_AUTHORITY_VARIABLE, "SSL_CERT_DIR")
_TRUST_HINT: Final = f"{_AUTHORITY_VARIABLE} names the file of a certificate authority to trust"
# Codes of OpenSSL (X509_V_ERR_...): no certificate of the chain is known, or the server's is for
# other names (a host, an address).
_UNKNOWN_AUTHORITY: Final = frozenset((18, 19, 20, 21))
_OTHER_NAME: Final = frozenset((62, 64))
# OpenSSL has several for an answer that is no record of TLS.
_NO_TLS: Final = frozenset(("WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST"))


def client_context(*alpn: str) -> ssl.SSLContext:
    """Return a context that checks certificates as OpenSSL does, and offers these protocols.

    It trusts the authorities of the system, or those that `SSL_CERT_FILE` and `SSL_CERT_DIR` name.
    """
    return _make_context(alpn, *map(os.environ.get, _TRUST_VARIABLES))


# It takes up to 0.1 seconds of processor time to make.
@lru_cache(maxsize=16)
def _make_context(
    alpn: tuple[str, ...],
    file: str | None,  # noqa: ARG001  # OpenSSL reads the variables
    directory: str | None,  # noqa: ARG001
) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.set_alpn_protocols(list(alpn))
    return context


def tls_failure(error: ssl.SSLError) -> str:
    """Return the reason why a handshake has failed, which completes "the server ..."."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _untrusted(error)
    if error.reason in _NO_TLS:
        return "does not speak TLS at that port: use http:// for plain HTTP"
    said = str(error).lower()
    if "no application protocol" in said or "no_application_protocol" in said:
        return "takes no protocol that this client offers in the TLS handshake (ALPN)"
    return f"has failed in the TLS handshake: {error.reason or error}"


def _untrusted(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code in _OTHER_NAME:
        return (
            f"has a certificate for another name: {error.verify_message.rstrip('.')}; use a name "
            "that its certificate has"
        )
    if error.verify_code not in _UNKNOWN_AUTHORITY:
        return f"has a certificate that is refused: {error.verify_message}"
    hint = _TRUST_HINT
    file = os.environ.get(_AUTHORITY_VARIABLE)
    if file and not Path(file).is_file():
        hint += f", and there is no file {file}"
    return f"has a certificate that is not trusted: {error.verify_message}. {hint}"
