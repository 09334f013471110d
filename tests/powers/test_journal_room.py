"""The entries that a journal keeps within its two limits, for any traffic and any reader."""

import http.client
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2mock import Exchange, S2Mock
from s2mock.powers.entry import Entry, ExchangeHead, Note
from s2mock.powers.journal import Journal
from tests import own_token

HEAD = ExchangeHead("POST", "/v1/streams", (), "HTTP/2", 1, "create-stream", "my-basin", 201, ())

# The traffic, in runs, since entries that no test reads are kept many together.
heads = st.sampled_from([0, 0, 100, 5000])
plain = st.tuples(st.just("plain"), st.integers(1, 300), st.sampled_from([0, 1, 50, 20_000]), heads)
noted = st.tuples(st.just("noted"), st.integers(1, 3), st.sampled_from([0, 1, 50]), heads)
looked = st.sampled_from(["len", "dropped", "body_bytes", "entries", "advised", "clear"]).map(
    lambda what: (what, 1, 0, 0)
)


class Numbers:
    """Advice on every exchange that is over: its number."""

    def find_advice(self, entry: Entry, _: list[object]) -> tuple[str, ...]:
        return (str(entry.number),)

    def find_token_id(self, _: str) -> None:
        return None

    def decode_request(self, *_: object) -> None:
        return None

    decode_response = decode_request


def a_text(number: int, size: int) -> bytes:
    """One of that size that tells it from others."""
    return b"%*d" % (size, number % 10 ** min(size, 9)) if size else b""


def counted(head: int) -> int:
    """What a header field of that size counts, with the target and its name."""
    size = len("/v1/streams") + len("x-long") + head
    return size if size > 4096 else 0


