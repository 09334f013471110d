"""An exchange as a test to paste: it runs, and finds the same."""

import subprocess
from typing import Any

import pytest

from s2mock import AppendRecord, Drop, Exchange, ManualClock, S2Mock
from s2mock.control.views.account_view import capture
from s2mock.control.views.snippet import live_command, shell_script, snippet
from s2mock.control.views.state_before import StateBefore
from s2mock.control.views.stream_history import find_state_before
from tests.control.conftest import BASIN, SEEDS
from tests.plugin.conftest import Run, run

__all__ = ["run"]
HEADERS = {"s2-basin": BASIN}


def test_what_it_looks_like() -> None:
    with S2Mock(basins=SEEDS) as mock:
        mock.client.get("/v1/streams/orders%2Feu/records?seq_num=0", headers=HEADERS)
        assert snippet(mock.journal[0]) == SNIPPET


SNIPPET = """\
import pytest


@pytest.mark.s2_mock(basins=[{'name': 'my-basin', 'streams': ['orders/eu']}])
def test_exchange_1(s2_mock):
    answer = s2_mock.client.open(
        '/v1/streams/orders%2Feu/records?seq_num=0',
        method='GET',
        headers={'s2-basin': 'my-basin'},
    )
    assert answer.status_code == 416
"""


def test_they_all_pass(run: Run, pytester: pytest.Pytester) -> None:
    texts = []
    with S2Mock(basins=SEEDS) as mock:
        http = mock.client
        path = "/v1/streams/orders%2Feu/records"
        http.post(path, json={"records": [{"body": "tea\n'\"</script>"}]}, headers=HEADERS)
        mock.inject(Drop(committed=True), on="append")
        with pytest.raises(ConnectionError):
            http.post(path, json={"records": [{"body": "é" * 200}]}, headers=HEADERS)
        http.get(f"{path}?seq_num=7", headers=HEADERS)
        http.get("/v1/streams/none/records?seq_num=0", headers=HEADERS)
        http.get("/v1/streams/none/records?seq_num=0", headers={"s2-basin": "no-basin-here"})
        http.get("/v1/basin")
        http.put("/v1/streams/new", headers=HEADERS)
        http.post("/v1/basins", json={"basin": "another-basin"})
        http.post("/v1/basins", json={"basin": BASIN})
        texts = [snippet(exchange) for exchange in mock.journal]
    for number, text in enumerate(texts):
        pytester.makepyfile(**{f"test_{number}": text})
    run().assert_outcomes(passed=len(texts), warnings=0)


def test_no_key_is_in_it() -> None:
    with S2Mock() as mock:
        key = {"s2-encryption-key": "c2VjcmV0", "authorization": "Bearer secret"}
        mock.client.get("/v1/basins", headers=key)
        text = snippet(mock.journal[0])
        assert "'s2-encryption-key': '***'" in text
        assert "secret" not in text.replace("s2-", "")
        assert "c2VjcmV0" not in text


PATH = "/v1/streams/orders%2Feu/records"


def fill(mock: S2Mock) -> None:
    """Have a log with a binary record, a header, a fence and 70 records that are made directly."""
    log = mock.stream(BASIN, "orders/eu")
    log.append(["..."] * 70)
    log.append([b"\xff\x00", AppendRecord("it's", [("a", "b")]), AppendRecord.fence("owner")])
    http = mock.client
    http.post(PATH, json={"records": [{"body": "x"}], "fencing_token": "other"}, headers=HEADERS)
    http.post(PATH, json={"records": [{"body": "tea"}], "match_seq_num": 73}, headers=HEADERS)
    http.get(f"{PATH}?seq_num=73&count=1", headers=HEADERS)
    http.post(PATH, json={"records": [{"body": "cups"}], "match_seq_num": 73}, headers=HEADERS)
    # What came later is not seeded for the others.
    log.append([AppendRecord.fence("late"), "later"])


