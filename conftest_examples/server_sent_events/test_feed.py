from contextlib import closing

import httpx
import pytest

from feed import Feed, Headline
from s2mock import Stream


def test_up_to_now(feed: Feed, log: Stream) -> None:
    log.append(["Tea is cheaper", "Naïve goose found 🪿"])

    assert list(feed.headlines(wait=0)) == [
        Headline(0, "Tea is cheaper"),
        Headline(1, "Naïve goose found 🪿"),
    ]


def test_as_they_come(feed: Feed, log: Stream) -> None:
    log.append(["old"])
    with closing(feed.headlines()) as headlines:
        assert next(headlines) == Headline(0, "old")
        log.append(["new"])
        assert next(headlines) == Headline(1, "new")


def test_after_a_break(feed: Feed, log: Stream) -> None:
    log.append(["one"])
    with closing(feed.headlines()) as headlines:
        next(headlines)
    log.append(["two", "three"])

    assert [headline.text for headline in feed.headlines(count=99)] == ["two", "three"]


def test_a_correction_withdraws_what_was_said(feed: Feed, log: Stream) -> None:
    log.append(["wrong", "right"])
    log.trim(1)

    assert [headline.number for headline in feed.headlines(count=1)] == [1]


def test_nothing_was_written_yet(feed: Feed) -> None:
    with pytest.raises(httpx.HTTPStatusError, match="416"):
        next(feed.headlines(count=1))
