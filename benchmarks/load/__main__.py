"""`python -m benchmarks.load`: load one server for a while and print what it did, as JSON."""

import argparse
import json
import selectors
import sys
import time
from collections.abc import Callable

from benchmarks.load.exchange import Connection, Exchange

_WARM_UP_REQUESTS = 200


def main() -> None:
    """Read the exchange from standard input, run, print `{"requests": n, "seconds": s}`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--protocol", choices=("h2c", "http1"), required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--connections", type=int, default=1)
    parser.add_argument("--in-flight", type=int, default=1, help="on each connection")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--first-number", type=int, default=0)
    options = parser.parse_args()
    document = json.load(sys.stdin)
    exchange = Exchange(**document | {"headers": tuple(map(tuple, document["headers"]))})
    open_connection = _connection_type(options.protocol)
    connections = [
        open_connection("127.0.0.1", options.port, exchange) for _ in range(options.connections)
    ]
    load = _Load(connections, options.in_flight, options.first_number)
    load.run(until=lambda: load.sent >= _WARM_UP_REQUESTS)
    start, before = time.perf_counter(), load.sent
    load.run(until=lambda: time.perf_counter() - start >= options.seconds)
    json.dump({"requests": load.sent - before, "seconds": time.perf_counter() - start}, sys.stdout)


def _connection_type(protocol: str) -> Callable[[str, int, Exchange], Connection]:
    if protocol == "h2c":
        from benchmarks.load.h2c import H2cConnection

        return H2cConnection
    from benchmarks.load.http1 import Http1Connection

    return Http1Connection


class _Load:
    """A load that keeps a number of requests in flight on every connection."""

    def __init__(self, connections: list[Connection], in_flight: int, first_number: int) -> None:
        self._connections = connections
        self._in_flight = in_flight
        self._next = first_number
        self.sent = 0

    def run(self, until: Callable[[], bool]) -> None:
        """Send until the time is over, then wait for the outstanding answers."""
        selector = selectors.DefaultSelector()
        due = 0
        for connection in self._connections:
            due += self._send(connection, self._in_flight)
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        while due:
            for key, _ in selector.select(timeout=30):
                connection = key.data
                answered = connection.receive()
                due -= answered
                if connection.socket is not key.fileobj:
                    selector.unregister(key.fileobj)
                    selector.register(connection.socket, selectors.EVENT_READ, connection)
                if answered and not until():
                    due += self._send(connection, answered)
        selector.close()

    def _send(self, connection: Connection, count: int) -> int:
        connection.send(self._next, count)
        self._next += count
        self.sent += count
        return count


if __name__ == "__main__":
    main()
