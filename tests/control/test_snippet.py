"""An exchange as a test to paste: it runs, and finds the same."""

import pytest

from s2mock import Drop, S2Mock
from s2mock.control.views.snippet import snippet
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