def a_note(number: int, size: int, head: int = 0) -> Note:
    body, said = a_text(number, size // 2), a_text(number, size - size // 2)
    fields = (("x-long", a_text(number, head).decode()),)
    shared = HEAD._replace(fields=fields)
    return Note(
        body, said, shared, "s", number, None, 0.5 + number, 0.0, None, size + counted(head)
    )


def an_entry(number: int, size: int, head: int) -> Entry:
    environ = {"HTTP_X_LONG": a_text(number, head).decode()}
    entry = Entry(environ, "/v1/streams", {}, "create-stream", 0.5 + number)
    entry.body, entry.response_body = a_text(number, size // 2), a_text(number, size - size // 2)
    entry.measure()
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
def test_within_its_limits(
    limit: int, max_bytes: int, steps: list[tuple[str, int, int, int]]
) -> None:
    journal = Journal(Numbers, limit, max_bytes)  # type: ignore[arg-type]
    sizes: list[int] = []
    parts: list[tuple[int, int]] = []
    came = told = 0
    for what, times, size, head in steps:
        for number in range(came + 1, came + times + 1):
            if what == "plain":
                journal.store.add_note(a_note(number, size, head))
            elif what == "noted":
                journal.store.add(an_entry(number, size, head))
        if what in ("plain", "noted"):
            sizes += [size + counted(head)] * times
            parts += [(size, head)] * times
            came += times
        kept = sizes[-limit:]
        if what == "len":
            assert len(journal) == len(kept)
        elif what == "dropped":
            assert journal.summary.dropped == len(sizes) - len(kept)
        elif what == "body_bytes":
            assert journal.summary.body_bytes == bodies_within(kept, max_bytes)
        elif what == "entries":
            numbers = [entry.number for entry in journal.store.entries()]
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
    entries = journal.store.entries()
    assert sum(entry.size for entry in entries) == bodies_within(kept, max_bytes)
    assert journal.summary.body_bytes == bodies_within(kept, max_bytes)
    assert [entry.number for entry in entries] == [*range(came - len(kept) + 1, came + 1)]
    assert [(entry.at, entry.began) for entry in entries] == [
        (entry.number, 0.5 + entry.number) for entry in entries
    ]
    rows = zip(entries, parts[len(parts) - len(kept) :], within(kept, max_bytes), strict=True)
    for entry, (size, head), is_kept in rows:
        field = a_text(entry.number, head).decode()
        is_there = is_kept or not counted(head)
        assert entry.environ.get("HTTP_X_LONG", None) == (field if is_there else None)
        texts = (a_text(entry.number, size // 2), a_text(entry.number, size - size // 2))
        # One without bodies loses none.
        assert (entry.body or b"", entry.response_body or b"") == (texts if is_kept else (b"", b""))


MIB = 1024 * 1024
LONG = "x" * 60_000
# What is long in a request, and what an exchange has of it then.
Request = Callable[[int], tuple[str, str, dict[str, str], bytes]]
APPEND = b'{"records":[{"body":"a"}]}'
RECORDS = "/v1/streams/log/records"
JSON = {"content-type": "application/json"}
LONG_REQUESTS: dict[str, Request] = {
    "a field": lambda number: ("POST", RECORDS, JSON | {"x-long": f"{number}{LONG}"}, APPEND),
    "a field of a refused one": lambda number: (
        "POST",
        RECORDS,
        JSON | {"x-long": f"{number}{LONG}"},
        b"{",
    ),
    "fields": lambda number: (
        "POST",
        RECORDS,
        JSON | {f"x-{place}": f"{number}{LONG[:3000]}" for place in range(20)},
        APPEND,
    ),
    "the name of a field": lambda number: (
        "POST",
        RECORDS,
        JSON | {f"x-{number}{LONG}": "1"},
        APPEND,
    ),
    "a query": lambda number: ("GET", f"{RECORDS}/tail?x={number}{LONG}", {}, b""),
    "a query of a refused one": lambda number: (
        "GET",
        f"{RECORDS}?seq_num=x&x={number}{LONG}",
        {},
        b"",
    ),
    "a name": lambda number: ("GET", f"/v1/streams/{number}{LONG}", {}, b""),
    "no route": lambda number: ("GET", f"/{number}{LONG}", {}, b""),
    "what an error says": lambda number: (
        "POST",
        "/v1/streams",
        JSON,
        b'{"stream":"s","config":{"retention_policy":"%d%s"}}' % (number, LONG.encode()),
    ),
}


def kept_of(exchange: Exchange) -> int:
    """Characters and bytes of an exchange that came from the client, or were made of that."""
    request, response = exchange.request, exchange.response
    assert response is not None
    texts = [*request.headers, *request.headers.values(), request.path, request.query]
    texts += [exchange.basin or "", exchange.stream or "", response.message or ""]
    bodies = [request.body or b"", response.body or b""]
    return sum(map(len, texts)) + sum(map(len, bodies))


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    "what",
    # For a path without a route the error looks for similar paths, which takes long.
    [
        pytest.param(what, marks=pytest.mark.slow if what == "no route" else ())
        for what in LONG_REQUESTS
    ],
)
def test_what_is_long_in_a_head_counts(what: str) -> None:
    # Of 60 KB each: nearly twice as much as the limit.
    count, limit = 30, MIB
    with S2Mock(
        basins=[{"name": "my-basin", "streams": [{"name": "log"}]}], journal_bytes=limit
    ) as mock:
        connection = http.client.HTTPConnection(mock.url.removeprefix("http://"))
        token = own_token.headers(mock)
        for number in range(count):
            method, target, headers, body = LONG_REQUESTS[what](number)
            headers = headers | token | {"s2-basin": "my-basin"}
            connection.request(method, target, body, headers)
            connection.getresponse().read()
        connection.close()
        journal = mock.journal
        assert (len(journal), journal.dropped) == (count, 0)
        sizes = [kept_of(exchange) for exchange in journal]
        assert sum(sizes) <= limit + count * 8192
        # Of the latest all is kept.
        assert sizes[-1] > 60_000
        # Of the oldest what is short.
        first = journal[0]
        assert sizes[0] <= 8192
        assert first.request.method == method
        assert first.request.headers["s2-basin"] == "my-basin"
        assert first.request.path.startswith("/")
        assert first.operation == journal[-1].operation
        assert first.response is not None
        assert journal[-1].response is not None
        assert first.response.status == journal[-1].response.status
        assert first.curl()


def test_heads_in_common_count_once() -> None:
    with S2Mock(basins=["my-basin"], journal_bytes=MIB) as mock:
        client = mock.client
        headers = own_token.headers(mock) | {"x-long": LONG}
        for _ in range(60):
            client.get("/v1/basins", headers=headers)
        assert mock.journal.body_bytes < MIB
        assert mock.journal[0].request.headers["x-long"] == LONG
