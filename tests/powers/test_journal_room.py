"""What a journal keeps within its two limits, whatever comes and whenever somebody looks."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from s2mock.powers.entry import Entry, Note
from s2mock.powers.journal import Journal

FORM = ("POST", "/v1/streams", (), "HTTP/2", 1, "create-stream", "my-basin", 201, ())

# What comes, in runs, since notes that nobody looks at are kept many together.
plain = st.tuples(st.just("plain"), st.integers(1, 300), st.sampled_from([0, 1, 50, 20_000]))
noted = st.tuples(st.just("noted"), st.integers(1, 3), st.sampled_from([0, 1, 50]))
looked = st.sampled_from(["len", "dropped", "body_bytes", "entries", "advised", "clear"]).map(
    lambda what: (what, 1, 0)
)


class Numbers:
    """Somebody who has advice on every exchange that is over: its number."""

    def advice(self, entry: Entry, _: list[object]) -> tuple[str, ...]:
        return (str(entry.number),)

    def token_id(self, _: str) -> None:
        return None

    def request_document(self, *_: object) -> None:
        return None

    response_document = request_document


def a_note(size: int) -> Note:
    return (b"x" * size, b"", FORM, "s", 0, None, 0.0, 0.0, None, size)


def an_entry(size: int) -> Entry:
    entry = Entry({}, "/v1/streams", {}, "create-stream", 0.0)
    entry.body = b"x" * size
    entry.ended = 0.0
    return entry


def bodies_within(sizes: Sequence[int], limit: int) -> int:
    """Bytes that are left when the oldest have lost their bodies, as many as it takes."""
    left = sum(sizes)
    for size in sizes:
        if left <= limit:
            break
        left -= size
    return left


@given(
    limit=st.integers(1, 400),
    max_bytes=st.sampled_from([0, 60, 30_000, 10_000_000]),
    steps=st.lists(st.one_of(plain, noted, looked), max_size=12),
)
def test_within_its_limits(limit: int, max_bytes: int, steps: list[tuple[str, int, int]]) -> None:
    journal = Journal(Numbers, limit, max_bytes)  # type: ignore[arg-type]
    sizes: list[int] = []
    came = told = 0
    for what, times, size in steps:
        for _ in range(times):
            if what == "plain":
                journal.note_plainly(a_note(size), size)
            elif what == "noted":
                journal.note(an_entry(size))
        if what in ("plain", "noted"):
            sizes += [size] * times
            came += times
        kept = sizes[-limit:]
        if what == "len":
            assert len(journal) == len(kept)
        elif what == "dropped":
            assert journal.dropped == len(sizes) - len(kept)
        elif what == "body_bytes":
            assert journal.body_bytes == bodies_within(kept, max_bytes)
        elif what == "entries":
            numbers = [entry.number for entry in journal._now()]
            assert numbers == [*range(came - len(kept) + 1, came + 1)]
        elif what == "advised":
            advice = [text for exchange in journal.take_advised() for text in exchange.advice]
            assert advice == [*map(str, range(max(told, came - len(kept)) + 1, came + 1))]
            told = came
        elif what == "clear":
            journal.clear()
            assert len(journal.take_advised()) == min(len(kept), came - told)
            sizes = []
            told = came
    kept = sizes[-limit:]
    assert journal.last_number == came
    assert len(journal) == len(kept)
    entries = journal._now()
    assert sum(entry.size for entry in entries) == bodies_within(kept, max_bytes)
    assert journal.body_bytes == bodies_within(kept, max_bytes)
    assert [entry.number for entry in entries] == [*range(came - len(kept) + 1, came + 1)]
