"""Tests that fail, one for each typical mistake, and the text that says why."""

from textwrap import dedent
from typing import Final

HEAD: Final = """
import threading

import httpx
import pytest
from s2mock import AppendRecord, Drop

@pytest.fixture
def s2(s2_mock):
    basin = s2_mock.create_basin("my-basin")
    basin.create_stream("orders/eu").append(["first"])
    with httpx.Client(base_url=s2_mock.url, headers={"s2-basin": "my-basin"}) as client:
        yield client

"""
MISTAKES: Final = {
    "wrong_basin": """
        def test_it(s2):
            s2.headers["s2-basin"] = "my-bassin"
            assert s2.get("/v1/streams/orders%2Feu").status_code == 200
    """,
    "typo_in_the_stream": """
        def test_it(s2):
            assert s2.get("/v1/streams/order%2Feu/records?seq_num=0").status_code == 200
    """,
    "typo_in_the_path": """
        def test_it(s2):
            assert s2.get("/v1/streams/orders/eu/records?seq_num=0").status_code == 200
    """,
    "forgotten_header": """
        def test_it(s2):
            del s2.headers["s2-basin"]
            assert s2.get("/v1/streams").status_code == 200
    """,
    "wrong_content_type": """
        def test_it(s2):
            text = '{"stream": "orders/us"}'
            headers = {"content-type": "text/plain"}
            assert s2.post("/v1/streams", content=text, headers=headers).status_code == 201
    """,
    "read_without_a_start": """
        def test_it(s2):
            assert s2.get("/v1/streams/orders%2Feu/records").json()["records"]
    """,
    "wrong_fencing_token": """
        def test_it(s2, s2_mock):
            s2_mock.basin("my-basin").stream("orders/eu").append([AppendRecord.fence("writer-2")])
            document = {"records": [{"body": "a"}], "fencing_token": "writer-1"}
            answer = s2.post("/v1/streams/orders%2Feu/records", json=document)
            assert answer.status_code == 200
    """,
    "append_to_a_deleted_stream": """
        def test_it(s2):
            s2.delete("/v1/streams/orders%2Feu")
            document = {"records": [{"body": "a"}]}
            answer = s2.post("/v1/streams/orders%2Feu/records", json=document)
            assert answer.status_code == 200
    """,
    "missing_token_scope": """
        def test_it(s2, s2_mock):
            svc = s2_mock.issue_token("svc", basins="*", streams="*", ops=["append", "read"])
            s2.headers["authorization"] = f"Bearer {svc.secret}"
            document = {"records": [{"body": "a"}]}
            assert s2.post("/v1/streams/orders%2Feu/records", json=document).status_code == 200
            trim = {"headers": [["", "trim"]], "body": "\\0\\0\\0\\0\\0\\0\\0\\1"}
            answer = s2.post("/v1/streams/orders%2Feu/records", json={"records": [trim]})
            assert answer.status_code == 200
    """,
    "a_lost_acknowledgement": """
        def append(s2, *bodies):
            document = {"records": [{"body": body} for body in bodies]}
            try:
                return s2.post("/v1/streams/orders%2Feu/records", json=document)
            except httpx.TransportError:
                return append(s2, *bodies)

        def test_it(s2, s2_mock):
            s2_mock.inject(Drop(committed=True), on="append")
            append(s2, "a", "b")
            assert len(s2_mock.basin("my-basin").stream("orders/eu").records) == 3
    """,
    "lost_among_601_exchanges": """
        def append(s2_mock, body):
            return s2_mock.client.post(
                "/v1/streams/orders%2Feu/records",
                json={"records": [{"body": body}]},
                headers={"s2-basin": "my-basin"},
            )

        def test_it(s2, s2_mock):
            s2_mock.inject(Drop(committed=True), on="append")
            with pytest.raises(ConnectionError):
                append(s2_mock, "order 0")
            for number in range(600):
                append(s2_mock, f"order {number}")
            count = len(s2_mock.basin("my-basin").stream("orders/eu").records)
            assert count == 601
    """,
    "a_race_found_by_orders": """
        def open_shop(actor, name):
            headers = {"s2-basin": "my-basin", "authorization": f"Bearer {actor.token}"}
            with httpx.Client(base_url=actor.url, headers=headers) as client:
                path = "/v1/streams/orders/records"
                if client.get(f"{path}/tail").json()["tail"]["seq_num"] == 0:
                    client.post(path, json={"records": [{"body": name}]})

        @pytest.mark.s2_mock(basins=[{"name": "my-basin", "streams": ["orders"]}])
        def test_it(s2_orders):
            for run in s2_orders():
                with run as s2_mock:
                    run.actor("a", open_shop, "tea")
                    run.actor("b", open_shop, "cake")
                    run.go()
                    count = len(s2_mock.stream("my-basin", "orders").bodies)
                    assert count == 1
    """,
}
CAUSES: Final = {
    "wrong_basin": "there is a basin `my-basin`",
    "typo_in_the_stream": "there is a stream `orders/eu` in that basin",
    "typo_in_the_path": "is it /v1/streams/orders%2Feu/records?",
    "forgotten_header": "name the basin, as in -H 's2-basin: my-basin'",
    "wrong_content_type": "the request has 'text/plain'",
    "read_without_a_start": "the read has no start",
    "wrong_fencing_token": "the fencing token in force is 'writer-2'",
    "append_to_a_deleted_stream": "stream `orders/eu` was deleted by exchange 1",
    "missing_token_scope": "trim",
    "a_lost_acknowledgement": "the same batch as that of exchange 1, whose response was lost",
    "lost_among_601_exchanges": "the same batch as that of exchange 1, whose response was lost",
    "a_race_found_by_orders": "the shortest: a check-tail, b check-tail",
}
"""The text that names the cause of each: in the first lines of the terminal, and of the page."""
FIRST_LINES: Final = 25


def module_of(name: str) -> str:
    """Return the source of the module with the test that fails for that mistake."""
    return HEAD + dedent(MISTAKES[name])
