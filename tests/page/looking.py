"""What tests say of a page. Playwright is loaded when the first of them runs."""

import os
from pathlib import Path
from typing import Any

# For a busy machine; else each change shows at once.
PATIENCE = 30_000.0
# As `make page` sets it: all widths and schemes, and thousands of exchanges.
IS_WHOLE = os.environ.get("S2MOCK_TESTS_PAGE") == "whole"
SCREENSHOTS = Path(__file__).parent.parent.parent / "build" / "screenshots"


def expect(subject: Any) -> Any:
    """What is to be true of a page or a part of it, before long."""
    from playwright.sync_api import expect

    return expect(subject)


def drawn(page: Any, frames: int = 3) -> None:
    """Wait until all changes are drawn."""
    page.evaluate(
        """async frames => {
          for (let frame = 0; frame < frames; frame++) await new Promise(requestAnimationFrame);
        }""",
        frames,
    )


def findings(page: Any) -> list[str]:
    """What axe-core finds in it that is serious, or worse."""
    from axe_playwright_python.sync_playwright import Axe

    return [
        f"{found['id']}: {found['help']}: {[node['html'][:200] for node in found['nodes']]}"
        for found in Axe().run(page).response["violations"]
        if found["impact"] in ("serious", "critical")
    ]
