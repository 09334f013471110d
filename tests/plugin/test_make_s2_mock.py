"""`make_s2_mock`: accounts that live as long as a module, a session, or one test."""

import pytest

from tests.plugin.conftest import Run


def test_one_for_a_module(run: Run) -> None:
    result = run(
        """
        import urllib.error, urllib.request
        import pytest

        @pytest.fixture(scope="module")
        def shared(make_s2_mock):
            return make_s2_mock(basins=["my-basin"])

        def test_one(shared, s2_mock):
            assert shared.url != s2_mock.url
            shared.basin("my-basin").create_stream("s")
            assert s2_mock.basins == ()

        def test_two(shared):
            assert shared.basin("my-basin").streams == ("s",)
            with urllib.request.urlopen(f"{shared.url}/v1/basins") as answer:
                assert b"my-basin" in answer.read()

        def test_another(shared, make_s2_mock):
            other = make_s2_mock()
            assert other.basins == ()
            assert other.url != shared.url
        """
    )
    result.assert_outcomes(passed=3)


def test_it_is_closed_with_the_session(run: Run) -> None:
    result = run(
        """
        import socket
        import pytest

        @pytest.fixture(scope="session")
        def port(make_s2_mock):
            return int(make_s2_mock().url.rpartition(":")[2])

        @pytest.fixture(scope="session", autouse=True)
        def after():
            ports = []
            yield ports
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", ports[0]))

        def test_it(after, port):
            socket.create_connection(("127.0.0.1", port)).close()
            after.append(port)
        """
    )
    result.assert_outcomes(passed=1)


def test_options_of_the_ini_file_and_the_command_line_count(
    pytester: pytest.Pytester, run: Run
) -> None:
    pytester.makeini("[pytest]\ns2mock_deletion_delay = 5\ns2mock_host = localhost\n")
    result = run(
        """
        def test_it(make_s2_mock):
            mock = make_s2_mock()
            assert mock.account.engine.settings.deletion_delay == 5
            assert mock.account.engine.settings.profile.name == "documented"
            assert mock.url.startswith("http://localhost:")
            other = make_s2_mock(deletion_delay=0, profile="real")
            assert other.account.engine.settings.deletion_delay == 0
        """,
        "--s2mock-profile=documented",
    )
    result.assert_outcomes(passed=1)
