"""Writing of a snapshot file: lines of JSON."""

import base64
import json
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any, Final, NamedTuple

from s2mock.json_bodies.control_plane import basin_config_to_json, stream_config_to_json
from s2mock.json_bodies.snapshots.times import time_to_file
from s2mock.json_bodies.tokens import scope_to_json
from s2mock.registry.log.chunks import Span
from s2mock.registry.log.log import LogState
from s2mock.registry.state import LOCATIONS, AccountState, BasinState, StreamState
from s2mock.registry.values.config import StreamConfig
from s2mock.registry.values.positions import StreamPosition
from s2mock.registry.values.records import Record
from s2mock.registry.values.schedule import CheckEmpty, FinishDeletion
from s2mock.registry.values.tokens import OWN_SECRET
from s2mock.runtime.clock import NANOSECONDS, NEVER, Moment

VERSION: Final = 1
"""The version of the format. Increment it when an older s2mock would misread the file."""

Fields = dict[str, Any]


def snapshot_to_bytes(state: AccountState, taken: Moment) -> bytes:
    """Return the content of a snapshot file, equal for equal accounts."""
    lines = [*_Writer(state, taken).lines()]
    first = {
        "s2mock_snapshot": VERSION,
        "taken": time_to_file(taken.now),
        "lines": len(lines) + 1,
    }
    encode = json.JSONEncoder(ensure_ascii=False).encode
    return "".join(f"{encode(line)}\n" for line in [first, *lines]).encode()


def hold_the_same(
    state: AccountState, taken: Moment, other: AccountState, other_taken: Moment
) -> bool:
    """True if two snapshots differ in nothing but the time at which they were taken."""
    ours, theirs = (
        _Writer(*each, says_each_expiry=True).lines()
        for each in ((state, taken), (other, other_taken))
    )
    return all(one == another for one, another in zip_longest(ours, theirs))


class _Due(NamedTuple):
    """The scheduled actions, by the incarnation of their basin or stream."""

    deletions: dict[int, int]
    # Also by the time for which a check was scheduled: an earlier one may have replaced another.
    checks: dict[tuple[int, int], int]