def test_records_that_the_exchange_found_are_seeded(run: Run, pytester: pytest.Pytester) -> None:
    with S2Mock(basins=SEEDS) as mock:
        fill(mock)
        view, exchanges = capture(mock._engine), mock.journal[:]
        for exchange in exchanges:
            text = snippet(exchange, find_state_before(view, exchanges, exchange))
            pytester.makepyfile(**{f"test_{exchange.number}": text})
            # A read does not show where the log ended then.
            assert "later" not in text or exchange.operation == "read"
    assert [exchange.response.status for exchange in exchanges if exchange.response] == [
        *(412, 200, 200, 412),
    ]
    run().assert_outcomes(passed=4, warnings=0)
    # The negative control: of the records only their number is known without the journal.
    for exchange in exchanges:
        pytester.makepyfile(**{f"test_{exchange.number}": snippet(exchange)})
    run().assert_outcomes(passed=3, failed=1)


def test_commands_make_the_state_before_on_another_server() -> None:
    with S2Mock(basins=SEEDS) as mock:
        fill(mock)
        view, exchanges = capture(mock._engine), mock.journal[:]
        script = shell_script(exchanges[1], find_state_before(view, exchanges, exchanges[1]))
        expected = mock.stream(BASIN, "orders/eu").bodies[:73]
    assert "localhost" not in script
    with S2Mock() as other:
        script = script.replace("S2=http://127.0.0.1:8080", f"S2={other.url}")
        done = subprocess.run(["sh", "-ec", script], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert other.stream(BASIN, "orders/eu").bodies == expected


def test_more_records_than_can_be_appended_again_are_told() -> None:
    """The tail of a snapshot can be any number."""
    with S2Mock(basins=SEEDS) as mock:
        path = "/v1/streams/orders%2Feu/records"
        mock.client.post(path, json={"records": [{"body": "tea"}]}, headers=HEADERS)
        for number in (3, 2**63):
            before = StateBefore(BASIN, ("orders/eu",), "orders/eu", number, ())
            test, script = (make(mock.journal[0], before) for make in (snippet, shell_script))
            is_told = number > 3
            assert ("too many to append here" in test) == is_told
            assert ("too many to append here" in script) == is_told
            assert ("* 3)" in test, script.count("Li4u")) == ((False, 0) if is_told else (True, 3))


def use_tokens(mock: S2Mock, clock: ManualClock) -> None:
    """Send requests with tokens that are valid, too narrow, revoked, expired and never issued."""
    http, tea = mock.client, {"records": [{"body": "tea"}]}

    def send(secret: str, method: str, path: str, **arguments: Any) -> None:
        headers = {**HEADERS, "authorization": f"Bearer {secret}"}
        http.open(path, method=method, headers=headers, **arguments)

    writer = mock.issue_token(
        "it's",
        basins=BASIN,
        streams="orders/*",
        access_tokens="*",
        ops=["list-access-tokens"],
        op_groups={"stream": {"write": True}},
        expires_in=60,
        auto_prefix_streams=True,
    )
    send(writer.secret, "POST", "/v1/streams/eu/records", json=tea)
    send(writer.secret, "GET", "/v1/streams/eu/records?seq_num=0")
    send(writer.secret, "GET", "/v1/access-tokens?prefix=it")
    clock.advance(60)
    send(writer.secret, "POST", "/v1/streams/eu/records", json=tea)
    reader = mock.issue_token("reader", basins=BASIN, streams="*", ops=["read"])
    send(reader.secret, "GET", f"{PATH}?seq_num=0")
    reader.revoke()
    send(reader.secret, "GET", f"{PATH}?seq_num=0")


STATUSES = [200, 403, 200, 401, 200, 401]


def statuses(exchanges: tuple[Exchange, ...]) -> list[int]:
    return [exchange.response.status for exchange in exchanges if exchange.response]


def test_the_token_of_a_request_is_issued_again(run: Run, pytester: pytest.Pytester) -> None:
    clock = ManualClock()
    with S2Mock(basins=SEEDS, clock=clock) as mock:
        use_tokens(mock, clock)
        view, exchanges = capture(mock._engine), mock.journal[:]
    with S2Mock(basins=SEEDS, auth="required") as strict:
        for headers in (HEADERS, {**HEADERS, "authorization": "Bearer none"}):
            strict.client.get(f"{PATH}?seq_num=0", headers=headers)
        refused, of_strict = strict.journal[:], capture(strict._engine)
    assert statuses(exchanges) == STATUSES
    assert statuses(refused) == [401, 401]
    texts = [
        snippet(one, find_state_before(found, among, one))
        for found, among in ((view, exchanges), (of_strict, refused))
        for one in among
    ]
    assert "expires_in=60," in texts[0]
    assert "auto_prefix_streams=True," in texts[0]
    assert "s2_" not in "".join(texts).replace("s2_mock", "")
    for number, text in enumerate(texts):
        pytester.makepyfile(**{f"test_{number}": text})
    run().assert_outcomes(passed=8, warnings=0)
    # The negative control: without the state of the account it says what is missing.
    for number, one in enumerate(exchanges):
        text = snippet(one)
        assert f"# Missing: the access token {one.token_id!r}" in text
        pytester.makepyfile(**{f"test_{number}": text})
    run().assert_outcomes(passed=3, failed=5)


def test_a_token_is_known_from_the_journal_where_the_account_has_it_no_longer() -> None:
    with S2Mock(basins=SEEDS) as mock:
        asked = {"id": "reader", "scope": {"basins": {"prefix": ""}, "ops": ["read"]}}
        made = mock.client.post("/v1/access-tokens", json=asked).get_json()
        headers = {**HEADERS, "authorization": f"Bearer {made['access_token']}"}
        mock.client.get(f"{PATH}?seq_num=0", headers=headers)
        view, exchanges = capture(mock._engine), mock.journal[:]
    known = snippet(exchanges[1], find_state_before(view, exchanges, exchanges[1]))
    forgotten = view._replace(state=view.state._replace(tokens=None))
    assert "issue_token" in known
    assert snippet(exchanges[1], find_state_before(forgotten, exchanges, exchanges[1])) == known
    assert "Missing" in snippet(
        exchanges[1], find_state_before(forgotten, exchanges[1:], exchanges[1])
    )


def test_commands_issue_the_token_on_another_server() -> None:
    clock = ManualClock()
    with S2Mock(basins=SEEDS, clock=clock) as mock:
        use_tokens(mock, clock)
        view, exchanges = capture(mock._engine), mock.journal[:]
        scripts = [shell_script(one, find_state_before(view, exchanges, one)) for one in exchanges]
    assert "# The token had 60 s left" in scripts[0]
    found = []
    for script in scripts:
        with S2Mock() as other:
            text = script.replace("S2=http://127.0.0.1:8080", f"S2={other.url}")
            done = subprocess.run(["sh", "-ec", text], capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
            found += statuses(other.journal[-1:])
    assert found == STATUSES


def test_a_command_for_the_server_that_is_there_has_the_token_as_a_variable() -> None:
    with S2Mock(basins=SEEDS) as mock:
        token = mock.issue_token("reader", basins=BASIN, streams="*", ops=["check-tail"])
        headers = {**HEADERS, "authorization": f"Bearer {token.secret}"}
        mock.client.get(f"{PATH}?seq_num=0", headers={**headers, "host": mock.url[7:]})
        one = mock.journal[0]
        command = live_command(one, find_state_before(capture(mock._engine), [one], one))
        for text, works in ((command, False), (f"TOKEN={token.secret}; {command}", True)):
            done = subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=False)
            assert (done.returncode == 0) == works, done.stderr
        assert statuses(mock.journal[:]) == [403, 403]
