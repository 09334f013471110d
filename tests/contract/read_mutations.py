"""Broken rules of reads and sessions."""

from s2mock.api import content_coding
from s2mock.api.records import append, headers, limits, session_forms
from s2mock.api.wire import frames, json_records, proto_records, sse
from s2mock.registry.engine import read_session
from s2mock.registry.log import chunks, log, read_request
from s2mock.registry.rules import read
from tests.contract.mutation import Mutation

READ_MUTATIONS = (
    # Where a read starts and where it ends.
    Mutation(
        "200 for 416",
        read_request.start_of,
        "if position == tail.seq_num and not request.may_follow:",
        "if False:",
        ("test_read_start::test_start_of_an_empty_stream",),
    ),
    Mutation(
        "clamp is ignored",
        read_request.start_of,
        "elif request.clamp:",
        "elif False:",
        ("test_read_start::test_start_beyond_the_tail_is_clamped_to_it",),
    ),
    Mutation(
        "tail_offset counts one too many",
        read_request.start_of,
        "max(0, tail.seq_num - start)",
        "max(0, tail.seq_num - start - 1)",
        ("test_read_start::test_tail_offset",),
    ),
    Mutation(
        "a timestamp to start from is exclusive",
        log.LogState.first_at,
        "bisect_left(chunk.timestamps, timestamp, start, end)",
        "bisect_left(chunk.timestamps, timestamp + 1, start, end)",
        ("test_read_start::test_timestamp",),
    ),
    Mutation(
        "a limit of 0 is looked at after the start",
        read.Read._start,
        "0 if used_up else start_of(wanted, log)",
        "start_of(wanted, log)",
        ("test_read_start::test_limit_of_zero",),
    ),
    Mutation(
        "until is inclusive",
        chunks.Span.within,
        "bisect_left(chunk.timestamps, until, start, end)",
        "bisect_right(chunk.timestamps, until, start, end)",
        ("test_read_limits::test_until",),
    ),
    Mutation(
        "one record more than count",
        chunks.Span.within,
        "start + count)",
        "start + count + 1)",
        ("test_read_limits::test_count",),
    ),
    Mutation(
        "the last record may exceed bytes",
        chunks.Span.within,
        "bisect_right(chunk.totals, self.total_before + size, start, end)",
        "min(end, bisect_left(chunk.totals, self.total_before + size, start, end) + 1)",
        ("test_read_limits::test_bytes",),
    ),
    Mutation(
        "a unary read may have 1001 records",
        limits._of_one_batch,
        "MAX_BATCH_RECORDS if wanted.count is None else wanted.count, MAX_BATCH_RECORDS",
        "1001 if wanted.count is None else wanted.count, 1001",
        ("test_read_limits::test_a_unary_read_has_a_thousand_records_at_most",),
    ),
    Mutation(
        "start and until may be the same",
        read.Read.__init__,
        "wanted.start >= wanted.until",
        "wanted.start > wanted.until",
        ("test_read_query::test_timestamp_not_before_until",),
    ),
    Mutation(
        "two places to start from are accepted",
        limits.read_request,
        "if len(start) > 1:",
        "if len(start) > 2:",
        ("test_read_query::test_more_than_one_start",),
    ),
    # What an answer looks like.
    Mutation(
        "headers are there when empty",
        json_records.batch_to_json,
        "if headers:",
        "if True:",
        ("test_append_basics::test_empty_body",),
    ),
    Mutation(
        "the body is there when empty",
        json_records.batch_to_json,
        "if body:",
        "if True:",
        ("test_append_basics::test_empty_body",),
    ),
    Mutation(
        "bytes that are no text are left out",
        json_records._to_text,
        '"replace"',
        '"ignore"',
        ("test_read_forms::test_bytes_that_are_no_text_byte_for_byte",),
    ),
    Mutation(
        "match_seq_num 0 in protobuf is none",
        proto_records.append_input,
        'message.match_seq_num if message.HasField("match_seq_num") else None',
        "message.match_seq_num or None",
        ("test_append_protobuf::test_a_zero_is_not_nothing",),
    ),
    Mutation(
        "an append is answered in the form that it came in",
        append._acknowledged,
        'request.environ.get("HTTP_ACCEPT")',
        'request.environ.get("CONTENT_TYPE")',
        ("test_append_protobuf::test_accept_anything_else",),
    ),
    Mutation(
        "a media type may be second in a list",
        headers.media_type,
        'partition(",")[0]',
        'rpartition(",")[2]',
        ("test_append_protobuf::test_accept_anything_else",),
    ),
    # Sessions.
    Mutation(
        "no heartbeat on reaching the tail",
        read_session.ReadSession._step,
        "self._follow()\n            return Batch((), self._tail, at=moment.now)",
        "self._follow()",
        ("test_sse_events::test_the_wait_ends_the_session",),
    ),
    Mutation(
        "wait ends a read though records came",
        read_session.ReadSession._take,
        "self._deadline = None if self._wait is None else moment.monotonic + self._wait",
        "pass",
        ("test_session_read_ends::test_each_batch_starts_the_wait_again",),
    ),
    Mutation(
        "a live batch tells no tail",
        read_session.ReadSession._deliver,
        "self._take([allowed], live.tail, moment, shared)",
        "self._take([allowed], None, moment, shared)",
        ("test_read_wait::test_something_comes",),
    ),
    Mutation(
        "an SSE read ends without [DONE]",
        session_forms.EventForm.encode_end,
        "return DONE",
        "return b''",
        ("test_sse_events::test_nothing_follows_done",),
    ),
    Mutation(
        "Last-Event-ID does not count towards the limits",
        limits._resumed,
        "max(0, wanted.count - after.records)",
        "wanted.count",
        ("test_sse_resume::test_count_goes_on",),
    ),
    Mutation(
        "SSE ids begin anew on each connection",
        session_forms.EventForm.__init__,
        "_, self._count, self._size = had",
        "self._count, self._size = 0, 0",
        ("test_sse_resume::test_count_goes_on",),
    ),
    Mutation(
        "an event id may have two parts",
        sse.EventId.parse,
        'raise ValueError(f"missing {name} in Last-Event-Id")',
        "values.append(0); continue",
        ("test_sse_resume::test_malformed",),
    ),
    Mutation(
        "an append session ends without a terminal frame",
        session_forms.FrameForm.encode_error,
        "return encode_terminal(error)",
        "return b''",
        ("test_session_append::test_bytes_of_a_terminal_frame",),
    ),
    Mutation(
        "half a frame at the end is no error",
        frames.FrameDecoder.finish,
        "if self._buffer:",
        "if False:",
        ("test_session_frames::test_half_close_within_a_frame",),
    ),
    Mutation(
        "a frame may not have 2 MiB",
        frames.FrameDecoder.feed,
        "length > MAX_FRAME_BYTES",
        "length >= MAX_FRAME_BYTES",
        ("test_session_frames::test_longest_frame",),
    ),
    Mutation(
        "frames are compressed for any size",
        frames.encode_frame,
        "len(payload) >= MIN_COMPRESSED_BYTES",
        "payload",
        ("test_session_frames::test_live_batches_are_compressed_too",),
    ),
    Mutation(
        "gzip is preferred to zstd",
        headers.frame_coding,
        '("zstd", "gzip")',
        '("gzip", "zstd")',
        ("test_session_frames::test_coding_of_a_read_session",),
    ),
    Mutation(
        "a body that ends early is read as far as it goes",
        content_coding._gunzip,
        "if len(inflated) <= limit and not inflater.eof:",
        "if False:",
        ("test_append_compression::test_corrupt_request",),
    ),
)
