"""The pictures in the documentation: `python -m tests.page.pictures`, or `make pictures`."""

from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from s2mock import ManualClock, S2Mock
from tests.page.conftest import CHROMIUM, FLAGS
from tests.page.race import EXCHANGES, race
from tests.page.traffic import BASIN, STREAM

PICTURES = Path(__file__).parent.parent.parent / "docs" / "pictures"
# Each has a scheme and a size.
TAKEN = {
    "page": ("light", 1440, 1040),
    "page-narrow": ("dark", 400, 800),
}


def main() -> None:
    """Take them all, of one race, while a writer is held."""
    PICTURES.mkdir(exist_ok=True)
    with (
        sync_playwright() as driver,
        driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS) as browser,
        S2Mock(control=True, clock=ManualClock(), basins=[BASIN]) as mock,
    ):
        mock.basin(BASIN).create_stream(STREAM)
        with race(mock):
            for name, (scheme, width, height) in TAKEN.items():
                page = browser.new_page(
                    color_scheme=scheme,  # type: ignore[arg-type]  # one of two
                    viewport={"width": width, "height": height},
                )
                page.goto(f"{mock.url}/_s2mock/")
                expect(page.locator("#rows .row")).to_have_count(EXCHANGES)
                if width > 1000:
                    page.locator("#rows .row").filter(has_text="404").click()
                    expect(page.locator("#which")).to_contain_text("order")
                expect(page.locator("#records .row")).to_have_count(5 if width > 1000 else 7)
                expect(page.locator("#powers")).to_contain_text("holds append")
                page.screenshot(path=PICTURES / f"{name}.png")
                page.close()


if __name__ == "__main__":
    main()
