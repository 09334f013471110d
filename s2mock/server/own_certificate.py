"""The certificate authority of this process, and the certificates that it issues, by trustme."""

import atexit
import os
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from s2mock.server.tls import Certificate, make_context

if TYPE_CHECKING:
    from trustme import CA

_MISSING: Final = (
    "{} needs trustme, which makes the certificate, and it is not installed: pip install "
    "'s2mock[tls]'"
)
# No client reaches a server by these, which only say where it listens.
_ALL_ADDRESSES: Final = ("0.0.0.0", "::")  # noqa: S104
_OWN_NAMES: Final = ("localhost", "*.localhost", "127.0.0.1", "::1")


def check_trustme(what: str) -> None:
    """Check that certificates can be made. Raises `ModuleNotFoundError`, which names `what`."""
    if find_spec("trustme") is None:
        raise ModuleNotFoundError(_MISSING.format(what), name="trustme")


@cache
def own_certificate(host: str) -> Certificate:
    """Return a certificate for this machine's loopback names and addresses, and for `host`.

    All certificates of a process are of one authority, whose file lasts as long as the process.
    """
    authority, ca_file = _authority()
    names = dict.fromkeys((*_OWN_NAMES, host))
    for name in _ALL_ADDRESSES:
        names.pop(name, None)
    context = make_context()
    authority.issue_cert(*names).configure_cert(context)
    return Certificate(context, ca_file)


@cache
def _authority() -> "tuple[CA, str]":
    from trustme import CA

    authority = CA(organization_name="s2mock")
    descriptor, ca_file = tempfile.mkstemp(prefix="s2mock-ca-", suffix=".pem")
    with os.fdopen(descriptor, "wb") as file:
        file.write(authority.cert_pem.bytes())
    atexit.register(_remove, ca_file, os.getpid())
    return authority, ca_file


def _remove(file: str, process: int) -> None:
    # A forked child uses the file of its parent.
    if os.getpid() == process:
        Path(file).unlink(missing_ok=True)
