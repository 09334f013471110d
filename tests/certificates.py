"""A plugin with which no certificates are loaded while tests run, except by tests of TLS.

They take 25 ms for each client of httpx and of the SDK, and few servers of the tests are encrypted.
Without them a client trusts no server. So they are loaded in a run that names a server, which may
be encrypted: with `--s2mock-target=URL`, or `S2MOCK_REFERENCE` in the environment. A test of TLS
takes its context from `trusting`.
"""

import os
import ssl

import pytest

_NAMES = ("load_default_certs", "load_verify_locations")
_ORIGINALS = {name: getattr(ssl.SSLContext, name) for name in _NAMES}


def pytest_configure(config: pytest.Config) -> None:
    """Make the two methods that load certificates do nothing until pytest ends."""
    if has_other_server(config):
        return
    patch = pytest.MonkeyPatch()
    for name in _NAMES:
        patch.setattr(ssl.SSLContext, name, lambda *_, **__: None)
    config.add_cleanup(patch.undo)


def has_other_server(config: pytest.Config) -> bool:
    """True if the tests use a server that they have not started."""
    target = config.getoption("s2mock_target", None)
    return target is not None or bool(os.environ.get("S2MOCK_REFERENCE"))


def trusting(ca_file: str, *alpn: str) -> ssl.SSLContext:
    """Return the context of a client that trusts this authority, and offers these protocols."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _ORIGINALS["load_verify_locations"](context, ca_file)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


@pytest.fixture
def _trust_as_usual(monkeypatch: pytest.MonkeyPatch) -> None:
    """Load certificates in this test as they are loaded without this plugin."""
    for name, method in _ORIGINALS.items():
        monkeypatch.setattr(ssl.SSLContext, name, method)
