"""The looks of the page: in both schemes, narrow and wide, and for screen readers."""

from collections.abc import Callable
from typing import Any

import pytest

from s2mock import S2Mock
from tests.page.looking import IS_WHOLE, SCREENSHOTS, expect, findings
from tests.page.race import EXCHANGES, race

SIZES = {
    "narrow": {"width": 390, "height": 844},
    "middle": {"width": 1000, "height": 800},
    "wide": {"width": 1400, "height": 900},
}


ALL = [(size, scheme) for size in SIZES for scheme in ("light", "dark")]
# `make page` has all of them.
SAMPLE = [("narrow", "dark"), ("middle", "light"), ("wide", "dark")]


@pytest.mark.parametrize(("size", "scheme"), ALL if IS_WHOLE else SAMPLE)
def test_a_race(open_page: Callable[..., Any], mock: S2Mock, size: str, scheme: str) -> None:
    with race(mock):
        page = open_page(f"{mock.url}/_s2mock/", viewport=SIZES[size], color_scheme=scheme)
        expect(page.locator("#count")).to_have_text(f"{EXCHANGES} exchanges")
        page.locator("#rows .row").filter(has_text="404").click()
        expect(page.locator("#detail")).to_contain_text("orders")
        # As it was then.
        expect(page.locator("#records .row")).to_have_count(5)
        expect(page.locator("#powers")).to_contain_text("holds append")

        # The one that is taken of each test comes when the writer is no longer held.
        page.screenshot(path=SCREENSHOTS / f"race-{size}-{scheme}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size]["width"]
        assert cut_off(page) == []
        assert findings(page) == []
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        [red, green, blue] = [int(part) for part in background[4:-1].split(",")]
        assert (red + green + blue > 3 * 128) == (scheme == "light")


def cut_off(page: Any) -> list[str]:
    """Return the buttons and fields that are beyond the edge of the page, or have no size."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll("button, input, a, select")]
          .filter(one => one.checkVisibility())
          .filter(one => {
            const { left, right, width, height } = one.getBoundingClientRect();
            return left < 0 || right > innerWidth || !width || !height;
          })
          .map(one => one.id || one.textContent)"""
    )
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"] if IS_WHOLE else ["light"])
def test_nothing_is_there_yet(
    open_mock: Callable[..., S2Mock], open_page: Callable[..., Any], scheme: str
) -> None:
    page = open_page(f"{open_mock().url}/_s2mock/", color_scheme=scheme)
    expect(page.locator("#none")).to_have_text("No exchanges yet.")

    assert findings(page) == []
