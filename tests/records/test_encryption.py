"""Encryption as clients see it: the right key, or none of the data.

Source: reference: data_plane §3.5 step 4, §9.
"""

import base64
from collections.abc import Callable

import pytest

from s2mock import AppendRecord, BadHeader, Invalid, S2Mock, Stream
from s2mock.registry.log.log import LogState
from s2mock.registry.rules.encryption import key_digest
from s2mock.registry.state import Change
from s2mock.registry.values.config import BasinConfig, Cipher
from s2mock.registry.values.errors import DecryptionFailed
from s2mock.registry.values.positions import StreamPosition
from tests.handles_inside import engine_of, state_of
from tests.records.reads import open_read, said
from tests.records.staged_clock import StagedClock

FIRST = {"kind": "seq_num", "start": 0}
CIPHERS: tuple[Cipher, ...] = ("aegis-256", "aes-256-gcm")
KEY = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
OTHER = base64.b64encode(bytes(32)).decode()


@pytest.fixture(params=CIPHERS)
def cipher(request: pytest.FixtureRequest) -> Cipher:
    return request.param


@pytest.fixture
def encrypted(mock: S2Mock, cipher: Cipher) -> Stream:
    basin = mock.create_basin("encrypted-basin", BasinConfig(stream_cipher=cipher))
    return basin.create_stream("s")


def with_key(stream: Stream, key: str, **wanted: object) -> list[list[int]]:
    """The batches of sequence numbers that a read with that key delivers."""
    session = open_read(
        stream, digest=key_digest(stream.cipher, key), **(wanted or FIRST), until=2**63
    )
    return [output.seq_nums for output in said(stream, session)]


def test_round_trip(encrypted: Stream) -> None:
    encrypted.append([AppendRecord(b"secret", [(b"k", b"v")])], encryption_key=KEY)

    assert with_key(encrypted, KEY) == [[0]]
    # Direct access is for assertions: it needs no key.
    assert encrypted.records[0].body == b"secret"
    assert encrypted.records[0].metered_bytes == 8 + 2 + 2 + 6
    assert encrypted.tail.seq_num == 1


def test_another_key(encrypted: Stream) -> None:
    encrypted.append([b"secret"], encryption_key=KEY)

    with pytest.raises(DecryptionFailed) as refused:
        with_key(encrypted, OTHER)
    assert (refused.value.status, refused.value.code) == (400, "decryption_failed")
    assert refused.value.message == "record decryption failed"


def test_each_append_its_key(encrypted: Stream) -> None:
    """Keys are neither kept nor compared between requests."""
    encrypted.append([b"a"], encryption_key=KEY)
    encrypted.append([b"b"], encryption_key=OTHER)

    assert with_key(encrypted, KEY, kind="seq_num", start=0, count=1) == [[0]]
    assert with_key(encrypted, OTHER, kind="seq_num", start=1) == [[1]]
    # The whole batch is withheld.
    for key in (KEY, OTHER):
        with pytest.raises(DecryptionFailed):
            with_key(encrypted, key)


def test_earlier_batches_are_delivered(encrypted: Stream) -> None:
    encrypted.append([b"a"] * 1000, encryption_key=KEY)
    encrypted.append([b"b"], encryption_key=OTHER)
    session = open_read(encrypted, digest=key_digest(encrypted.cipher, KEY), **FIRST)

    assert len(said(encrypted, session, most=1)[0].seq_nums) == 1000
    with pytest.raises(DecryptionFailed):
        said(encrypted, session, most=1)


def test_a_follower_with_another_key(encrypted: Stream, clock: StagedClock) -> None:
    session = open_read(encrypted, digest=key_digest(encrypted.cipher, OTHER))
    assert said(encrypted, session, most=1) == [(0, [], 0)]
    clock.at(1, lambda: encrypted.append([b"a"], encryption_key=KEY))

    with pytest.raises(DecryptionFailed):
        said(encrypted, session, most=1)
    assert encrypted.readers == 0


def test_commands_are_never_encrypted(encrypted: Stream) -> None:
    """Readable with any key, and they work; the append needs a key all the same."""
    encrypted.append([AppendRecord.fence("mine"), AppendRecord.trim(0)], encryption_key=KEY)

    assert with_key(encrypted, OTHER) == [[0, 1]]
    encrypted.append([b"a"], fencing_token="mine", encryption_key=KEY)
    with pytest.raises(DecryptionFailed):
        with_key(encrypted, OTHER)
    assert with_key(encrypted, OTHER, kind="seq_num", start=0, count=2) == [[0, 1]]


