"""`tls=True` in the marker: tests with and without TLS share the session's server."""

import pytest

from tests.plugin.conftest import Run
from tests.ports import unused_port

pytestmark = pytest.mark.slow

SUITE = """
    import ssl
    import urllib.request

    import pytest

    ports = set()

    def get(s2_mock, path, **more):
        url = s2_mock.url
        ports.add(url.rpartition(":")[2])
        with urllib.request.urlopen(f"{url}{path}", **more) as answer:
            return answer.read()

    def test_without(s2_mock):
        assert s2_mock.url.startswith("http://")
        assert get(s2_mock, "/health") == b"OK"

    @pytest.mark.s2_mock(tls=True)
    def test_with(s2_mock):
        assert s2_mock.url.startswith("https://")
        trusted = ssl.create_default_context(cafile=s2_mock.ca_file)
        assert get(s2_mock, "/health", context=trusted) == b"OK"
        with pytest.raises(urllib.error.URLError, match="CERTIFICATE_VERIFY_FAILED"):
            get(s2_mock, "/health")

    @pytest.mark.s2_mock(tls=True, use_env=True)
    def test_of_the_environment(s2_mock):
        assert get(s2_mock, "/health") == b"OK"

    def test_without_again(s2_mock):
        assert get(s2_mock, "/health") == b"OK"
        assert len(ports) == 1
        with pytest.raises(RuntimeError, match="speaks plain HTTP: make it with tls=True"):
            s2_mock.ca_file

    def test_one_of_its_own(make_s2_mock):
        mock = make_s2_mock(tls=True)
        trusted = ssl.create_default_context(cafile=mock.ca_file)
        assert get(mock, "/health", context=trusted) == b"OK"
        fork = mock.fork()
        assert fork.ca_file == mock.ca_file
        assert get(fork, "/health", context=trusted) == b"OK"
"""


@pytest.mark.parametrize("has_port", [False, True])
def test_tests_with_and_without_it(pytester: pytest.Pytester, has_port: bool) -> None:
    pytester.makepyfile(SUITE)
    port = [f"--s2mock-port={unused_port()}"] if has_port else []
    alone = ("--disable-plugin-autoload", "-p", "s2mock")
    pytester.runpytest_subprocess(*alone, *port).assert_outcomes(passed=5)


def test_without_trustme_the_message_says_how_to_install_it(run: Run) -> None:
    suite = """
        import sys
        import pytest

        sys.modules["trustme"] = None

        @pytest.mark.s2_mock(tls=True)
        def test_of_tls(s2_mock): pass

        def test_of_another(s2_mock): assert s2_mock.url.startswith("http://")
    """
    result = run(suite)
    result.assert_outcomes(errors=1, passed=1)
    message = (
        "s2_mock: tls=True needs trustme, which makes the certificate, and it is not installed: "
        "pip install 's2mock[[]tls]'"
    )
    result.stdout.fnmatch_lines([f"*UsageError: {message}"])


def test_another_value_is_an_error(run: Run) -> None:
    result = run(
        """
        import pytest

        @pytest.mark.s2_mock(tls="yes")
        def test_of_tls(s2_mock): pass
        """
    )
    result.stdout.fnmatch_lines(
        ["*UsageError: s2_mock: tls must be True or False, not str: 'yes'*"]
    )


def test_nothing_of_it_is_loaded_without_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys
        import urllib.request

        def test_without(s2_mock):
            urllib.request.urlopen(f"{s2_mock.url}/health").read()
            ours = {"s2mock.server.tls", "s2mock.server.own_certificate", "trustme"}
            assert not ours & sys.modules.keys()
        """
    )
    result = pytester.runpytest_subprocess("--disable-plugin-autoload", "-p", "s2mock")
    result.assert_outcomes(passed=1)
