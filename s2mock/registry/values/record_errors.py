"""What appends and reads are refused with.

Source: reference: data_plane §1.3 (the two answers without a code), §3 to §9.
"""

from typing import Any

from s2mock.registry.values.positions import StreamPosition
from s2mock.registry.values.s2error import S2Error


class AppendConditionFailed(S2Error):
    """A condition of the append did not hold. Nothing was written."""

    code = ""
    status = 412


class FencingTokenMismatch(AppendConditionFailed):
    """The append's fencing token is not the one in force, which is `fencing_token`."""

    rule = "data_plane §3.5"

    def __init__(self, fencing_token: str) -> None:
        super().__init__(f"the fencing token in force is {fencing_token!r}")
        self.fencing_token = fencing_token

    def body(self) -> dict[str, Any]:
        """The JSON document that S2 sends for this error."""
        return {"fencing_token_mismatch": self.fencing_token}


class SeqNumMismatch(AppendConditionFailed):
    """The append expects another sequence number than the next one, which is `seq_num`."""

    rule = "data_plane §3.5"

    def __init__(self, seq_num: int) -> None:
        super().__init__(f"the next sequence number is {seq_num}")
        self.seq_num = seq_num

    def body(self) -> dict[str, Any]:
        """The JSON document that S2 sends for this error."""
        return {"seq_num_mismatch": self.seq_num}


class ReadUnwritten(S2Error):
    """There is nothing to read from there on; `tail` is where the next record will be."""

    code = ""
    rule = "data_plane §4.3"
    status = 416

    def __init__(self, tail: StreamPosition) -> None:
        super().__init__(f"nothing is written there; the tail is {tail.seq_num}")
        self.tail = tail

    def body(self) -> dict[str, Any]:
        """The JSON document that S2 sends for this error."""
        return {"tail": {"seq_num": self.tail.seq_num, "timestamp": self.tail.timestamp}}


class DecryptionFailed(S2Error):
    """A record was appended with another key than it is read with."""

    code = "decryption_failed"
    rule = "data_plane §9"

    def __init__(self) -> None:
        super().__init__("record decryption failed")


class Unavailable(S2Error):
    """What served the request has gone away: its stream was deleted meanwhile."""

    code = "unavailable"
    rule = "data_plane §8.5"

    def __init__(self) -> None:
        super().__init__("streamer missing in action")
