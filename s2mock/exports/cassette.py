"""Cassettes: the exchanges of a journal in a file of JSON lines, without secrets.

The first line has the version of the format, and what the account has that no exchange has made:
basins, streams and records of direct calls, or from before. Each further line is an exchange, with
the members of `Exchange` under the same names.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final, NamedTuple

from s2mock.exports.account_reader import AccountReader, find_other_records
from s2mock.exports.secret_values import SecretValues
from s2mock.json_bodies.control_plane import basin_config_to_json, stream_config_to_json
from s2mock.powers.exchange import Exchange
from s2mock.powers.exchange_json import exchange_from_json, exchange_to_json
from s2mock.powers.faults import bytes_from_json, bytes_to_json
from s2mock.registry.places import Place
from s2mock.registry.values.config import BasinConfig
from s2mock.registry.values.errors import S2Error
from s2mock.registry.values.records import SequencedRecord, metered_bytes

FORMAT: Final = 1
"""The version of the format. Increment it when an older s2mock would misread the file."""

_FORMAT_MEMBER: Final = "s2mock_cassette"
# Computed from other members, or from the account as it was when the exchange was read.
_COMPUTED: Final = ("reason", "advice", "curl", "held")


class BadCassette(ValueError):
    """A file is no cassette; the message has the line that is wrong."""


class CassetteStream(NamedTuple):
    """A stream that was there before the exchanges, and the records that no exchange appended.

    A record is a sequence number, a timestamp in milliseconds since the Unix epoch, headers and a
    body.
    """

    name: str
    config: dict[str, Any] | None
    records: tuple[SequencedRecord, ...]


class CassetteBasin(NamedTuple):
    """A basin that was there before the exchanges, if `config` is not None, and its streams."""

    name: str
    config: dict[str, Any] | None
    streams: tuple[CassetteStream, ...]


class Cassette(NamedTuple):
    """The content of a cassette. `dropped` exchanges were no longer in the journal."""

    basins: tuple[CassetteBasin, ...]
    exchanges: tuple[Exchange, ...]
    dropped: int = 0


def render(exchanges: Sequence[Exchange], account: AccountReader, dropped: int = 0) -> str:
    """Return the text of a cassette. `dropped` exchanges are no longer in the journal."""
    secrets = SecretValues(exchanges)
    of_basin: dict[str | None, list[Exchange]] = {}
    for exchange in exchanges:
        of_basin.setdefault(exchange.basin, []).append(exchange)
    head = {
        _FORMAT_MEMBER: FORMAT,
        "version": version("s2mock"),
        "dropped": dropped,
        "basins": [
            one
            for name in sorted({*account.basins(), *_deleted(exchanges, "delete-basin")})
            if (one := _basin_to_json(name, of_basin.get(name, ()), account, secrets))
        ],
    }
    lines = [head, *(_exchange_to_json(exchange, secrets) for exchange in exchanges)]
    return "".join(f"{json.dumps(line, ensure_ascii=True)}\n" for line in lines)


def parse(text: str) -> Cassette:
    """Return the content of a cassette. Raises `BadCassette` with the line that is wrong."""
    lines = text.splitlines()
    head = _parse_line(1, lines[0] if lines else "")
    if head.get(_FORMAT_MEMBER) != FORMAT:
        raise BadCassette(
            f'line 1: this is no cassette of format {FORMAT}: expected {{"{_FORMAT_MEMBER}": '
            f"{FORMAT}, ...}}, as journal.save() writes it"
        )
    try:
        basins = tuple(map(_basin_from_json, head["basins"]))
        dropped = int(head["dropped"])
    except (KeyError, TypeError, ValueError, S2Error) as error:
        raise BadCassette(f"line 1: {_describe(error)}") from None
    exchanges = []
    for number, line in enumerate(lines[1:], 2):
        document = _parse_line(number, line)
        try:
            exchanges.append(_exchange_from_json(document))
        except (KeyError, TypeError, ValueError) as error:
            raise BadCassette(f"line {number}: {_describe(error)}") from None
    return Cassette(basins, tuple(exchanges), dropped)


def _parse_line(number: int, line: str) -> dict[str, Any]:
    try:
        document = json.loads(line)
    except ValueError as error:
        raise BadCassette(f"line {number}: this is no JSON: {error}") from None
    if not isinstance(document, dict):
        raise BadCassette(f"line {number}: expected a JSON object, not {line:.40}")
    return document


def _describe(error: Exception) -> str:
    return f"the member {error} is missing" if isinstance(error, KeyError) else str(error)


# Exchanges.


def _exchange_to_json(exchange: Exchange, secrets: SecretValues) -> dict[str, Any]:
    document = exchange_to_json(exchange)
    for name in _COMPUTED:
        del document[name]
    request, response = exchange.request, exchange.response
    path, query = secrets.redact_target(request.path, request.query)
    document["request"] = {
        "method": request.method,
        "path": path,
        "query": query,
        "headers": secrets.redact_headers(request.headers),
        "body": _body_to_json(request.body, secrets),
    }
    if response is not None:
        document["response"] = {
            "status": response.status,
            "headers": secrets.redact_headers(response.headers),
            "body": _body_to_json(response.body, secrets),
        }
        if exchange.session is not None:
            # Of its terminal frame, which is in no body.
            document["response"]["code"] = response.code
            document["response"]["message"] = response.message and secrets.redact(response.message)
    return document


def _exchange_from_json(document: dict[str, Any]) -> Exchange:
    request, response = document["request"], document["response"]
    if response is not None:
        response = {"code": None, "message": None, "document": None, **response}
    return exchange_from_json(
        {
            **document,
            "request": {"document": None, **request},
            "response": response,
            "reason": None,
            "advice": [],
            "held": None,
        }
    )


def _body_to_json(body: bytes | None, secrets: SecretValues) -> Any:
    body = secrets.redact_body(body)
    return None if body is None else bytes_to_json(body)


# The account.


def _basin_to_json(
    name: str, own: Sequence[Exchange], account: AccountReader, secrets: SecretValues
) -> dict[str, Any] | None:
    """Return a basin with what no exchange has made of it, None if that is nothing."""
    is_made = _is_made(name, None, own)
    try:
        config = account.basin(Place(name)).config
        there = account.streams(Place(name))
    except S2Error:
        # Deleted, or about to be; what it was like is not known any more.
        config, there = BasinConfig(), ()
    streams = [
        found
        for stream in sorted({*there, *_deleted(own, "delete-stream")})
        if (found := _stream_to_json(Place(name, stream), own, account, config, secrets))
    ]
    if is_made:
        return {"name": name, "config": None, "streams": streams} if streams else None
    return {"name": name, "config": basin_config_to_json(config), "streams": streams}


def _stream_to_json(
    place: Place,
    exchanges: Sequence[Exchange],
    account: AccountReader,
    parent: BasinConfig,
    secrets: SecretValues,
) -> dict[str, Any] | None:
    own = [one for one in exchanges if one.stream == place.stream]
    others: list[dict[str, Any]] = []
    try:
        view, records = account.stream(place), account.records(place)
        config = view.config
        others = [
            _record_to_json(seq_num, record, secrets)
            for seq_num, record in find_other_records(own, view.tail.seq_num, records)
        ]
    except S2Error:
        config = parent.default_stream_config
    # The effect of an append, or of a read, does not tell that it has created its stream.
    is_made = _is_made(place.stream, place.basin, own) or (
        not others and any(_creates(one, parent) for one in own)
    )
    if is_made and not others:
        return None
    return {
        "name": place.stream,
        "config": None if is_made else stream_config_to_json(config),
        "records": others,
    }


def _is_made(name: str | None, basin: str | None, exchanges: Iterable[Exchange]) -> bool:
    """True if the first change of the basin or stream of that name is that it was created."""
    operations = _OF_BASINS if basin is None else _OF_STREAMS
    for one in exchanges:
        if one.effect.name == name and one.operation in operations and one.effect.committed:
            return one.effect.kind == "created"
    return False


_OF_BASINS: Final = ("create-basin", "ensure-basin", "reconfigure-basin", "delete-basin")
_OF_STREAMS: Final = ("create-stream", "ensure-stream", "reconfigure-stream", "delete-stream")


def _deleted(exchanges: Iterable[Exchange], operation: str) -> set[str]:
    """Return the names of what the exchanges have deleted by that operation."""
    return {
        one.effect.name
        for one in exchanges
        if one.effect.kind == "deleted" and one.operation == operation and one.effect.name
    }


def _creates(exchange: Exchange, config: BasinConfig) -> bool:
    """True for the first append or read of a stream that its basin creates when it is needed."""
    is_read = exchange.operation == "read"
    if not is_read and exchange.operation not in ("append", "append-session"):
        return False
    return config.creates_stream_on("read" if is_read else "append")


def _record_to_json(
    seq_num: int, record: SequencedRecord | None, secrets: SecretValues
) -> dict[str, Any]:
    """Return a record as JSON; without a body if it is gone."""
    if record is None:
        return {"seq_num": seq_num}
    return {
        "seq_num": seq_num,
        "timestamp": record.timestamp,
        "headers": [[bytes_to_json(part) for part in pair] for pair in record.headers],
        "body": _body_to_json(record.body, secrets),
    }


def _basin_from_json(document: Mapping[str, Any]) -> CassetteBasin:
    streams = tuple(
        CassetteStream(
            stream["name"], stream["config"], tuple(map(_record_from_json, stream["records"]))
        )
        for stream in document["streams"]
    )
    return CassetteBasin(document["name"], document["config"], streams)


def _record_from_json(document: Mapping[str, Any]) -> SequencedRecord:
    headers = tuple(
        (bytes_from_json("headers", name), bytes_from_json("headers", value))
        for name, value in document.get("headers", ())
    )
    body = bytes_from_json("body", document.get("body", ""))
    size = metered_bytes(headers, body)
    return SequencedRecord(document["seq_num"], document.get("timestamp", 0), headers, body, size)
