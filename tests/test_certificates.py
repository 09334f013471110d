"""The plugin with which no certificates are loaded, but in a run that names a server."""

import ssl
from pathlib import Path

import pytest

from tests.certificates import has_other_server

MODULE = """
    import ssl

    def test_certificates():
        try:
            ssl.create_default_context(cafile="missing.pem")
        except FileNotFoundError:
            is_loaded = True
        else:
            is_loaded = False
        assert is_loaded is {is_loaded}
"""


def test_no_certificate_is_loaded(pytestconfig: pytest.Config) -> None:
    """Else each client of a test takes 25 ms to load those of the system."""
    if has_other_server(pytestconfig):
        pytest.skip("this run has a server that may be encrypted")
    context = ssl.create_default_context()
    assert context.cert_store_stats() == {"x509": 0, "crl": 0, "x509_ca": 0}
    assert context.verify_mode is ssl.CERT_REQUIRED


@pytest.mark.parametrize(
    ("arguments", "reference", "is_loaded"),
    [
        ((), "", False),
        (("--s2mock-target=https://s2.example",), "", True),
        ((), "https://s2.example", True),
    ],
)
def test_a_server_that_may_be_encrypted_is_trusted_as_usual(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    reference: str,
    is_loaded: bool,
) -> None:
    monkeypatch.setenv("S2MOCK_REFERENCE", reference)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent.parent))
    pytester.makepyfile(MODULE.format(is_loaded=is_loaded))
    alone = ("--disable-plugin-autoload", "-p", "s2mock", "-p", "tests.certificates")
    ended = pytester.runpytest_subprocess(*alone, *arguments)
    ended.assert_outcomes(passed=1)
