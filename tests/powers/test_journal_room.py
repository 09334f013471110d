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


def a_text(number: int, size: int) -> bytes:
    """One of that size that tells it from others."""
    return b"%*d" % (size, number % 10 ** min(size, 9)) if size else b""


def a_note(number: int, size: int) -> Note:
    body, said = a_text(number, size // 2), a_text(number, size - size // 2)
    return (body, said, FORM, "s", number, None, 0.5 + number, 0.0, None, size)


def an_entry(number: int, size: int) -> Entry:
    entry = Entry({}, "/v1/streams", {}, "create-stream", 0.5 + number)
    entry.body, entry.said = a_text(number, size // 2), a_text(number, size - size // 2)
    entry.at = number
    entry.ended = 0.0
    return entry


def within(sizes: Sequence[int], limit: int) -> list[bool]:
    """Which of them keep their bodies when the oldest have lost them, as many as it takes."""
    left, kept = sum(sizes), []
    for size in sizes:
        kept.append(left <= limit)
        left -= 0 if kept[-1] else size
    return kept


def bodies_within(sizes: Sequence[int], limit: int) -> int:
    """Bytes of the bodies that are left."""
    kept = within(sizes, limit)
    return sum(size for size, is_kept in zip(sizes, kept, strict=True) if is_kept)


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
        for number in range(came + 1, came + times + 1):
            if what == "plain":
                journal.note_plainly(a_note(number, size), size)
            elif what == "noted":
                journal.note(an_entry(number, size))
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
    assert [(entry.at, entry.began) for entry in entries] == [
        (entry.number, 0.5 + entry.number) for entry in entries
    ]
    for entry, size, is_kept in zip(entries, kept, within(kept, max_bytes), strict=True):
        texts = (a_text(entry.number, size // 2), a_text(entry.number, size - size // 2))
        # One without bodies loses none.
        assert (entry.body or b"", entry.said or b"") == (texts if is_kept else (b"", b""))
