"""The history of a mock in front of an upstream, which may itself lose answers or break off."""

from contextlib import suppress
from http.client import HTTPException

import pytest

from s2mock import Drop, Fail, Fault, S2Mock
from s2mock.campaigns.linearizability import NotLinearizable, check_stream
from s2mock.exports import history
from s2mock.powers.exchange import Exchange
from s2mock.registry.places import Place
from tests.exports.test_history import BASIN, SEEDS, corrupted, log_of
from tests.exports.verification_format import is_linearizable

# What the upstream does by itself: to the mock, these are connections that break.
BROKEN = (Drop(), Drop(connection="reset"), Drop(committed=True, connection="reset"))
FAULTS = (Drop(), Drop(committed=True), Fail("unavailable", committed=True))


def verdicts(real: S2Mock, mock: S2Mock, exchanges: tuple[Exchange, ...]) -> tuple[bool, bool]:
    """What the project's own check says, and what the model of the format says."""
    try:
        check_stream(exchanges, real._engine.state.stream(BASIN, "log"))
        own = True
    except NotLinearizable:
        own = False
    return own, is_linearizable(history.render(exchanges, Place(BASIN, "log"), mock._of_account))


@pytest.mark.parametrize("fault", FAULTS, ids=repr)
@pytest.mark.parametrize("broken", BROKEN, ids=repr)
def test_both_checks_agree_on_histories_with_faults_and_a_broken_upstream(
    broken: Fault, fault: Fault
) -> None:
    with S2Mock(auth="open") as real, S2Mock(upstream=real.url, basins=SEEDS) as mock:
        log = log_of(mock)
        mock.inject([None, fault, None, None], on="append")
        assert log.append("a").status == 200
        with suppress(OSError, HTTPException):
            log.append("b")
        real.inject(broken, on="append")
        reply = log.append("c")
        assert (reply.status, reply.code) == (502, "upstream")
        assert log.append("d").status == 200
        log.read(seq_num=0)
        exchanges = tuple(mock.journal)
        assert verdicts(real, mock, exchanges) == (True, True)
        acknowledged = [
            at
            for at, one in enumerate(exchanges)
            if one.operation == "append" and one.response is not None and one.response.status == 200
        ]
        assert len(acknowledged) == 2
        for at in acknowledged:
            wrong = (*exchanges[:at], corrupted(exchanges[at]), *exchanges[at + 1 :])
            assert verdicts(real, mock, wrong) == (False, False), exchanges[at]


def test_an_append_that_the_upstream_has_not_answered_may_have_had_an_effect() -> None:
    with S2Mock(auth="open") as real, S2Mock(upstream=real.url, basins=SEEDS) as mock:
        real.inject(Drop(committed=True), on="append")
        assert log_of(mock).append("a").status == 502
        assert real.stream(BASIN, "log").bodies == (b"a",)
        text = mock.journal.history()

    assert "AppendIndefiniteFailure" in text
    assert "AppendDefiniteFailure" not in text