@pytest.mark.parametrize(
    ("key", "message"),
    [
        (None, "missing encryption key for stream cipher '{}'"),
        ("!!!!", "invalid encryption key for stream cipher '{}': invalid base64"),
        (KEY[:-1], "invalid encryption key for stream cipher '{}': invalid base64"),
        (KEY[:-2] + "B=", "invalid encryption key for stream cipher '{}': invalid base64"),
        (f"{KEY[:20]} {KEY[20:]}", "invalid encryption key for stream cipher '{}': invalid base64"),
        ("AQID", "invalid encryption key length for stream cipher '{}': 3"),
        ("", "invalid encryption key length for stream cipher '{}': 0"),
        (
            base64.b64encode(bytes(33)).decode(),
            "invalid encryption key length for stream cipher '{}': 33",
        ),
    ],
)
def test_keys_that_are_none(encrypted: Stream, key: str | None, message: str) -> None:
    with pytest.raises(BadHeader) as refused:
        encrypted.append([b"a"], encryption_key=key)
    assert (refused.value.status, refused.value.message) == (400, message.format(encrypted.cipher))
    assert encrypted.tail.seq_num == 0


def test_the_key_is_judged_before_the_conditions(encrypted: Stream) -> None:
    """§1.2: rule 12 before rule 13."""
    with pytest.raises(BadHeader):
        encrypted.append([b"a"], match_seq_num=9)


def test_a_stream_without_cipher(stream: Stream) -> None:
    """The key is not even looked at."""
    stream.append([b"a"], encryption_key="!!!!")

    assert stream.records[0].key_digest is None
    assert with_key(stream, OTHER) == [[0]]


def test_the_cipher_is_frozen(encrypted: Stream, cipher: Cipher) -> None:
    """A change of the basin is for new streams (§9)."""
    encrypted.basin.reconfigure(stream_cipher=None)

    assert encrypted.cipher == cipher
    with pytest.raises(BadHeader):
        encrypted.append([b"a"])
    assert encrypted.basin.create_stream("new").append([b"a"]).end.seq_num == 1


def test_the_key_itself_is_not_kept(encrypted: Stream) -> None:
    encrypted.append([b"a"], encryption_key=KEY)
    digest = encrypted.records[0].key_digest
    assert digest is not None
    assert base64.b64decode(KEY) not in digest


class TestLastSequenceNumber:
    """AES-256-GCM ends at 2^32-1; the other cipher and plain streams do not (§3.5)."""

    def at(self, stream: Stream, seq_num: int) -> Stream:
        engine, state = engine_of(stream), state_of(stream)
        state = state._replace(log=LogState(tail=StreamPosition(seq_num, 0)))
        with engine.lock as moment:
            engine.store.commit(Change(stream=(stream.basin.name, stream.name, state)), moment)
        return stream

    @pytest.mark.parametrize("cipher", ["aes-256-gcm"])
    def test_gcm(self, encrypted: Stream) -> None:
        stream = self.at(encrypted, 2**32 - 2)
        with pytest.raises(Invalid) as refused:
            stream.append([b"a", b"b", b"c"], encryption_key=KEY)
        assert (refused.value.status, refused.value.message) == (
            422,
            "max assignable sequence number is 4294967295; attempted 4294967296",
        )
        assert (stream.tail.seq_num, stream.records) == (2**32 - 2, ())

        assert stream.append([b"a", b"b"], encryption_key=KEY).end.seq_num == 2**32
        with pytest.raises(Invalid, match="attempted 4294967296"):
            stream.append([b"c"], encryption_key=KEY)

    @pytest.mark.parametrize("cipher", ["aes-256-gcm"])
    def test_commands_go_on(self, encrypted: Stream) -> None:
        stream = self.at(encrypted, 2**32)
        stream.append([AppendRecord.fence("t"), AppendRecord.trim(1)], encryption_key=KEY)
        with pytest.raises(Invalid, match="attempted 4294967299"):
            stream.append([AppendRecord.fence(""), b"a"], encryption_key=KEY)
        # Nothing of that batch has happened.
        assert stream.append([AppendRecord.fence("")], encryption_key=KEY, fencing_token="t")

    @pytest.mark.parametrize("cipher", ["aegis-256"])
    def test_aegis(self, encrypted: Stream) -> None:
        assert self.at(encrypted, 2**40).append([b"a"], encryption_key=KEY).start.seq_num == 2**40

    def test_plain(self, new_stream: Callable[..., Stream]) -> None:
        assert self.at(new_stream(), 2**40).append([b"a"]).start.seq_num == 2**40
