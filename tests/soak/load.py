"""What is done to the server: each kind of load is a function that goes on until its time is up."""

import json
import random
import sys
import threading
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from s2mock.contract.client import Client
from s2mock.contract.http2 import PREFACE, exchange
from s2mock.contract.records import Stream, acks, append_input, frame
from s2mock.contract.sessions import Session
from s2mock.contract.test_transport_floods import FLOODS
from tests.api.test_hostile_bodies import JSON, PROTOBUF
from tests.server import h2_shapes, shapes

BASIN: Final = "soak-basin"
# Records of all streams expire so soon, in seconds, so that the load itself does not pile up.
AGE: Final = 3
# How many sessions of a kind are open at the same time, each left by its client sooner or later.
_LEFT_OPEN = 40
_MANY_APPENDS = 2000

# How often each status has come; 0 where the connection ended in place of an answer.
Statuses = Counter[int]
Load = Callable[[Client, float, Statuses], None]


def garbage(client: Client, until: float, seen: Statuses) -> None:
    """Raw HTTP/1, most of it wrong, and connections that are dropped anywhere in it."""
    chance = random.Random(0)
    raw = [*shapes.SHAPES.values()]
    while time.monotonic() < until:
        data = chance.choice(raw)
        if chance.random() < 0.3:
            data = data[: chance.randrange(len(data) + 1)] + chance.randbytes(20)
        with suppress(OSError), client.open_socket(timeout=0.2) as connection:
            connection.sendall(data)
            if chance.random() < 0.7:
                answer = connection.recv(65536)
                seen[int(answer[9:12]) if answer[:5] == b"HTTP/" else 0] += 1


def floods(client: Client, until: float, seen: Statuses) -> None:
    """Frames of HTTP/2: every flood and every fault, read to the end or not at all."""
    chance = random.Random(0)
    said = [*(make(h2_shapes.Said().settings()).data for make in h2_shapes.SHAPES.values())]
    said += [sent for sent, _ in FLOODS.values()]
    while time.monotonic() < until:
        data = chance.choice(said)
        with suppress(OSError, AssertionError):
            if chance.random() < 0.3:
                with client.open_socket(timeout=0.2) as connection:
                    connection.sendall(PREFACE + data)
            else:
                answered = exchange(client, data, [1], timeout=0.3).streams.values()
                seen.update(answer.status or 0 for answer in answered)


def bodies(client: Client, until: float, seen: Statuses) -> None:
    """Bodies of two megabytes that are made to cost."""
    stream = Stream(client, "bodies")
    made = [("application/json", make(2_000_000)) for make in JSON.values()]
    made += [("application/protobuf", make(2_000_000)) for make in PROTOBUF.values()]
    while time.monotonic() < until:
        for content_type, body in made:
            headers = {"content-type": content_type}
            with suppress(OSError):
                answer = client.request("POST", stream.path, body=body, headers=headers, timeout=60)
                seen[answer.status] += 1
            if time.monotonic() > until:
                break


def left_open(client: Client, until: float, seen: Statuses) -> None:
    """Keep open sessions of every kind, which no client ends, and reads that wait."""
    stream, left = Stream(client, "log"), deque[Session]()
    openers = (
        stream.append_session,
        stream.read_session,
        stream.sse,
        lambda: stream.poll(wait=60),
    )
    while time.monotonic() < until:
        for opener in openers:
            session = opener()
            left.append(session)
            if opener is not openers[-1]:
                seen[session.status] += 1
        while len(left) > _LEFT_OPEN:
            left.popleft().close()
    for session in left:
        session.close()


def unread(client: Client, until: float, seen: Statuses) -> None:
    """Tails that never read what comes, though much does."""
    stream, left = Stream(client, "log"), deque[Session]()
    while time.monotonic() < until:
        for _ in range(_LEFT_OPEN // 4):
            for form in ({"accept": "text/event-stream"}, {"content-type": "s2s/proto"}):
                session = Session(
                    client, "GET", stream.path, headers=form, timeout=30, receive_buffer=4096
                )
                left.append(session)
                seen[session.status] += 1
        while len(left) > _LEFT_OPEN:
            left.popleft().close()
        time.sleep(0.2)
    for session in left:
        session.close()


def appends(client: Client, until: float, seen: Statuses) -> None:
    """As many small appends as there is time for, each acknowledged, and one that reads them."""
    stream = Stream(client, "log")
    data = frame(append_input(b"of the soak"))
    while time.monotonic() < until:
        with stream.append_session(timeout=60) as session:
            for _ in range(_MANY_APPENDS):
                session.send(data)
            assert len(acks(session, _MANY_APPENDS)) == _MANY_APPENDS
            session.half_close()
            seen[session.status] += 1
        seen[stream.read(tail_offset=100).status] += 1


def control(client: Client, until: float, seen: Statuses) -> None:
    """Streams and basins that come and go, listings, and a few records in each."""
    number = 0
    while time.monotonic() < until:
        number += 1
        stream = Stream(client, f"of-{number % 50}")
        seen[client.request("PUT", f"/v1/streams/{stream.name}").status] += 1
        seen[stream.append("a", "b").status] += 1
        seen[stream.read(seq_num=0).status] += 1
        seen[client.request("GET", "/v1/streams").status] += 1
        seen[stream.delete().status] += 1
        basin = client.in_basin(None)
        name = f"soak-basin-{number % 20:02}"
        seen[basin.request("PUT", f"/v1/basins/{name}").status] += 1
        seen[basin.request("DELETE", f"/v1/basins/{name}").status] += 1


# Those of one process share its interpreter.
PROCESSES: Final[tuple[tuple[Load, ...], ...]] = (
    (garbage, floods, unread),
    (bodies,),
    (appends, left_open, control),
)


def begin(client: Client) -> None:
    """Make what the load is done to."""
    config = {"retention_policy": {"age": AGE}}
    made = client.in_basin(None).request("POST", "/v1/basins", {"basin": BASIN})
    assert made.status == 201, made
    for name in ("log", "bodies"):
        made = client.request("PUT", f"/v1/streams/{name}", config)
        assert made.status == 201, made


def main(which: int, url: str, seconds: float) -> int:
    """Do what one process does, and print which statuses came; the exit status."""
    client, seen = Client(url, basin=BASIN), Statuses()
    until = time.monotonic() + seconds
    failed = []

    def run(one: Load) -> None:
        try:
            one(client, until, seen)
        except Exception:  # noqa: BLE001  # any error is to be seen at the end
            failed.append(one)
            traceback.print_exc()

    threads = [threading.Thread(target=run, args=(one,)) for one in PROCESSES[which]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps(seen))
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2], float(sys.argv[3])))
