"""10,000 exchanges and 1,000 streams: how long it takes is printed, and depends on the machine."""

from collections.abc import Callable
from typing import Any

from s2mock import S2Mock
from tests.page.looking import expect
from tests.page.traffic import BASIN

EXCHANGES, STREAMS = 10_000, 1_000

SCROLLED = """async () => {
  const box = document.getElementById("rows"), took = [];
  let empty = 0;
  for (let step = 1; step <= 60; step++) {
    const began = performance.now();
    box.scrollTop = box.scrollHeight * step / 60;
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    took.push(performance.now() - began);
    empty += !box.querySelector(".row");
  }
  took.sort((one, other) => one - other);
  return { median: took[30], worst: took[59], empty };
}"""


def test_it_stays_usable(
    open_mock: Callable[..., S2Mock],
    open_page: Callable[..., Any],
    record_property: Callable[[str, object], None],
) -> None:
    names = [f"logs/{number:04}" for number in range(STREAMS)]
    mock = open_mock(journal_limit=2 * EXCHANGES, basins=[BASIN])
    basin = mock.basin(BASIN)
    for name in names:
        basin.create_stream(name)
    for number in range(EXCHANGES):
        mock.client.post(
            f"/v1/streams/logs%2F{number % STREAMS:04}/records",
            json={"records": [{"body": f"order {number}"}]},
            headers={"s2-basin": BASIN},
        )
    page = open_page(f"{mock.url}/_s2mock/")
    expect(page.locator("#count")).to_have_text(f"{EXCHANGES} exchanges")
    expect(page.locator("#many")).to_have_text(f"{STREAMS} streams")
    there = page.evaluate("performance.now()")
    [paint] = [
        one["startTime"]
        for one in page.evaluate("performance.getEntriesByType('paint').map(one => one.toJSON())")
        if one["name"] == "first-contentful-paint"
    ]
    scrolled = page.evaluate(SCROLLED)
    record_property(
        "measured",
        f"the page with {EXCHANGES:,} exchanges and {STREAMS:,} streams: first paint after "
        f"{paint:.0f} ms, everything there after {there:.0f} ms, a step of scrolling "
        f"{scrolled['median']:.0f} ms, the longest {scrolled['worst']:.0f} ms",
    )

    # Whatever is scrolled to is there, and no more than that.
    assert scrolled["empty"] == 0
    assert page.locator("#rows .row").count() < 100
    assert page.locator("#names .row").count() < 100
    expect(page.locator("#rows .row").last).to_contain_text(f"{EXCHANGES}")

    # One more shows at once; one of the first is found, and what was there then.
    mock.client.get("/v1/basins")
    expect(page.locator("#rows")).to_contain_text("list-basins")
    page.get_by_label("Filter the timeline").fill("logs/0007")
    expect(page.locator("#count")).to_have_text(f"10 of {EXCHANGES + 1} exchanges")
    page.get_by_label("Filter the streams by name").fill("logs/0007")
    expect(page.locator("#names .row")).to_have_count(1)
    page.locator("#names .row").click()
    expect(page.locator("#records .row")).to_have_count(10)
    page.get_by_label("As it was after exchange").fill("2000")
    expect(page.locator("#records .row")).to_have_count(2)
