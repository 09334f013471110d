"""Texts that UTF-8 cannot encode are refused where they enter, with a message that says so."""

from collections.abc import Callable

import pytest

from s2mock import Answer, AppendRecord, Fail, S2Mock, Stream
from s2mock.powers.faults import fault_from_json

HALF = "x\ud800"
MUST_BE = "must be text that UTF-8 can encode"


@pytest.fixture
def stream() -> Stream:
    return S2Mock().create_basin("my-basin").create_stream("s")


FAULTS: dict[str, Callable[[], object]] = {
    "message": lambda: Fail("unavailable", message=HALF),
    "message in JSON": lambda: fault_from_json({"Fail": {"code": "other", "message": HALF}}),
    "body in JSON": lambda: fault_from_json({"Answer": {"status": 502, "body": HALF}}),
}


@pytest.mark.parametrize("make", FAULTS.values(), ids=FAULTS)
def test_fault_with_half_of_a_surrogate_pair_is_refused(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=MUST_BE):
        make()


@pytest.mark.parametrize("headers", [{"x": HALF}, {HALF: "x"}, [("x", HALF)]], ids=ascii)
def test_header_of_an_answer_is_ascii(headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="of a header"):
        Answer(502, headers=headers)


@pytest.mark.parametrize("what", ["basin", "stream"])
def test_place_with_half_of_a_surrogate_pair_is_refused(what: str) -> None:
    with S2Mock() as mock:
        for act in (lambda **place: mock.inject(Fail("other"), on="append", **place), mock.hold):
            options = {"on": "append"} if act == mock.hold else {}
            with pytest.raises(ValueError, match=f"{what} {MUST_BE}"):
                act(**options, **{what: HALF})


RECORDS: dict[str, Callable[[Stream], object]] = {
    "text": lambda stream: stream.append([HALF]),
    "body": lambda _: AppendRecord(HALF),
    "header": lambda _: AppendRecord("x", headers=[("name", HALF)]),
    "fencing token": lambda stream: stream.append(["x"], fencing_token=HALF),
    "fence": lambda stream: stream.fence(HALF),
}


@pytest.mark.parametrize("act", RECORDS.values(), ids=RECORDS)
def test_record_with_half_of_a_surrogate_pair_is_refused(
    stream: Stream, act: Callable[[Stream], object]
) -> None:
    with pytest.raises(ValueError, match=MUST_BE):
        act(stream)
    assert stream.tail.seq_num == 0


@pytest.mark.parametrize("host", ["", "a\0b", "\ud800", "é" * 100], ids=ascii)
def test_host_that_is_none_is_refused(host: str) -> None:
    with pytest.raises(ValueError, match="host must be an address or a name to listen on"):
        S2Mock(host=host)
