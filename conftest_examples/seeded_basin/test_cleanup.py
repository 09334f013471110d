import pytest

from cleanup import delete_branch, streams
from s2mock import S2Mock


def test_a_branch_goes_and_the_others_stay(s2_mock: S2Mock) -> None:
    assert delete_branch(s2_mock.url, "previews", "topic") == 3

    assert s2_mock.basin("previews").streams == ("main/clicks", "topic-2/clicks")


def test_the_next_test_begins_with_all_of_them_again(s2_mock: S2Mock) -> None:
    assert len(streams(s2_mock.url, "previews", "")) == 5


def test_streams_have_the_settings_of_the_seed(s2_mock: S2Mock) -> None:
    basin = s2_mock.basin("previews")

    assert basin.stream("main/clicks").config.retention_policy == "infinite"
    assert basin.stream("topic/clicks").config.retention_policy == 2 * 24 * 60 * 60


@pytest.mark.s2_mock(basins=["previews"])
def test_nothing_to_clean_up(s2_mock: S2Mock) -> None:
    assert delete_branch(s2_mock.url, "previews", "topic") == 0


@pytest.mark.s2_mock(deletion_delay=float("inf"))
def test_streams_whose_deletion_is_pending_are_not_deleted_again(s2_mock: S2Mock) -> None:
    assert delete_branch(s2_mock.url, "previews", "topic") == 3
    assert "topic/clicks" in s2_mock.basin("previews").streams

    assert delete_branch(s2_mock.url, "previews", "topic") == 0
