"""Changes of an account, and an account as a whole, as frames."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from s2mock.data_directory.frames import (
    APPEND,
    CHANGE,
    CHUNK,
    END,
    HEADER,
    VERSION,
    encode_frame,
    encode_json,
    json_bytes,
)
from s2mock.data_directory.records import CHUNK_RECORDS, encode_append, encode_chunk
from s2mock.registry.log.chunks import Span
from s2mock.registry.log.log import LogState
from s2mock.registry.state import AccountState, BasinState, Change, StreamState
from s2mock.registry.values.config import BasinConfig, StreamConfig
from s2mock.registry.values.schedule import Due, FinishDeletion
from s2mock.registry.values.scopes import Scope
from s2mock.registry.values.tokens import AccessToken, IssuedToken
from s2mock.runtime.clock import Moment

Fields = dict[str, Any]

# A chunk in a file has at most this number of metered bytes.
_CHUNK_BYTES: Final = 4 * 1024 * 1024


def encode_change(change: Change, state: AccountState, moment: Moment) -> bytes | None:
    """Return the frame of a change to that state, None if it changes nothing that is kept."""
    fields: Fields = {}
    records: bytes | None = None
    if change.stream is not None:
        basin, name, stream = change.stream
        parent = state.basins.get(basin)
        before = None if parent is None else parent.streams.get(name)
        written = change.written
        if stream is None:
            fields["stream"] = [basin, name, None]
        else:
            if written is not None:
                records = encode_append(stream.incarnation, moment.account_time, written)
            if stream is not before and not _is_same(stream, before):
                fields["stream"] = [basin, name, _stream_fields(stream)]
    if change.basin is not None:
        name, basin_state = change.basin
        fields["basin"] = [name, None if basin_state is None else _basin_fields(basin_state)]
    if change.due_actions:
        fields["due"] = [[time, *_due_fields(due)] for time, due in change.due_actions]
    if (token := change.token) is not None:
        if isinstance(token, IssuedToken):
            fields["issued"] = _token_fields(token.token)
        else:
            fields["revoked"] = [*_token_fields(token.token), token.ends]
    if change.default_location is not None:
        fields["location"] = change.default_location
    if fields:
        fields["time"] = moment.account_time
        document = json_bytes(fields)
        return encode_frame(
            CHANGE, len(document).to_bytes(4, "little") + document + (records or b"")
        )
    return None if records is None else encode_frame(APPEND, records)


def encode_header(shift: int, now: int) -> bytes:
    """Return the first frame of a file.

    `shift` is what dates are later than the account's time, `now` the date of the last change
    before, both in nanoseconds.
    """
    return encode_json(HEADER, {"s2mock_data": VERSION, "shift": shift, "now": now})


def encode_state(state: AccountState) -> Iterator[bytes]:
    """Yield the frames of a whole account, without the header."""
    count = 0
    for frame in _state_frames(state):
        count += 1
        yield frame
    yield encode_json(END, {"frames": count})


def _state_frames(state: AccountState) -> Iterator[bytes]:
    account: Fields = {}
    if state.default_location is not None:
        account["location"] = state.default_location
    if (tokens := state.tokens) is not None:
        account["tokens_issued"] = tokens.issued
    if account:
        yield _change_frame(account)
    if tokens is not None:
        for token in tokens.by_secret.values():
            is_listed = tokens.by_id.get(token.id) is token
            yield _change_frame({"token": [*_token_fields(token), token.ends, is_listed]})
    for basin in state.basins.values():
        yield _change_frame({"basin": [basin.name, _basin_fields(basin)]})
        for stream in basin.streams.values():
            fields: Fields = {"stream": [basin.name, stream.name, _stream_fields(stream)]}
            if (log := stream.log) is not None:
                fields["log"] = [*log.tail, log.fencing_token, log.trim_point, log.next_expiry]
            yield _change_frame(fields)
            if log is not None:
                for spans in _pieces(log):
                    yield encode_frame(CHUNK, encode_chunk(spans))
    due = sorted(state.schedule.entries(), key=lambda entry: entry[0])
    if due:
        yield _change_frame({"due": [[time, *_due_fields(action)] for time, action in due]})


def _change_frame(fields: Fields) -> bytes:
    document = json_bytes(fields)
    return encode_frame(CHANGE, len(document).to_bytes(4, "little") + document)


def _pieces(log: LogState) -> Iterator[Sequence[Span]]:
    """Yield the spans of a log, in groups that each become one chunk of a file."""
    group: list[Span] = []
    count = size = 0
    for span in log.spans():
        for part in _within_bytes(span):
            length, metered = part.end - part.start, part.metered_bytes
            is_behind = group and group[-1].end_seq_num != part.first_seq_num
            if group and (
                is_behind or count + length > CHUNK_RECORDS or size + metered > _CHUNK_BYTES
            ):
                yield group
                group, count, size = [], 0, 0
            group.append(part)
            count += length
            size += metered
    if group:
        yield group


def _within_bytes(span: Span) -> Iterable[Span]:
    """Yield the parts of a span that are within the bytes of a chunk, most often it itself."""
    while span.metered_bytes > _CHUNK_BYTES:
        part = span.within(count=None, size=_CHUNK_BYTES, until=None)
        yield part
        span = span._replace(start=part.end)
    yield span


def _is_same(stream: StreamState, before: StreamState | None) -> bool:
    """True if two states of a stream differ in their records and last write at most."""
    return before is not None and stream[:7] == before[:7] and stream.check_due == before.check_due


def _basin_fields(basin: BasinState) -> list[Any]:
    creation = basin.creation
    return [
        basin.incarnation,
        _basin_config_fields(basin.config),
        basin.created_at,
        basin.deleted_at,
        None if creation is None else [creation[0], _basin_config_fields(creation[1])],
        basin.location,
    ]


def _stream_fields(stream: StreamState) -> list[Any]:
    creation = stream.creation
    return [
        stream.incarnation,
        _stream_config_fields(stream.config),
        stream.cipher,
        stream.created_at,
        stream.deleted_at,
        None if creation is None else [creation[0], _stream_config_fields(creation[1])],
        stream.last_write,
        stream.check_due,
    ]


def _basin_config_fields(config: BasinConfig) -> list[Any]:
    return [
        _stream_config_fields(config.default_stream_config),
        config.stream_cipher,
        config.create_stream_on_append,
        config.create_stream_on_read,
    ]


def _stream_config_fields(config: StreamConfig) -> list[Any]:
    return [
        config.storage_class,
        config.retention_policy,
        config.timestamping_mode,
        config.timestamping_uncapped,
        config.delete_on_empty_min_age,
    ]


def _token_fields(token: AccessToken) -> list[Any]:
    return [
        token.id,
        token.secret,
        _scope_fields(token.scope),
        token.expires,
        token.auto_prefix_streams,
    ]


def _scope_fields(scope: Scope) -> list[Any]:
    return [scope.basins, scope.streams, scope.access_tokens, scope.groups, scope.ops]


def _due_fields(due: Due) -> list[Any]:
    return ["finish" if isinstance(due, FinishDeletion) else "check", *due]
