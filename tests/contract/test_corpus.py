"""The fake answers as the real server did, in every recording; no server is needed for that."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import s2mock.contract
from s2mock.contract import recordings
from s2mock.contract.recordings import Exchange, Group, Recording, Tampered
from s2mock.contract.replay import Replay

pytestmark = pytest.mark.slow


# Not of the module, so that in random order, too, there is one of each.
@pytest.fixture(scope="session")
def replay() -> Iterator[Replay]:
    """Yield a fake without tokens."""
    with Replay(auth="open") as replay:
        yield replay


@pytest.fixture(scope="session")
def closed_replay() -> Iterator[Replay]:
    """Yield a fake that requires its own token in each call."""
    with Replay(auth="required") as replay:
        yield replay


@pytest.mark.parametrize("name", recordings.replayable())
def test_the_fake_answers_as_recorded(replay: Replay, name: str) -> None:
    """The fake sends the recorded answers; `load` refuses a file that was edited by hand."""
    check(replay, name)


@pytest.mark.whole(4)
@pytest.mark.parametrize("name", recordings.replayable())
def test_with_its_own_token_it_answers_in_the_same_way(closed_replay: Replay, name: str) -> None:
    check(closed_replay, name)


def check(replay: Replay, name: str) -> None:
    """Check that no answer differs from that recording."""
    before = len(replay.differences)
    replay.run(recordings.load(name))
    found = replay.differences[before:]
    assert not found, "\n\n".join(map(str, found))


def test_there_are_recordings_of_the_suite_and_of_hundreds_of_sequences() -> None:
    names = recordings.replayable()
    modules = {path.stem for path in Path(s2mock.contract.__file__).parent.glob("test_*.py")}
    of_modules = {name for name in names if name.startswith("test_")}
    assert of_modules <= modules, "recordings of modules that are no more: record anew"
    assert len(of_modules) > 50
    sequences = [recordings.load(name).groups for name in names if name not in of_modules]
    assert sum(map(len, sequences)) >= 300


def test_no_recording_is_empty() -> None:
    """Nor are two the same."""
    for name in recordings.names():
        recording = recordings.load(name)
        assert recording.groups or recording.left_out, name


def test_all_were_made_in_one_go() -> None:
    made = {recordings.load(name)[:3] for name in recordings.names()}
    assert len(made) == 1, made


def test_a_recording_that_was_edited_by_hand_is_refused() -> None:
    text = recordings.render(recordings.load("test_tail"))
    assert recordings.parse(text) == recordings.load("test_tail")
    for old, new in (('"status":404', '"status":405'), ('"version":"', '"version":"1')):
        assert old in text
        with pytest.raises(Tampered):
            recordings.parse(text.replace(old, new, 1))


def test_a_difference_is_found_and_shown_as_curl_lines(replay: Replay) -> None:
    recording = recordings.load("test_tail")
    group = recording.groups[0]
    *before, last = group.exchanges
    otherwise = last._replace(reply=last.reply._replace(status=299))
    broken = Group("broken", (*before, otherwise), group.after, group.deletion_delay)

    counted = len(replay.differences)
    replay.run(Recording("s2-lite", "0", "2024-01-01", (broken,)))
    [difference] = replay.differences[counted:]
    del replay.differences[counted:]
    assert str(difference).count("curl -sS") == len(group.exchanges)
    assert "'status': 299" in str(difference)


def test_what_follows_a_difference_in_a_group_is_not_compared(replay: Replay) -> None:
    group = recordings.load("test_tail").groups[0]
    otherwise = tuple(_with_status(exchange, 299) for exchange in group.exchanges)

    counted = len(replay.differences)
    replay.run(Recording("s2-lite", "0", "2024-01-01", (group._replace(exchanges=otherwise),)))
    found = replay.differences[counted:]
    del replay.differences[counted:]
    assert [len(difference.calls) for difference in found] == [1]


def _with_status(exchange: Exchange, status: int) -> Exchange:
    return exchange._replace(reply=exchange.reply._replace(status=status))
