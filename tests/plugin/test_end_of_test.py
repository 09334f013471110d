"""A test's sessions end with it and by a reset; requests that come late are refused by name."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from http.client import HTTPException
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from s2mock import S2Mock, Snapshot
from s2mock.runtime.http_client import Client, exchange
from tests.conftest import BASIN
from tests.plugin.conftest import Run

pytestmark = pytest.mark.openapi_unchecked("S2's description knows no 401, which it may answer")

SEEDS = [{"name": BASIN, "streams": [{"name": "log"}]}]
PATH = "/v1/streams/log/records"
TAIL = f"{PATH}?seq_num=0"
SSE = {"s2-basin": BASIN, "accept": "text/event-stream"}
FRAMES = {"s2-basin": BASIN, "content-type": "s2s/proto"}
# More than anything here takes, and less than pytest's own limit.
PATIENCE = 60.0


def until_it_breaks_off(read: Callable[[], bytes]) -> bytes:
    """All that still comes."""
    received = b""
    try:
        while data := read():
            received += data
    except (OSError, HTTPException, httpx.HTTPError):
        pass
    return received


Left = Callable[[], bytes]
"""Something that a test has left open: waits for its end, and returns what came before that."""


@contextmanager
def tail_over_http1(mock: S2Mock) -> Iterator[Left]:
    with closing(Client(mock.url).connect(timeout=PATIENCE)) as connection:
        response = exchange(connection, "GET", TAIL, SSE)
        assert response.readline() == b"event: ping\n"
        yield lambda: until_it_breaks_off(lambda: response.read1(1024))


@contextmanager
def tail_over_h2(mock: S2Mock) -> Iterator[Left]:
    with (
        httpx.Client(http1=False, http2=True, trust_env=False, timeout=PATIENCE) as client,
        client.stream("GET", mock.url + TAIL, headers=SSE) as response,
    ):
        pieces = response.iter_bytes()
        assert next(pieces).startswith(b"event: ping\n")
        yield lambda: until_it_breaks_off(lambda: next(pieces, b""))


@contextmanager
def tail_over_wsgi(mock: S2Mock) -> Iterator[Left]:
    pieces = iter(mock.client.get(TAIL, headers=SSE, buffered=False).response)
    assert b"event: ping\n" in next(pieces)
    received: list[bytes] = []
    # It waits there before the end comes, or comes to wait behind it: both have to end.
    reader = Thread(target=lambda: received.append(until_it_breaks_off(lambda: next(pieces, b""))))
    reader.start()

    def end() -> bytes:
        reader.join(PATIENCE)
        return received[0]

    yield end


@contextmanager
def append_session(mock: S2Mock) -> Iterator[Left]:
    with closing(Client(mock.url).connect(timeout=PATIENCE)) as connection:
        response = exchange(connection, "POST", PATH, FRAMES | {"transfer-encoding": "chunked"})
        assert response.status == 200
        yield lambda: until_it_breaks_off(lambda: response.read1(1024))


@contextmanager
def idle_connection(mock: S2Mock) -> Iterator[Left]:
    with closing(Client(mock.url).connect(timeout=PATIENCE)) as connection:
        assert exchange(connection, "GET", "/health", {}).read() == b"OK"
        yield lambda: until_it_breaks_off(lambda: connection.sock.recv(1024))


each_kind = pytest.mark.parametrize(
    "kind", [tail_over_http1, tail_over_h2, tail_over_wsgi, append_session, idle_connection]
)

HOW = {
    "close": lambda mock: mock.close(),
    "reset": lambda mock: mock.reset(),
    "restore": lambda mock: mock.restore(mock.snapshot()),
}


@each_kind
@pytest.mark.parametrize("how", HOW)
def test_it_is_ended(how: str, kind: Callable[[S2Mock], AbstractContextManager[Left]]) -> None:
    with S2Mock(basins=SEEDS) as mock, kind(mock) as left:
        HOW[how](mock)
        log = mock.basin(BASIN).stream("log")
        log.append(["of what comes after"])
        assert b"of what comes after" not in left()
        assert log.readers == 0


@pytest.mark.parametrize("how", ["reset", "restore"])
def test_the_url_and_the_token_go_on(how: str) -> None:
    with S2Mock(basins=SEEDS) as mock:
        url, token = mock.url, mock.token
        HOW[how](mock)
        assert (mock.url, mock.token) == (url, token)
        client = Client(url, token=token, basin=BASIN)
        assert client.request("GET", f"{PATH}/tail").status == 200


def test_the_end_of_a_test_ends_it(run: Run) -> None:
    result = run(
        """
        import http.client
        import pytest
        from s2mock.runtime.http_client import Client, exchange

        SEEDS = [{"name": "my-basin", "streams": [{"name": "log"}]}]
        HEADERS = {"s2-basin": "my-basin", "accept": "text/event-stream"}
        left = []

        def follow(mock):
            connection = Client(mock.url).connect(timeout=60)
            response = exchange(
                connection, "GET", "/v1/streams/log/records?seq_num=0", HEADERS
            )
            assert response.readline() == b"event: ping\\n"
            return connection, response

        @pytest.fixture(scope="module")
        def of_the_module():
            from s2mock import S2Mock
            with S2Mock(basins=SEEDS) as mock:
                yield mock, *follow(mock)

        @pytest.mark.s2_mock(basins=SEEDS)
        def test_that_leaves_it(s2_mock, of_the_module):
            left.extend(follow(s2_mock))

        @pytest.mark.s2_mock(basins=SEEDS)
        def test_after(s2_mock, of_the_module):
            log = s2_mock.basin("my-basin").stream("log")
            log.append(["of the next test"])
            connection, response = left
            with pytest.raises((OSError, http.client.IncompleteRead)):
                while line := response.readline():
                    assert b"of the next test" not in line
                raise ConnectionError
            connection.close()
            assert log.readers == 0

        def test_a_mock_of_a_wider_scope_goes_on(of_the_module):
            mock, connection, response = of_the_module
            mock.basin("my-basin").stream("log").append(["more"])
            while b"more" not in response.readline():
                pass
            connection.close()
        """,
        # There is one on the session that is left open.
        "-Wignore::s2mock.S2Advice",
    )
    result.assert_outcomes(passed=3)


def over_http1(mock: S2Mock, token: str | None) -> tuple[int, Any]:
    answer = Client(mock.url, token=token).request("PUT", "/v1/basins/late-basin")
    return answer.status, answer.json


def over_h2(mock: S2Mock, token: str | None) -> tuple[int, Any]:
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    with httpx.Client(http1=False, http2=True, trust_env=False) as client:
        answer = client.put(f"{mock.url}/v1/basins/late-basin", headers=headers)
    return answer.status_code, answer.json()


def over_wsgi(mock: S2Mock, token: str | None) -> tuple[int, Any]:
    headers = {} if token is None else {"authorization": f"bearer  {token}"}
    answer = mock.client.put("/v1/basins/late-basin", headers=headers)
    return answer.status_code, answer.json


each_way = pytest.mark.parametrize("put", [over_http1, over_h2, over_wsgi])


@each_way
def test_a_late_request_is_refused_by_name(
    put: Callable[[S2Mock, str | None], tuple[int, Any]],
) -> None:
    with S2Mock() as earlier:
        token = earlier.token
        assert put(earlier, token)[0] == 201
    with S2Mock() as mock:
        status, document = put(mock, token)
        assert (status, document["code"]) == (401, "authn")
        assert document["message"] == "the access token is that of a test that has ended"
        assert mock.basins == ()


@each_way
def test_any_other_token_is_let_in(put: Callable[[S2Mock, str | None], tuple[int, Any]]) -> None:
    """A pinned token, one of an open mock, an unknown one and none at all name no ended test."""
    with S2Mock(token="pinned") as pinned:
        assert put(pinned, pinned.token)[0] == 201
    for token in (pinned.token, "any", None):
        with S2Mock() as mock:
            assert put(mock, token)[0] == 201
    with S2Mock() as other, S2Mock() as mock:
        assert put(mock, other.token)[0] == 201


def issued(mock: S2Mock) -> str:
    token = mock.issue_token("svc", basins="*", ops=["create-basin", "reconfigure-basin"])
    return token.secret


LATE = "the access token is that of a test that has ended"


@each_way
@pytest.mark.parametrize("auth", ["open", "required"])
def test_late_request_with_an_issued_token_is_refused(
    put: Callable[[S2Mock, str | None], tuple[int, Any]], auth: Any
) -> None:
    with S2Mock() as earlier:
        secret = issued(earlier)
        assert put(earlier, secret)[0] == 201
    with S2Mock(auth=auth) as mock:
        # As many as the earlier mock has issued: theirs are others.
        assert issued(mock) != secret
        status, document = put(mock, secret)
        assert (status, document["code"], document["message"]) == (401, "authn", LATE)
        assert mock.basins == ()


@pytest.mark.parametrize("auth", ["open", "required"])
def test_late_request_with_an_issued_token_is_refused_where_none_was_issued(auth: Any) -> None:
    with S2Mock() as earlier:
        secret = issued(earlier)
    with S2Mock(auth=auth) as mock:
        assert over_wsgi(mock, secret)[1]["message"] == LATE


@pytest.mark.parametrize("how", ["reset", "restore", "revoke"])
def test_late_request_with_a_token_that_its_mock_no_longer_had_is_refused(how: str) -> None:
    with S2Mock() as earlier:
        before = earlier.snapshot()
        token = earlier.issue_token("svc", basins="*", ops=["create-basin", "reconfigure-basin"])
        if how == "reset":
            earlier.reset()
        elif how == "restore":
            earlier.restore(before)
        else:
            token.revoke()
    with S2Mock() as mock:
        assert over_wsgi(mock, token.secret)[1]["message"] == LATE


@pytest.mark.parametrize("token", [None, "pinned"])
@pytest.mark.parametrize("how", ["restore", "beginning", "load", "fork"])
def test_issued_token_that_a_living_mock_holds_belongs_to_it(
    how: str, token: str | None, tmp_path: Path
) -> None:
    with ExitStack() as rest:
        with S2Mock() as earlier:
            secret = issued(earlier)
            taken = earlier.snapshot()
            taken.save(tmp_path / "file")
            if how == "restore":
                mock = rest.enter_context(S2Mock(token=token))
                mock.restore(taken)
            elif how == "beginning":
                mock = rest.enter_context(S2Mock(token=token, snapshot=taken))
            elif how == "load":
                loaded = Snapshot.load(tmp_path / "file")
                mock = rest.enter_context(S2Mock(token=token, snapshot=loaded))
            else:
                # A fork of another mock that holds it, which ends with that one.
                holder = rest.enter_context(S2Mock(token=token, snapshot=taken))
                mock = holder.fork()
        assert over_wsgi(mock, secret)[0] == 201
        # It says nothing to a mock that does not hold it, and ends with those that do.
        with S2Mock(auth="open") as other:
            assert over_wsgi(other, secret)[0] == 201
        rest.close()
        with S2Mock() as other:
            assert over_wsgi(other, secret)[1]["message"] == LATE


def test_issued_token_of_a_pinned_mock_is_let_in_afterwards() -> None:
    """A client that is to live longer than a test may have had its token issued there."""
    with S2Mock(token="pinned") as pinned:
        secret = issued(pinned)
    with S2Mock(token="pinned", auth="open") as mock:
        assert over_wsgi(mock, secret)[0] == 201


def test_a_session_of_a_test_that_has_ended_is_refused_too() -> None:
    with S2Mock() as earlier:
        tokens = (earlier.token, issued(earlier))
    for token in tokens:
        refuses_sessions(token)


def refuses_sessions(token: str) -> None:
    with S2Mock(basins=SEEDS) as mock:
        client = Client(mock.url, token=token)
        for method, headers in (("GET", SSE), ("GET", FRAMES), ("POST", FRAMES)):
            answer = client.request(method, PATH, body=b"", headers=headers)
            assert (answer.status, answer.code) == (401, "authn")


def test_a_pinned_token_is_the_same_in_every_test(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\ns2mock_token = of-the-ini\n")
    module = """
        import pytest

        def put(mock, token):
            headers = {"authorization": f"Bearer {token}"}
            return mock.client.put("/v1/basins/late-basin", headers=headers).status_code

        @pytest.mark.parametrize("turn", range(2))
        def test_of_the_session(s2_mock, turn, request):
            pinned = request.config.getoption("s2mock_token") or "of-the-ini"
            assert s2_mock.token == s2_mock.env["S2_ACCESS_TOKEN"] == pinned
            assert put(s2_mock, s2_mock.token) == 201

        @pytest.mark.s2_mock(token="of-the-marker")
        def test_of_the_marker(s2_mock):
            assert s2_mock.token == "of-the-marker"
        """
    run(module).assert_outcomes(passed=3)
    run(module, "--s2mock-token=of-the-command-line").assert_outcomes(passed=3)


def test_between_two_tests_a_late_request_is_refused(run: Run) -> None:
    result = run(
        """
        from s2mock.runtime.http_client import Client

        left = []

        def test_one(s2_mock):
            left.append(Client(s2_mock.url, token=s2_mock.token))

        def test_between():
            answer = left[0].request("GET", "/v1/basins")
            assert (answer.status, b"has ended" in answer.body) == (401, True)
        """
    )
    result.assert_outcomes(passed=2)


def test_a_writer_that_outlives_its_test(run: Run) -> None:
    """The records of one test are never found in the stream of another."""
    result = run(
        """
        import threading
        import pytest
        from s2mock.runtime.http_client import Client

        SEEDS = [{"name": "my-basin", "streams": [{"name": "log"}]}]
        go_on, answers = threading.Event(), []

        def write(client):
            go_on.wait(60)
            document = {"records": [{"body": "late"}]}
            answers.append(client.request("POST", "/v1/streams/log/records", document).status)

        @pytest.mark.s2_mock(basins=SEEDS)
        def test_one(s2_mock):
            client = Client(s2_mock.url, token=s2_mock.token, basin="my-basin")
            test_one.writer = threading.Thread(target=write, args=(client,))
            test_one.writer.start()

        @pytest.mark.s2_mock(basins=SEEDS)
        def test_two(s2_mock):
            assert s2_mock.url
            go_on.set()
            test_one.writer.join()
            assert answers == [401]
            assert s2_mock.basin("my-basin").stream("log").records == ()
        """
    )
    result.assert_outcomes(passed=2)
