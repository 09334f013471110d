"""The pictures in the documentation: `python -m tests.page.pictures`, or `make pictures`."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import expect, sync_playwright

from s2mock import ManualClock, S2Mock
from tests.page.conftest import CHROMIUM, FLAGS
from tests.page.race import EXCHANGES, race
from tests.page.traffic import BASIN, STREAM
from tests.powers.failures import module_of

PICTURES = Path(__file__).parent.parent.parent / "docs" / "pictures"
# Each has a scheme and a size.
TAKEN = {
    "page": ("light", 1440, 1040),
    "page-narrow": ("dark", 400, 800),
}
FAILURE = "a_lost_acknowledgement"


def main() -> None:
    """Take them all: of one race, while a writer is held, and of a failed test."""
    PICTURES.mkdir(exist_ok=True)
    with (
        sync_playwright() as driver,
        driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS) as browser,
    ):
        take_race(browser)
        take_failure(browser)


def take_race(browser: Any) -> None:
    """Take the live page in each size."""
    with S2Mock(control=True, clock=ManualClock(), basins=[BASIN]) as mock:
        mock.basin(BASIN).create_stream(STREAM)
        with race(mock):
            for name, (scheme, width, height) in TAKEN.items():
                page = browser.new_page(
                    color_scheme=scheme, viewport={"width": width, "height": height}
                )
                page.goto(f"{mock.url}/_s2mock/")
                expect(page.locator("#count")).to_have_text(f"{EXCHANGES} exchanges")
                if width > 1000:
                    page.locator("#rows .row").filter(has_text="fencing_token_mismatch").click()
                    expect(page.locator("#which")).to_contain_text("order")
                expect(page.locator("#records .row")).to_have_count(5 if width > 1000 else 7)
                expect(page.locator("#powers")).to_contain_text("holds append")
                page.screenshot(path=PICTURES / f"{name}.png")
                page.close()


def take_failure(browser: Any) -> None:
    """Take the page of a failed test."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "test_orders.py").write_text(module_of(FAILURE), "utf-8")
        options = ["-p", "no:schemathesis", "-c", "/dev/null", "--rootdir", "."]
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *options, "--s2mock-report=pages"],
            cwd=folder,
            check=False,
            stdout=subprocess.DEVNULL,
        )
        [path] = Path(folder).glob("pages/test_*.html")
        page = browser.new_page(viewport={"width": 1200, "height": 760})
        page.goto(path.as_uri())
        expect(page.locator("#which")).to_contain_text("append")
        page.screenshot(path=PICTURES / "failure.png")
        page.close()


if __name__ == "__main__":
    main()
