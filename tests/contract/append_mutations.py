"""Broken rules of appends, of the log, and of the keys and lives of its streams."""

from s2mock.api.records import headers
from s2mock.registry.engine import read_session
from s2mock.registry.log import chunks, log
from s2mock.registry.rules import append, deletion, encryption, open_stream, read
from s2mock.registry.values import records as registry_records
from s2mock.registry.values.config import BasinConfig
from tests.contract.mutation import Mutation

APPEND_MUTATIONS = (
    # Sequence numbers and conditions.
    Mutation(
        "the fencing token is judged after match_seq_num",
        log.LogState.decide_append,
        "if batch.fencing_token is not None and batch.fencing_token != self.fencing_token:",
        "if batch.match_seq_num in (None, self.tail.seq_num) and batch.fencing_token is not None "
        "and batch.fencing_token != self.fencing_token:",
        ("test_append_conditions::test_fencing_is_reported_before_the_sequence_number",),
    ),
    Mutation(
        "a fenced stream asks every append for the token",
        log.LogState.decide_append,
        "if batch.fencing_token is not None and batch.fencing_token != self.fencing_token:",
        'if (batch.fencing_token or "") != self.fencing_token:',
        ("test_append_conditions::test_append_without_token_on_a_fenced_stream",),
    ),
    Mutation(
        "412 tells the token that was sent",
        log.LogState.decide_append,
        "raise FencingTokenMismatch(self.fencing_token)",
        "raise FencingTokenMismatch(batch.fencing_token)",
        ("test_append_conditions::test_token_mismatch_byte_for_byte",),
    ),
    Mutation(
        "match_seq_num 0 is no condition",
        log.LogState.decide_append,
        "batch.match_seq_num is not None and",
        "batch.match_seq_num and",
        ("test_append_conditions::test_seq_num_mismatch",),
    ),
    Mutation(
        "an ack ends with the first record's timestamp",
        append._append,
        "AppendAck(StreamPosition(first, written.timestamps[0]), tail, tail)",
        "AppendAck(StreamPosition(first, written.timestamps[0]), "
        "StreamPosition(tail.seq_num, written.timestamps[0]), tail)",
        ("test_append_basics::test_ack_byte_for_byte",),
    ),
    Mutation(
        "a match_seq_num beyond the tail is no condition",
        log.LogState.decide_append,
        "batch.match_seq_num != first",
        "batch.match_seq_num < first",
        ("test_append_conditions::test_seq_num_mismatch_changes_nothing",),
    ),
    # Timestamps.
    Mutation(
        "timestamps may go back",
        log.LogState._assign_timestamps,
        "previous = max(previous, timestamp)",
        "previous = timestamp",
        ("test_append_timestamps::test_timestamps_never_decrease_within_a_batch",),
    ),
    Mutation(
        "timestamps may go back between appends",
        log.LogState._assign_timestamps,
        "previous = self.tail.timestamp",
        "previous = 0",
        ("test_append_timestamps::test_timestamps_never_decrease_between_appends",),
    ),
    Mutation(
        "timestamps of the future are not capped",
        log.LogState._assign_timestamps,
        "if capped and timestamp > now:",
        "if False:",
        ("test_append_timestamps::test_the_future_is_capped",),
    ),
    Mutation(
        "client-require lets a missing timestamp pass",
        log.LogState._assign_timestamps,
        'if mode == "client-require":',
        "if False:",
        ("test_append_timestamps::test_a_required_timestamp_is_missing",),
    ),
    Mutation(
        "arrival keeps the client's timestamp",
        log.LogState._assign_timestamps,
        'mode == "arrival" or (',
        "(",
        ("test_append_timestamps::test_arrival_ignores_the_client",),
    ),
    # Commands, trim and retention.
    Mutation(
        "a trim reaches beyond itself",
        log.LogState.decide_append,
        "min(asked_trim_point(record), seq_num + 1)",
        "asked_trim_point(record)",
        (
            "test_commands::test_trim_beyond_the_tail_is_capped_for_good",
            "test_commands::test_trim_in_the_middle_of_a_batch",
        ),
    ),
    Mutation(
        "a trim takes the record that it names",
        log.LogState.trimmed,
        "point, chunks = self.trim_point, self.chunks",
        "point, chunks = self.trim_point + 1, self.chunks",
        ("test_commands::test_trim_removes_what_is_before_its_point",),
    ),
    Mutation(
        "a trim point may move back",
        log.LogState.decide_append,
        "max(trim_point, min(asked_trim_point(record), seq_num + 1))",
        "min(asked_trim_point(record), seq_num + 1)",
        ("test_commands::test_highest_trim_of_a_batch_wins",),
    ),
    Mutation(
        "the first fence of a batch wins",
        log.LogState.decide_append,
        "token = record.body.decode()",
        "token = record.body.decode() if token == self.fencing_token else token",
        ("test_append_conditions::test_last_fence_of_a_batch_wins",),
    ),
    Mutation(
        "a fencing token may have 36 characters",
        registry_records.check_fencing_token,
        'len(encoded("fencing token", token))',
        "len(token)",
        ("test_append_conditions::test_token_too_long",),
    ),
    Mutation(
        "a trim point is read in little-endian",
        registry_records.asked_trim_point,
        'int.from_bytes(record.body, "big")',
        'int.from_bytes(record.body, "little")',
        ("test_commands::test_trim_removes_what_is_before_its_point",),
    ),
    Mutation(
        "a fencing token may have 37 bytes",
        registry_records.check_fencing_token,
        "> MAX_FENCING_TOKEN_BYTES",
        "> MAX_FENCING_TOKEN_BYTES + 1",
        ("test_commands::test_bad_fence",),
    ),
    Mutation(
        "an unknown command is a record",
        registry_records._command,
        'raise Invalid("unknown command")',
        "return None",
        ("test_commands::test_unknown_command",),
    ),
    Mutation(
        "records never expire",
        log.LogState.expired,
        "if time < self.next_expiry:",
        "if True:",
        ("test_read_retention::test_records_expire",),
    ),
    Mutation(
        "records last a second longer than their age",
        log._expiry,
        "age * NANOSECONDS",
        "(age + 1) * NANOSECONDS",
        ("test_metrics_served::test_storage",),
    ),
    Mutation(
        "delete-on-empty counts from the creation",
        deletion._old_enough,
        "stream.last_write + age",
        "age",
        ("test_read_retention::test_a_stream_that_is_written_to_stays",),
    ),
    # Limits and metering.
    Mutation(
        "a batch may have 1001 records",
        registry_records.AppendInput.__init__,
        "len(self.records) > MAX_BATCH_RECORDS",
        "len(self.records) > MAX_BATCH_RECORDS + 1",
        ("test_append_validation::test_too_many_records",),
    ),
    Mutation(
        "a batch may be empty",
        registry_records.AppendInput.__init__,
        "if not self.records:",
        "if False:",
        ("test_append_validation::test_no_records",),
    ),
    Mutation(
        "a record of exactly 1 MiB is refused",
        registry_records.Record.__init__,
        "self.metered_bytes > MAX_BATCH_BYTES",
        "self.metered_bytes >= MAX_BATCH_BYTES",
        ("test_append_validation::test_largest_record",),
    ),
    Mutation(
        "headers are metered without their overhead",
        registry_records.metered_bytes,
        "size += _HEADER_BYTES + len(name) + len(value)",
        "size += len(name) + len(value)",
        ("test_append_validation::test_largest_record",),
    ),
    Mutation(
        "base64 may have stray bits",
        encryption.strict_base64,
        "if base64.b64encode(data).decode() != text:",
        "if False:",
        ("test_append_validation::test_bad_base64",),
    ),
    # Streams that come and go, and their keys.
    Mutation(
        "a read creates what only an append may create",
        BasinConfig.creates_stream_on,
        'if operation == "append"',
        "if True",
        ("test_auto_create::test_append_flag_does_not_create_on_read",),
    ),
    Mutation(
        "a check of the tail creates nothing",
        read.CheckTail.decide,
        'create_on="read"',
        'create_on="append"',
        ("test_auto_create::test_created_by_check_tail",),
    ),
    Mutation(
        "a refused append makes no stream",
        append.Append.decide,
        "if not opened.created:",
        "if True:",
        ("test_auto_create::test_a_failed_condition_leaves_the_stream_behind",),
    ),
    Mutation(
        "the configuration of a new stream is ignored",
        open_stream.open_stream,
        "new_stream(parent, stream, config,",
        "new_stream(parent, stream, None,",
        ("test_stream_config::test_config_of_the_stream_to_create",),
    ),
    Mutation(
        "a deletion leaves no trim record for followers",
        deletion.delete_stream,
        "(stream.log or LogState()).decide_end(moment, stream.config)",
        "None",
        ("test_deletion::test_an_sse_follower",),
    ),
    Mutation(
        "a record is readable with any key",
        read_session.ReadSession.step,
        "raise DecryptionFailed",
        "pass",
        ("test_encryption::test_the_whole_batch_is_withheld",),
    ),
    Mutation(
        "a key may have 33 bytes",
        encryption.key_digest,
        "if len(secret) != _KEY_BYTES:",
        "if len(secret) < _KEY_BYTES:",
        ("test_encryption::test_malformed_key",),
    ),
    Mutation(
        "blanks are part of a key",
        headers.encryption_key,
        "value.strip()",
        "value",
        ("test_framing::test_blanks_around_a_key_and_a_format",),
    ),
    Mutation(
        "commands are encrypted too",
        chunks.Chunk.extend,
        "None if record.command else written.digest",
        "written.digest",
        ("test_encryption::test_commands_are_never_encrypted",),
    ),
)
