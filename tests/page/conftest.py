"""The page in a real Chromium, which is driven by Playwright, and the account that it shows."""

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from s2mock import ManualClock, S2Mock
from tests.order import of_folder
from tests.page.looking import PATIENCE, SCREENSHOTS, expect
from tests.page.traffic import BASIN, Traffic

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
# It is a test's browser: it sends no other requests, and may be started by root.
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    # This machine by another name, as if it were another machine.
    "--host-resolver-rules=MAP elsewhere.test 127.0.0.1",
]
WIDE = {"width": 1600, "height": 900}


def pytest_itemcollected(item: pytest.Item) -> None:
    """What is served here is not S2's; a browser needs seconds to start."""
    item.add_marker(pytest.mark.openapi_unchecked("the page is no part of S2"))
    item.add_marker(pytest.mark.slow)
    item.add_marker(pytest.mark.timeout(300))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In random order, too, they come one after another: a browser for each takes a minute."""
    own = of_folder(items, Path(__file__).parent)
    among = set(own)
    first = next((place for place, item in enumerate(items) if item in among), 0)
    items[first:] = [*own, *(item for item in items[first:] if item not in among)]


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    """The system's Chromium, one for all of these tests."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="Playwright is in the group `browser` of pyproject.toml"
    )
    if CHROMIUM is None:
        pytest.skip("there is no chromium, chromium-browser or google-chrome on the PATH")
    # It has an event loop of its own, and has to be gone before tests that need another.
    with playwright.sync_playwright() as driver:
        playwright.expect.set_options(timeout=PATIENCE)
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


class Complaints(list[str]):
    """What a page has written to its console that is no mere remark, and what it threw."""

    def of(self, page: Any, but: str | None) -> None:
        """Listen to that page, too; what holds the text `but` is as it should be."""

        def take(text: str) -> None:
            if but is None or but not in text:
                self.append(text)

        page.on("console", lambda said: said.type in ("error", "warning") and take(said.text))
        page.on("pageerror", lambda error: take(str(error)))


@pytest.fixture
def open_mock() -> Iterator[Callable[..., S2Mock]]:
    """Make an account with a page, which is there for as long as the page is open."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(S2Mock(control=True, **options))


@pytest.fixture
def open_page(
    browser: Any,
    request: pytest.FixtureRequest,
    open_mock: Callable[..., S2Mock],  # noqa: ARG001  # it has to last longer
) -> Iterator[Callable[..., Any]]:
    """Open a URL in a context of its own. A complaint on the console fails the test."""
    complaints, pages = Complaints(), []
    with ExitStack() as stack:

        def open_page(url: str, *, but: str | None = None, **options: Any) -> Any:
            context = browser.new_context(**{"viewport": WIDE, **options})
            stack.callback(context.close)
            context.set_default_timeout(PATIENCE)
            page = context.new_page()
            complaints.of(page, but)
            pages.append(page)
            page.goto(url)
            return page

        yield open_page
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"[^\w.-]+", "-", request.node.name)
        for number, page in enumerate(pages):
            page.screenshot(path=SCREENSHOTS / f"{name}{number or ''}.png")
    assert complaints == []


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def mock(clock: ManualClock, open_mock: Callable[..., S2Mock]) -> S2Mock:
    """An account with the stream `orders`."""
    mock = open_mock(clock=clock, basins=[BASIN])
    mock.basin(BASIN).create_stream("orders")
    return mock


@pytest.fixture
def traffic(mock: S2Mock) -> Iterator[Traffic]:
    """Yield a client that uses the mock by its own connections."""
    with Traffic(mock.url) as traffic:
        yield traffic


@pytest.fixture
def page(mock: S2Mock, open_page: Callable[..., Any]) -> Any:
    """The page of that account, once it is live."""
    page = open_page(f"{mock.url}/_s2mock/", permissions=["clipboard-read", "clipboard-write"])
    expect(page.locator("#state")).to_have_text("live")
    return page
