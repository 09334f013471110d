"""Thousands of exchanges: how long the page takes is printed, and depends on the machine."""

from collections.abc import Callable
from typing import Any

from s2mock import S2Mock
from tests.page.looking import IS_WHOLE, expect
from tests.page.traffic import BASIN
from tests.powers.frames import append_frame

# `make page` has them all.
STREAMS, APPENDS = (1_000, 10) if IS_WHOLE else (200, 10)
# Each session of appends is an exchange, too.
EXCHANGES = STREAMS * (1 + APPENDS)

SCROLLED = """async () => {
  const box = document.getElementById("rows"), took = [];
  let empty = 0;
  for (let step = 1; step <= 30; step++) {
    const began = performance.now();
    box.scrollTop = box.scrollHeight * step / 30;
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    took.push(performance.now() - began);
    empty += !box.querySelector(".row");
  }
  took.sort((one, other) => one - other);
  return { median: took[15], worst: took[29], empty };
}"""


def test_it_stays_usable(
    open_mock: Callable[..., S2Mock],
    open_page: Callable[..., Any],
    record_property: Callable[[str, object], None],
) -> None:
    names = [f"logs/{number:04}" for number in range(STREAMS)]
    mock = open_mock(journal_limit=2 * EXCHANGES, basins=[BASIN])
    basin = mock.basin(BASIN)
    appends = b"".join(append_frame(f"order {number}") for number in range(APPENDS))
    for name in names:
        basin.create_stream(name)
        mock.client.post(
            f"/v1/streams/{name.replace('/', '%2F')}/records",
            data=appends,
            headers={"s2-basin": BASIN, "content-type": "s2s/proto"},
        ).get_data()
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

    # The rows that are scrolled to are there, and no more than that.
    assert scrolled["empty"] == 0
    assert page.locator("#rows .row").count() < 100
    assert page.locator("#names .row").count() < 100
    expect(page.locator("#rows .row").last).to_contain_text(f"{EXCHANGES}")

    # One more shows at once; one of the first is found, and what was there then.
    mock.client.get("/v1/basins")
    expect(page.locator("#rows")).to_contain_text("list-basins")
    page.get_by_label("Filter the timeline").fill("logs/0007")
    expect(page.locator("#count")).to_have_text(f"{1 + APPENDS} of {EXCHANGES + 1} exchanges")
    page.get_by_label("Filter the streams by name").fill("logs/0007")
    expect(page.locator("#names .row")).to_have_count(1)
    page.locator("#names .row").click()
    expect(page.locator("#records .row")).to_have_count(APPENDS)
    # Its session was opened, and two batches were appended.
    page.get_by_label("As it was after exchange").fill(f"{7 * (1 + APPENDS) + 3}")
    expect(page.locator("#records .row")).to_have_count(2)
