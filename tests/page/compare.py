"""The time of the page with 10,000 exchanges, as ratios to the page of another checkout.

`python -m tests.page.compare CHECKOUT` starts a server of each, sends both the same exchanges, and
opens their pages in turn. It prints the medians of the first paint, of the time until all rows are
there, and of a step of scrolling.
"""

import json
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

import httpx
from playwright.sync_api import sync_playwright

from tests.page.conftest import CHROMIUM, FLAGS
from tests.page.test_many import SCROLLED

EXCHANGES = 10_000
ROUNDS = 5
_HERE = Path(__file__).parent.parent.parent


def main() -> None:
    """Measure both, and print the ratios."""
    checkouts = {"this": _HERE, "before": Path(sys.argv[1]).resolve()}
    with ExitStack() as stack:
        urls = {name: _serve(stack, folder) for name, folder in checkouts.items()}
        driver = stack.enter_context(sync_playwright())
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        stack.callback(browser.close)
        found: dict[str, list[dict[str, float]]] = {name: [] for name in urls}
        for _ in range(ROUNDS):
            for name, url in urls.items():
                found[name].append(_measure(browser, url))
    medians = {
        name: {what: median(one[what] for one in all_of) for what in all_of[0]}
        for name, all_of in found.items()
    }
    for what, now in medians["this"].items():
        before = medians["before"][what]
        print(f"{what}: {now:.0f} ms, before {before:.0f} ms, ratio {now / before:.2f}")


def _serve(stack: ExitStack, folder: Path) -> str:
    command = [sys.executable, "-m", "s2mock", "--port", "0"]
    server = subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    stack.callback(server.wait)
    stack.callback(server.terminate)
    assert server.stdout is not None
    url = next(
        line.partition("=")[2].strip() for line in server.stdout if line.startswith("export S2_")
    )
    headers = {"s2-basin": "my-basin", "authorization": "Bearer s2mock"}
    with httpx.Client(base_url=url, headers=headers, trust_env=False) as client:
        client.post("/v1/basins", json={"basin": "my-basin"})
        for number in range(4):
            client.post("/v1/streams", json={"stream": f"log-{number}"})
        for number in range(EXCHANGES - 5):
            body = json.dumps({"records": [{"body": f"order {number}"}]})
            client.post(
                f"/v1/streams/log-{number % 4}/records",
                content=body,
                headers={"content-type": "application/json"},
            )
    return url


def _measure(browser: Any, url: str) -> dict[str, float]:
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.goto(f"{url}/_s2mock/")
    page.evaluate(
        f"""async () => {{
          while (rows.length !== {EXCHANGES}) await new Promise(requestAnimationFrame);
        }}"""
    )
    there = page.evaluate("performance.now()")
    [paint] = [
        one["startTime"]
        for one in page.evaluate("performance.getEntriesByType('paint').map(one => one.toJSON())")
        if one["name"] == "first-contentful-paint"
    ]
    scrolled = page.evaluate(SCROLLED)
    page.close()
    return {"first paint": paint, "all rows": there, "step of scrolling": scrolled["median"]}


if __name__ == "__main__":
    main()
