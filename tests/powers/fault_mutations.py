"""Broken rules of faults, late effects, holds and hooks."""

import inspect

from s2mock.powers import connection_notes, faults, outcomes
from s2mock.powers.fault_injector import FaultInjector
from s2mock.powers.hold import Hold
from s2mock.powers.hook import HookCalls
from s2mock.powers.late_calls import LateCalls, _LateCall
from s2mock.powers.recorder import Recorder, SessionRecorder
from s2mock.powers.response_faults import _counted, _Pace
from s2mock.registry.engine.engine import Engine
from s2mock.server.connection import Connection
from tests.contract.mutation import Mutation

_ENDS = "test_broken_links::TestTheEndOfTheConnection"
_MUTED = "test_muted_connections"

FAULT_MUTATIONS = (
    # Connections that end.
    Mutation(
        "Drop ends its stream alone",
        outcomes.reset_of,
        "not is_refused if",
        "False if",
        (f"{_ENDS}::test_takes_all_streams_of_http_2[in_process-Drop()]",),
    ),
    Mutation(
        "Cut ends its stream alone",
        outcomes.reset_of,
        "connection=bool(connection)",
        "connection=bool(connection) and isinstance(fault, Drop)",
        (f"{_ENDS}::test_takes_all_streams_of_http_2[in_process-Cut(bytes=0)]",),
    ),
    Mutation(
        "the end of one stream ends its connection",
        outcomes.reset_of,
        "connection=bool(connection)",
        "connection=True",
        (f"{_ENDS}::test_one_stream_alone[in_process-Drop(connection=False)]",),
    ),
    Mutation(
        "a reset of the connection is a FIN",
        outcomes.reset_of,
        'by_rst=connection == "reset"',
        "by_rst=False",
        (f"{_ENDS}::test_of_a_drop_on_http_1[in_process-Drop(connection='reset')-'reset']",),
    ),
    Mutation(
        "the journal has no reason for the other streams of a connection",
        Recorder.note_end,
        "outcome.reset.connection",
        "False",
        (f"{_ENDS}::test_takes_all_streams_of_http_2[in_process-Drop()]",),
    ),
    Mutation(
        "the journal does not name the batch that ends a connection",
        inspect.unwrap(SessionRecorder.record_error),
        "error.reset.connection",
        "False",
        (f"{_MUTED}::TestJournal::test_the_fault_of_a_batch_is_named_by_what_it_ends",),
    ),
    # Connections that fall silent.
    Mutation(
        "Silence mutes its stream alone",
        FaultInjector.mute_connection,
        "connection: MutedConnection | None = yield MUTE",
        "return True",
        (
            f"{_MUTED}::TestJournal::test_each_other_exchange_names_the_one_that_muted_it",
            f"{_MUTED}::TestNothingIsSent::test_no_reset_and_no_end",
        ),
    ),
    Mutation(
        "a muted connection acknowledges PINGs and settings",
        Connection.write,
        "not self._discards",
        "not self._discards or data[3:4] in (b'\\x04', b'\\x06')",
        (f"{_MUTED}::TestNothingIsSent::test_no_answer_and_no_frame_of_the_protocol",),
    ),
    Mutation(
        "a muted connection sends the responses of other streams",
        Connection.mute,
        "self.is_muted = self._discards = True",
        "self.is_muted = True",
        (f"{_MUTED}::TestNothingIsSent::test_no_answer_and_no_frame_of_the_protocol",),
    ),
    Mutation(
        "the client of a muted connection learns of its end",
        Connection._end,
        "self.is_muted and not self._is_at_end",
        "False",
        (f"{_MUTED}::TestNothingIsSent::test_no_goaway",),
    ),
    Mutation(
        "Silence discards what waits for a window",
        FaultInjector.mute_connection,
        "yield DRAINED",
        "pass",
        (f"{_MUTED}::TestNothingIsSent::test_what_waits_for_a_window_is_sent_before",),
    ),
    Mutation(
        "what a muted connection receives has no effect",
        Connection.mute,
        "self.flush()",
        "self.pause_reading()",
        (f"{_MUTED}::TestJournal::test_a_batch",),
    ),
    Mutation(
        "the journal has no reason for the other streams of a muted connection",
        connection_notes.note_mute,
        "if notes is not None:",
        "if False:",
        (f"{_MUTED}::TestJournal::test_each_other_exchange_names_the_one_that_muted_it",),
    ),
    # Late effects.
    Mutation(
        "Late is applied at once",
        LateCalls._carry_out_after,
        "late.call, nanoseconds,",
        "late.call, 0,",
        ("test_late::TestAfterSeconds::test_append_is_applied_when_its_time_has_come",),
    ),
    Mutation(
        "Late is applied before the first read",
        LateCalls.add,
        "if fault.seconds is not None:",
        "if late.reads_left:\n"
        "        self._waiting[call].reads_left = 0\n"
        "        self._carry_out_after(late, 0)\n"
        "    if fault.seconds is not None:",
        ("test_late_retries::TestSweep::test_late_finds_it",),
    ),
    Mutation(
        "Late is never applied after its time",
        LateCalls.add,
        "if fault.seconds is not None:",
        "if False:",
        ("test_late::TestAfterSeconds::test_append_is_applied_when_its_time_has_come",),
    ),
    Mutation(
        "Late is never applied after reads",
        LateCalls.count_read,
        "if not late.reads_left:",
        "if False:",
        ("test_late_retries::TestSweep::test_late_finds_it",),
    ),
    Mutation(
        "Late takes one read for all",
        _LateCall.__init__,
        "fault.reads or 0",
        "min(1, fault.reads or 0)",
        ("test_late::TestAfterReads::test_append_is_applied_once_they_were_answered",),
    ),
    Mutation(
        "Late counts the reads of other streams",
        LateCalls.count_read,
        "(operation.basin, operation.stream) == place",
        "place",
        (
            "test_late::TestAfterReads::test_reads_of_other_streams_and_direct_calls_are_not_counted",
        ),
    ),
    Mutation(
        "Late counts a read whose answer a fault has taken",
        LateCalls.is_counted,
        "if call.fault is not None and not",
        "if False and not",
        ("test_late::TestAfterReads::test_a_read_whose_answer_a_fault_takes_is_not_counted",),
    ),
    Mutation(
        "Late does not count a session that waits at the tail",
        _counted,
        'elif is_at_tail or not getattr(piece, "is_network", False):',
        "elif False:",
        ("test_late::TestAfterReads::test_a_read_session_is_answered_when_it_waits_at_the_tail",),
    ),
    Mutation(
        "Late takes a code that promises that nothing has happened",
        faults._check_lossy,
        "CODES[code].promises_no_effect:",
        "False:",
        ("test_fault_values::test_what_has_not_happened_may_not",),
    ),
    # Slow responses and delays.
    Mutation(
        "Slow is not slow",
        _Pace.pieces,
        "len(piece) / self._rate",
        "0",
        ("test_broken_links::TestSlow::test_at_a_pace_by_the_clock_of_the_account",),
    ),
    Mutation(
        "Slow sends all in one piece",
        _Pace.__init__,
        "tenth if fault.chunk is None else fault.chunk",
        "10**9",
        ("test_broken_links::TestSlow::test_in_pieces_of_a_number_of_bytes",),
    ),
    Mutation(
        "a delay has no jitter",
        FaultInjector.delay,
        "if jitter else 0",
        "if False else 0",
        ("test_broken_links::TestJitter",),
    ),
    # Hooks, holds and their faults.
    Mutation(
        "a hook is called after the hold",
        FaultInjector._affect,
        "    for hook in hooks:",
        "    with self._lock:\n"
        "            first = self._claim_holds(point, call)\n"
        "        for hold in first:\n"
        "            hold.notify()\n"
        "            yield from hold.pass_through(call)\n"
        "        for hook in hooks:",
        ("test_hooks::TestOrder::test_hook_hold_and_fault_on_one_operation",),
    ),
    Mutation(
        "the fault of a release or a hook is ignored",
        FaultInjector._decide,
        "call.give_back, call.fault, call.is_fault_applied = None, fault, False",
        "pass",
        (
            "test_hooks::TestFaults::test_fault_of_a_release",
            "test_hooks::TestFaults::test_fault_of_a_hook",
        ),
    ),
    Mutation(
        "an injected fault that was replaced is used up",
        FaultInjector._decide,
        "call.give_back()",
        "pass",
        ("test_hooks::TestFaults::test_it_takes_precedence_and_the_injected_one_keeps_its_count",),
    ),
    Mutation(
        "a fault denies the effect that an operation has at its answer",
        outcomes.check_decided,
        'if point == "answer" and is_denial(checked, call):',
        "if False:",
        ("test_hooks::TestFaults::test_without_meaning",),
    ),
    Mutation(
        "the exception of a hook is lost",
        HookCalls.note,
        "if not hook.is_late:",
        "if False:",
        ("test_hooks::TestFailures::test_the_operation_goes_on",),
    ),
    Mutation(
        "a fault does not reach the operations that are held",
        FaultInjector.inject,
        "if not call.is_decided:",
        "if False:",
        ("test_holds::TestInjectedMeanwhile::test_it_is_met_on_release",),
    ),
    Mutation(
        "an operation that was held is not decided again",
        Engine._begin,
        "return self.carry_out(operation, call)\n    except",
        "with self.lock as moment:\n"
        "            return self._commit(change, operation, call, moment)\n"
        "    except",
        ("test_hooks::TestCalls::test_race_in_one_line",),
    ),
    Mutation(
        "the release of one operation releases all",
        Hold.release,
        "self._waiting(number,",
        "self._waiting(None,",
        ("test_hooks::TestRelease::test_one_by_one",),
    ),
)
