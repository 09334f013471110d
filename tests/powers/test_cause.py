"""The exchange that explains a failure: which one is chosen among several of note."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from s2mock import Drop, Fail, S2Mock
from s2mock.powers.cause import find_cause

HEADERS = {"s2-basin": "my-basin"}
BASINS = [{"name": "my-basin", "streams": ["log"]}]


def append(mock: S2Mock, body: str = "a", stream: str = "log", **more: Any) -> None:
    document = {"records": [{"body": body}], **more}
    with suppress(ConnectionError):
        mock.client.post(f"/v1/streams/{stream}/records", json=document, headers=HEADERS)


def read_without_start(mock: S2Mock) -> None:
    mock.client.get("/v1/streams/log/records", headers=HEADERS)


def lose(mock: S2Mock) -> None:
    mock.inject(Drop(committed=True), on="append")
    append(mock, "lost")


Step = Callable[[S2Mock], None]
MISMATCH: Step = lambda mock: append(mock, match_seq_num=99)  # noqa: E731
MISSING: Step = lambda mock: append(mock, stream="lag")  # noqa: E731
REPEATED: Step = lambda mock: append(mock, "lost")  # noqa: E731
FAILED: Step = lambda mock: (mock.inject(Fail("unavailable"), on="append"), append(mock))[1]  # noqa: E731
LONE_READ: Step = read_without_start


@pytest.mark.parametrize(
    ("steps", "text", "number"),
    [
        pytest.param([append], "", None, id="nothing of note"),
        pytest.param([append, MISMATCH, MISSING], "", 3, id="the last refusal"),
        pytest.param([MISMATCH, MISSING], "assert 412 == 200", 1, id="named by its status"),
        pytest.param([MISSING, MISMATCH, append], "stream_not_found", 1, id="named by its code"),
        pytest.param([FAILED, append], "", 1, id="a fault"),
        pytest.param([MISSING, lose, REPEATED, append], "", 3, id="advice before refusals"),
        pytest.param([lose, REPEATED, LONE_READ, append], "", 2, id="advice on a fault first"),
        pytest.param([lose, REPEATED, MISSING], "", 3, id="the end of the test before advice"),
    ],
)
def test_cause(steps: list[Step], text: str, number: int | None) -> None:
    with S2Mock(basins=BASINS) as mock:
        for step in steps:
            step(mock)
        cause = find_cause(mock.journal[:], text)
        assert (None if cause is None else cause.number) == number
