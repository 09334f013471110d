"""The fixtures of campaigns: their accounts, the server of all attempts, and how a test fails."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from s2mock.handles.campaigns.driver import Surroundings
from s2mock.pytest_plugin import mocks, options, teardown
from s2mock.server.lazy_server import LazyServer

if TYPE_CHECKING:
    from s2mock.campaigns.report import CampaignReport
    from s2mock.handles.mock import S2Mock


@contextmanager
def campaign_fixture(request: pytest.FixtureRequest) -> Iterator[Surroundings]:
    """Yield the surroundings of the campaigns of a test, for one of its fixtures.

    Fails the test after its end if it failed or was skipped by itself, and attempts had failed.
    """
    config, name = request.config, request.fixturename
    if (url := options.target_of(config)) is not None:
        from s2mock.powers.errors import NotOnTarget

        raise NotOnTarget(
            f"{name} is a power of the fake, and switched off by --s2mock-target={url}"
        )
    arguments, use_env = mocks.arguments_of(request)
    with ExitStack() as stack:
        # A test with several of these fixtures has a mock of each, and they need a server each.
        fixtures = {"s2_mock", "s2_sweep", "s2_orders", "s2_crash"}
        server = None
        if len(fixtures.intersection(request.fixturenames)) > 1:
            server = LazyServer(host=options.address_of(config)[0])
            stack.callback(server.stop)

        def make(**more: Any) -> "S2Mock":
            mock = mocks.make_fake(request, arguments | more, server)
            if use_env:
                mock.use_env(request.getfixturevalue("monkeypatch"))
            return mock

        def fail(report: "CampaignReport", errors: dict[int, BaseException]) -> None:
            report_subtests(request, report, errors)
            pytest.fail(str(report), pytrace=False)

        def show(mark: str) -> None:
            mocks.show_progress(config, mark)

        surroundings = Surroundings(make, show, fail, options=arguments)
        request.node.stash.setdefault(teardown.CAMPAIGNS, []).append(surroundings)
        yield surroundings
        if texts := surroundings.take_unfinished(has_failed=True):
            pytest.fail("\n".join(texts), pytrace=False)


def report_subtests(
    request: pytest.FixtureRequest, report: "CampaignReport", errors: dict[int, BaseException]
) -> None:
    """Report each failure as a subtest, equal ones as one, where pytest has subtests."""
    try:
        subtests = request.getfixturevalue("subtests")
    except pytest.FixtureLookupError:
        return
    for group in report.groups:
        title = group.first.title
        if group.others:
            title += f" and {len(group.others)} equal"
        with subtests.test(title):
            error = errors.get(group.first.number)
            if error is not None:
                raise error
            pytest.fail(group.first.text, pytrace=False)