class _Writer:
    def __init__(
        self, state: AccountState, taken: Moment, *, says_each_expiry: bool = False
    ) -> None:
        self._state = state
        self._taken = taken
        # A file leaves out the expiry of a record that is appended at the time of the snapshot.
        self._says_each_expiry = says_each_expiry
        # Times of the account are written as dates.
        self._shift = taken.now - taken.account_time
        self._due = _Due({}, {})
        for time, due in sorted(state.schedule.entries(), key=lambda entry: entry[0]):
            if isinstance(due, FinishDeletion):
                self._due.deletions.setdefault(due.incarnation, time)
            else:
                assert isinstance(due, CheckEmpty), due
                self._due.checks[due.incarnation, due.at] = time

    def lines(self) -> Iterator[Fields]:
        yield from self._account()
        basins = sorted(self._state.basins.values(), key=lambda basin: basin.name)
        for basin in basins:
            yield self._basin(basin)
            for stream in sorted(basin.streams.values(), key=lambda stream: stream.name):
                log = (stream.log or LogState()).expired(object(), self._taken.account_time)
                records = [*self._records(log, stream.config)]
                yield self._stream(basin, stream, log)
                yield from records

    def _account(self) -> Iterator[Fields]:
        tokens, account = self._state.tokens, Fields()
        if self._state.default_location is not None:
            account["default_location"] = self._state.default_location
        if tokens is not None:
            account["tokens_issued"] = tokens.issued
        if account:
            yield {"account": account}
        if tokens is None:
            return
        for token in sorted(tokens.by_secret.values(), key=lambda token: (token.id, token.secret)):
            if token.secret == OWN_SECRET:
                # The own token of a mock is not part of a snapshot.
                continue
            fields: Fields = {
                "access_token": token.id,
                "secret": token.secret,
                "scope": scope_to_json(token.scope),
            }
            if token.expires is not None:
                fields["expires_at"] = self._date(token.expires)
            if token.auto_prefix_streams:
                fields["auto_prefix_streams"] = True
            listed = tokens.by_id.get(token.id)
            if listed is None or listed.secret != token.secret:
                fields["revoked"] = None if token.ends is None else self._date(token.ends)
            yield fields

    def _date(self, time: int) -> str | int:
        return time_to_file(time + self._shift)

    def _basin(self, basin: BasinState) -> Fields:
        fields: Fields = {
            "basin": str(basin.name),
            "config": basin_config_to_json(basin.config),
            "created_at": time_to_file(basin.created_at),
        }
        if basin.location != LOCATIONS[0].name:
            fields["location"] = basin.location
        if basin.creation is not None:
            token, config = basin.creation
            fields["request_token"] = str(token)
            fields["requested_config"] = basin_config_to_json(config)
        self._add_deletion(fields, basin)
        return fields

    def _stream(self, basin: BasinState, stream: StreamState, log: LogState) -> Fields:
        fields: Fields = {
            "stream": str(stream.name),
            "config": stream_config_to_json(stream.config),
            "created_at": time_to_file(stream.created_at),
            "last_write": self._date(stream.last_write),
        }
        if stream.cipher != basin.config.stream_cipher:
            fields["cipher"] = stream.cipher
        if stream.creation is not None:
            token, config = stream.creation
            fields["request_token"] = str(token)
            fields["requested_config"] = stream_config_to_json(config)
        self._add_deletion(fields, stream)
        self._add_check(fields, stream)
        implied = implied_by(log)
        if log.tail != implied.tail:
            fields["tail"] = log.tail._asdict()
        if log.fencing_token != implied.fencing_token:
            fields["fencing_token"] = log.fencing_token
        if log.trim_point:
            fields["trim_point"] = log.trim_point
        return fields

    def _add_deletion(self, fields: Fields, resource: BasinState | StreamState) -> None:
        if resource.deleted_at is not None:
            fields["deleted_at"] = time_to_file(resource.deleted_at)
            if (time := self._due.deletions.get(resource.incarnation)) is not None:
                fields["deletion_finishes_at"] = self._date(time)

    def _add_check(self, fields: Fields, stream: StreamState) -> None:
        """Add the time of the delete-on-empty check, or null if there is none."""
        if not stream.config.delete_on_empty_min_age:
            return
        at = stream.check_due
        fields["empty_check"] = None
        if at is not None:
            falls_due = self._due.checks[stream.incarnation, at]
            fields["empty_check"] = {"due": self._date(at), "carried_out": self._date(falls_due)}

    def _records(self, log: LogState, config: StreamConfig) -> Iterator[Fields]:
        usual = expiry_of(self._taken.account_time, config)
        for span in log.spans():
            for seq_num, timestamp, record in span.rows:
                fields = _record(record)
                index = seq_num - span.chunk.first_seq_num
                expiry = span.chunk.expiries[index]
                if expiry != usual or self._says_each_expiry:
                    fields["expires_at"] = None if expiry == NEVER else self._date(expiry)
                if (digest := _digest(span, index)) is not None:
                    fields["key_sha256"] = digest.hex()
                yield {"seq_num": seq_num, "timestamp": timestamp, **fields}


def expiry_of(now: int, config: StreamConfig) -> int:
    """Return the time at which a record that is appended at `now` expires."""
    age = config.retention_policy
    if isinstance(age, str) or age is None:
        return NEVER
    return min(NEVER, now + age * NANOSECONDS)


def implied_by(log: LogState) -> LogState:
    """Return a log with the tail and the fencing token that the surviving records imply."""
    tail, token = StreamPosition(0, 0), ""
    for span in log.spans():
        for seq_num, timestamp, record in span.rows:
            tail = StreamPosition(seq_num + 1, timestamp)
            if record.command == "fence":
                token = record.body.decode()
    return LogState(tail=tail, fencing_token=token)


def _digest(span: Span, index: int) -> bytes | None:
    digests = span.chunk.digests
    return None if digests is None else digests[index]


def _record(record: Record) -> Fields:
    if record.command == "fence":
        return {"fence": record.body.decode()}
    if record.command == "trim":
        return {"trim": int.from_bytes(record.body, "big")}
    fields: Fields = {}
    if record.headers:
        flat = [part for header in record.headers for part in header]
        name, parts = _text_or_base64("headers", flat)
        fields[name] = [[*pair] for pair in zip(parts[::2], parts[1::2], strict=True)]
    name, [fields_body] = _text_or_base64("body", [record.body])
    fields[name] = fields_body
    return fields


def _text_or_base64(name: str, values: list[bytes]) -> tuple[str, list[str]]:
    try:
        return name, [value.decode() for value in values]
    except UnicodeDecodeError:
        return f"{name}_base64", [base64.b64encode(value).decode() for value in values]
