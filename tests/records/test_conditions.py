"""Fencing tokens and expected sequence numbers.

Source: reference: data_plane §3.3, §3.5.
"""

import pytest

from s2mock import AppendRecord, FencingTokenMismatch, Invalid, SeqNumMismatch, Stream
from s2mock.registry.values.config import U64_MAX
from tests.records.reads import log_of

TRIM_TO = "invalid `trim` command: earliest sequence number to trim to was {} bytes, must be 8"


def test_expected_sequence_number(stream: Stream) -> None:
    stream.append([b"a"], match_seq_num=0)
    stream.append([b"b", b"c"], match_seq_num=1)

    for wrong in (0, 2, 4, U64_MAX):
        with pytest.raises(SeqNumMismatch) as refused:
            stream.append([b"d"], match_seq_num=wrong)
        assert refused.value.seq_num == 3
        assert (refused.value.status, refused.value.body()) == (412, {"seq_num_mismatch": 3})
    assert stream.append([b"d"], match_seq_num=3).start.seq_num == 3


def test_expected_sequence_number_behind_a_trim(stream: Stream) -> None:
    """The next number, not the number of records that are left."""
    stream.append([b"a", AppendRecord.trim(U64_MAX)])

    with pytest.raises(SeqNumMismatch):
        stream.append([b"b"], match_seq_num=0)
    stream.append([b"b"], match_seq_num=2)


def test_token_in_force(stream: Stream) -> None:
    stream.append([AppendRecord.fence("mine")], fencing_token="")
    stream.append([b"a"], fencing_token="mine")
    stream.append([b"a"])

    with pytest.raises(FencingTokenMismatch) as refused:
        stream.append([b"b"], fencing_token="")
    assert refused.value.fencing_token == "mine"
    assert refused.value.body() == {"fencing_token_mismatch": "mine"}
    assert refused.value.status == 412


def test_fencing_is_judged_before_the_sequence_number(stream: Stream) -> None:
    with pytest.raises(FencingTokenMismatch):
        stream.append([b"a"], fencing_token="mine", match_seq_num=9)


def test_conditions_are_judged_before_timestamps(stream: Stream) -> None:
    """§3.5: steps 2 and 3 come before step 5."""
    stream.reconfigure(timestamping_mode="client-require")

    with pytest.raises(SeqNumMismatch):
        stream.append([b"a"], match_seq_num=9)
    with pytest.raises(FencingTokenMismatch):
        stream.append([b"a"], fencing_token="mine")
    with pytest.raises(Invalid, match="timestamp was required"):
        stream.append([b"a"], fencing_token="", match_seq_num=0)


def test_a_fence_is_for_later_appends(stream: Stream) -> None:
    stream.append([AppendRecord.fence("one"), b"a", AppendRecord.fence("two")], fencing_token="")

    with pytest.raises(FencingTokenMismatch, match="'two'"):
        stream.append([b"b"], fencing_token="one")
    stream.append([AppendRecord.fence("")], fencing_token="two")
    stream.append([b"b"], fencing_token="")


def test_a_fence_outlives_its_record(stream: Stream) -> None:
    """Trimming takes the record, not its effect (§8.1)."""
    stream.append([AppendRecord.fence("mine"), AppendRecord.trim(U64_MAX)])
    assert stream.records == ()

    with pytest.raises(FencingTokenMismatch):
        stream.append([b"a"], fencing_token="")
    stream.append([b"a"], fencing_token="mine")


@pytest.mark.parametrize("token", ["x" * 36, "é" * 18, "😀" * 9, "", "\0"])
def test_tokens(stream: Stream, token: str) -> None:
    stream.append([AppendRecord.fence(token)])

    assert stream.append([b"a"], fencing_token=token).start.seq_num == 1
    assert stream.records[0].body == token.encode()
    assert stream.records[0].headers == ((b"", b"fence"),)


class TestCommands:
    """A record is a command if it has exactly one header, whose name is empty (§3.2, §3.3)."""

    @pytest.mark.parametrize(
        ("headers", "body", "message"),
        [
            ([(b"", b"other")], b"", "unknown command"),
            ([(b"", b"")], b"", "unknown command"),
            ([(b"", b"Fence")], b"", "unknown command"),
            ([(b"", b"fence"), (b"k", b"v")], b"t", "invalid header: empty name"),
            ([(b"k", b"v"), (b"", b"fence")], b"t", "invalid header: empty name"),
            ([(b"", b""), (b"", b"")], b"", "invalid header: empty name"),
            ([(b"", b"fence")], b"\xff", "invalid `fence` command: invalid UTF-8"),
            (
                [(b"", b"fence")],
                b"x" * 37,
                "invalid `fence` command: fencing token must not exceed 36 bytes in length",
            ),
            (
                [(b"", b"trim")],
                b"",
                TRIM_TO.format(0),
            ),
            (
                [(b"", b"trim")],
                b"123456789",
                TRIM_TO.format(9),
            ),
        ],
    )
    def test_what_is_no_command(
        self, headers: list[tuple[bytes, bytes]], body: bytes, message: str
    ) -> None:
        with pytest.raises(Invalid) as refused:
            AppendRecord(body, headers)
        assert (refused.value.status, refused.value.message) == (422, message)

    def test_what_is_a_plain_record(self, stream: Stream) -> None:
        """A header named like a command, and two headers that are not empty."""
        stream.append([AppendRecord(b"t", [(b"fence", b"")])])
        stream.append([AppendRecord(b"t", [(b"fence", b"fence"), (b"trim", b"")])])

        assert stream.fencing_token == ""
        assert log_of(stream).trim_point == 0

    @pytest.mark.parametrize("seq_num", [-1, 2**64])
    def test_a_trim_to_no_sequence_number(self, seq_num: int) -> None:
        with pytest.raises(Invalid, match=f"not {seq_num}"):
            AppendRecord.trim(seq_num)

    def test_made_by_hand_or_by_name(self) -> None:
        for by_hand, by_name in [
            (AppendRecord(b"tok", [(b"", b"fence")]), AppendRecord.fence("tok")),
            (AppendRecord(b"\0\0\0\0\0\0\1\2", [(b"", b"trim")], 5), AppendRecord.trim(258, 5)),
        ]:
            assert by_hand.command == by_name.command
            assert (by_hand.body, by_hand.headers) == (by_name.body, by_name.headers)
            assert by_hand.timestamp == by_name.timestamp
