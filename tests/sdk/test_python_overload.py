"""The official Python SDK, unmodified, with more appends than the limits of S2 allow.

A virtual minute of overload loses nothing and doubles nothing; `make test` has a fifth of it.
"""

import asyncio
from collections import Counter
from datetime import timedelta
from itertools import count

import pytest
from s2_sdk import S2, AppendInput, Endpoints, Producer, Record, Retry, S2ServerError, Timeout

from s2mock import S2Mock
from tests.pace import OVERLOADED_SECONDS
from tests.sampling import IS_WHOLE
from tests.sdk.overload import refused_appends, seconds_of, throttled_sessions

# A second's worth passes at once, and 200 more with each second.
BATCHES = 200 * (OVERLOADED_SECONDS + 2)
SEEDS = [{"name": "my-basin", "streams": ["log"]}]

pytestmark = [
    pytest.mark.asyncio,
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.openapi_unchecked("S2's description has no 429 for appends"),
]


def client(mock: S2Mock, **options: object) -> S2:
    # Its patience is in real time: on a busy machine it would end while a batch waits for its turn.
    timeout = Timeout(request=timedelta(seconds=100))
    return S2(mock.token, endpoints=Endpoints(mock.url, mock.url), timeout=timeout, **options)  # type: ignore[arg-type]


@pytest.mark.s2_mock(limits="cloud", clock="manual", basins=SEEDS, journal_limit=20_000)
async def test_a_session(s2_mock: S2Mock) -> None:
    with throttled_sessions(s2_mock):
        async with (
            client(s2_mock) as s2,
            s2["my-basin"].stream("log").append_session() as session,
        ):
            tickets = [
                await session.submit(AppendInput([Record(b"%d" % n)])) for n in range(BATCHES)
            ]
            acks = [await ticket for ticket in tickets]
    assert [ack.start.seq_num for ack in acks] == [*range(BATCHES)]
    log = s2_mock.stream("my-basin", "log")
    assert [*log.bodies] == [b"%d" % n for n in range(BATCHES)]
    assert len(s2_mock.journal.of("append-session")) == 1
    assert seconds_of(s2_mock) >= OVERLOADED_SECONDS


RATE = 200 if IS_WHOLE else 20


@pytest.mark.s2_mock(
    limits="cloud" if IS_WHOLE else {"batches_per_second": RATE}, clock="manual", basins=SEEDS
)
async def test_unary_appends(s2_mock: S2Mock) -> None:
    """Twice as many as the limit allows are sent, and the SDK's retries do not suffice."""
    total = RATE * (OVERLOADED_SECONDS + 2)
    numbers = count()

    async with client(
        s2_mock,
        retry=Retry(min_base_delay=timedelta(0), max_base_delay=timedelta(milliseconds=1)),
    ) as s2:
        stream = s2["my-basin"].stream("log")

        async def work() -> None:
            while (number := next(numbers)) < total:
                while True:
                    try:
                        await stream.append(AppendInput([Record(b"%d" % number)]))
                        break
                    except S2ServerError as error:
                        if error.code != "rate_limited":
                            raise

        with refused_appends(s2_mock, 2 * RATE // 5, 0.2):
            await asyncio.gather(*(work() for _ in range(20)))
    log = s2_mock.stream("my-basin", "log")
    assert Counter(log.bodies) == Counter(b"%d" % n for n in range(total))
    assert len(s2_mock.journal.of("append", status=429)) > total / 4
    assert seconds_of(s2_mock) >= OVERLOADED_SECONDS - 1


@pytest.mark.s2_mock(limits="cloud", clock="auto", append_latency="cloud", basins=SEEDS)
async def test_a_producer_with_a_clock_that_advances_by_itself(s2_mock: S2Mock) -> None:
    """It makes large batches of what it is given, so that it is within the limits."""
    async with (
        client(s2_mock) as s2,
        s2["my-basin"].stream("log").producer() as producer,
    ):
        assert isinstance(producer, Producer)
        tickets = [await producer.submit(Record(b"%d" % n)) for n in range(5000)]
        acks = [await ticket for ticket in tickets]
    assert [ack.seq_num for ack in acks] == [*range(5000)]
    log = s2_mock.stream("my-basin", "log")
    assert [*log.bodies] == [b"%d" % n for n in range(5000)]
