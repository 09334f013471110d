"""Create stream through the socket, against servers without logic and against moto.

The bare loop is the server of s2mock with an app that answers a constant. Granian and
pytest-httpserver do so too; Granian's rate doubles from one machine to the next. moto creates a
bucket. pytest-httpserver and moto do not implement h2c.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import NamedTuple

from benchmarks.load.exchange import PLACE, Exchange
from benchmarks.load.process import run_load
from benchmarks.peers import BARE_LOOP, BASIN, BEFORE, absence, serving
from benchmarks.rounds import interleave
from benchmarks.table import Row, rate

# The headers that an SDK sends.
_CREATE_STREAM = Exchange(
    method="POST",
    target="/v1/streams",
    headers=(
        ("s2-basin", BASIN),
        ("s2-request-token", "3f2b8d6e9a5c4e17b0d1c2a3f4e5d6c7"),
        ("authorization", "Bearer s2mock"),
        ("content-type", "application/json"),
        ("accept-encoding", "gzip, zstd"),
        ("user-agent", "benchmarks"),
    ),
    body=f'{{"stream":"logs/{PLACE}"}}',
    status=201,
)
_CREATE_BUCKET = Exchange(
    method="PUT",
    target=f"/logs-{PLACE}",
    # moto routes by the service in it, and checks nothing.
    headers=(
        ("authorization", "AWS4-HMAC-SHA256 Credential=s2/20240101/us-east-1/s3/aws4_request"),
    ),
    body="",
    status=200,
)


class _Load(NamedTuple):
    """`in_flight` is on each connection; the aims are ratios against these peers."""

    protocol: str
    connections: int
    in_flight: int
    aims: dict[str, float]


_HTTPSERVER = "pytest-httpserver"
_LOADS = {
    "h2c, one at a time": _Load("h2c", 1, 1, {BARE_LOOP: 0.6}),
    "h2c, 40 in flight": _Load("h2c", 4, 10, {BEFORE: 1}),
    "HTTP/1.1, one at a time": _Load("http1", 1, 1, {_HTTPSERVER: 1.8}),
    "HTTP/1.1, 32 in flight": _Load("http1", 32, 1, {_HTTPSERVER: 3.5}),
}
_PEERS = {
    BARE_LOOP: "a bare loop of s2mock's server",
    "granian": "bare Granian",
    _HTTPSERVER: _HTTPSERVER,
    "moto": "moto server",
    BEFORE: "s2mock before",
}
_NO_H2C = (_HTTPSERVER, "moto")


def measure(quick: bool) -> Iterator[Row]:
    """Requests a second, for each protocol and load."""
    rounds, seconds = (1, 0.2) if quick else (7, 1.0)
    with ExitStack() as stack:
        ports = {
            name: stack.enter_context(serving(name)).port
            for name in ("s2mock", *_PEERS)
            if not absence(name)
        }
        for title, load in _LOADS.items():
            sides = {
                name: partial(_run, name, port, load, seconds)
                for name, port in ports.items()
                if load.protocol == "http1" or name not in _NO_H2C
            }
            rates = interleave(sides, rounds)
            for name, peer in _PEERS.items():
                if load.protocol == "h2c" and name in _NO_H2C:
                    continue
                yield Row(
                    f"create stream, {title}",
                    rates["s2mock"],
                    rate,
                    peer=peer,
                    theirs=rates.get(name),
                    aim=load.aims.get(name),
                    more_is_better=True,
                    absent=absence(name),
                )


def create_rate(port: int, title: str, seconds: float) -> float:
    """Requests a second of s2mock on that port, under the load of that title."""
    return _run("s2mock", port, _LOADS[title], seconds)


def _run(name: str, port: int, load: _Load, seconds: float) -> float:
    exchange = _CREATE_BUCKET if name == "moto" else _CREATE_STREAM
    requests, took = run_load(
        exchange,
        port,
        protocol=load.protocol,
        connections=load.connections,
        in_flight=load.in_flight,
        seconds=seconds,
    )
    return requests / took
