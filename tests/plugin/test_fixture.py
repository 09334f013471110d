"""The fixture `s2_mock`: a fresh account in every test, one socket for all of them."""

import threading

import pytest

from tests.plugin.conftest import Run


def test_each_test_has_its_own_account_behind_one_url(run: Run) -> None:
    result = run(
        """
        import urllib.request
        import pytest

        urls = set()

        @pytest.mark.parametrize("turn", range(3))
        def test_same_names(s2_mock, turn):
            assert s2_mock.basins == ()
            s2_mock.create_basin("my-basin").create_stream("s")
            with urllib.request.urlopen(f"{s2_mock.url}/v1/basins") as answer:
                assert b"my-basin" in answer.read()
            urls.add(s2_mock.url)

        def test_of_the_url():
            assert len(urls) == 1
        """
    )
    result.assert_outcomes(passed=4)


def test_socket_is_stopped_with_the_session_and_started_when_used(run: Run) -> None:
    # This process may have servers of its own, of tests that ran before.
    earlier = set(threading.enumerate())
    result = run(
        """
        import threading

        earlier = set(threading.enumerate())

        def servers():
            new = set(threading.enumerate()) - earlier
            return [t for t in new if t.name.startswith("s2mock-")]

        def test_without_url(s2_mock):
            s2_mock.create_basin("my-basin")
            assert s2_mock.client.get("/v1/basins").json["basins"]
            assert servers() == []

        def test_with_url(s2_mock):
            port = s2_mock.url.rpartition(":")[2]
            assert [t.name for t in servers()] == [f"s2mock-{port}"]

        def test_afterwards():
            assert len(servers()) == 1
        """
    )
    result.assert_outcomes(passed=3)
    later = set(threading.enumerate()) - earlier
    assert not [t for t in later if t.name.startswith("s2mock-")]


def test_request_after_its_test_reaches_no_other_account(run: Run) -> None:
    result = run(
        """
        import urllib.error, urllib.request
        import pytest

        def test_one(s2_mock):
            test_one.url = s2_mock.url

        def test_between():
            with pytest.raises(urllib.error.HTTPError) as caught:
                urllib.request.urlopen(test_one.url + "/v1/basins")
            assert caught.value.code == 503
            assert b"has ended" in caught.value.read()
            caught.value.close()

        def test_two(s2_mock):
            assert s2_mock.url == test_one.url
            with urllib.request.urlopen(s2_mock.url + "/v1/basins") as answer:
                assert answer.status == 200
        """
    )
    result.assert_outcomes(passed=3)


def test_env_is_set_for_the_test_only(run: Run) -> None:
    result = run(
        """
        import os
        import pytest

        NAMES = ("S2_ACCOUNT_ENDPOINT", "S2_BASIN_ENDPOINT", "S2_ACCESS_TOKEN")

        def env():
            return {name: os.environ[name] for name in NAMES if name in os.environ}

        before = env()

        @pytest.mark.s2_mock(use_env=True)
        def test_by_marker(s2_mock):
            assert env() == s2_mock.env
            assert os.environ["S2_BASIN_ENDPOINT"] == s2_mock.url

        def test_after_marker(s2_mock):
            assert env() == before

        def test_by_call(s2_mock, monkeypatch):
            s2_mock.use_env(monkeypatch)
            assert env() == s2_mock.env

        def test_after_call():
            assert env() == before
        """
    )
    result.assert_outcomes(passed=4)


def test_failing_test_leaves_nothing_behind(run: Run) -> None:
    result = run(
        """
        def test_fails(s2_mock):
            s2_mock.create_basin("my-basin")
            s2_mock.url
            assert False

        def test_after(s2_mock):
            assert s2_mock.basins == ()
        """
    )
    result.assert_outcomes(failed=1, passed=1)


@pytest.mark.slow
def test_workers_have_a_socket_each(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import os, pathlib, urllib.request
        import pytest

        @pytest.mark.parametrize("turn", range(8))
        def test_same_names(s2_mock, turn):
            s2_mock.create_basin("my-basin").create_stream("s")
            with urllib.request.urlopen(f"{s2_mock.url}/v1/basins") as answer:
                assert b"my-basin" in answer.read()
            worker = os.environ["PYTEST_XDIST_WORKER"]
            pathlib.Path(f"{worker}-{turn}").write_text(s2_mock.url)
        """
    )
    without = ("-p", "no:hypothesispytest", "-p", "no:schemathesis")
    result = pytester.runpytest_subprocess("-n2", "--dist=each", *without)
    result.assert_outcomes(passed=16)
    urls = [
        {path.read_text() for path in pytester.path.glob(f"{worker}-*")}
        for worker in ("gw0", "gw1")
    ]
    assert [len(of_one) for of_one in urls] == [1, 1]
    assert urls[0] != urls[1]
