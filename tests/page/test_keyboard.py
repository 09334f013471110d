"""The page without a mouse.

What there is to operate, by the points of the live page, and the test that does so by keyboard:

- 4, counts as filters: `test_counts_pending_rows_and_a_comparison`
- 5, rows of what is pending: `test_counts_pending_rows_and_a_comparison` lets a held operation go,
  `test_what_is_above_the_rows` shows an open session
- 7, the field of the filter: `test_what_is_above_the_rows`; its chips are the counts
- 9, choosing an exchange, its stream and the slider: `test_the_timeline`,
  `test_streams_records_and_the_slider`, `test_what_is_below_the_rows`
- 12, copying the commands of the empty page: `test_what_is_above_the_rows`
- 13, choosing an account: `test_what_is_above_the_rows`
- 14, a fault, a hold, a record, the clock: `test_what_is_below_the_rows`,
  `test_the_clock_and_reset`
- 15, the address and the filter at a reload: `test_what_is_above_the_rows`,
  `test_what_is_below_the_rows`
- 16, comparing, folded JSON, searching in records: `test_what_is_below_the_rows`
- 17, campaigns: `test_what_is_below_the_rows`
- 18, the links: `test_what_is_above_the_rows`

Points 6, 8, 10 and 11 are only looked at.
"""

import threading
from collections.abc import Callable
from typing import Any

import httpx

from s2mock import ManualClock, S2Mock
from tests.page.looking import expect
from tests.page.traffic import BASIN, Traffic


def copied_with_enter(page: Any) -> str:
    """Press the button that has the focus; return what it has copied."""
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_have_text("Copied")
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text


def tab_to(page: Any, selector: str, key: str = "Tab") -> None:
    """Press Tab until the focus is on that element; every element has to be on the way."""
    for _ in range(80):
        page.keyboard.press(key)
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"no Tab leads to {selector}")


def test_the_timeline(page: Any, traffic: Traffic) -> None:
    client = traffic.client()
    for number in range(40):
        client.append(f"order {number}")
    expect(page.locator("#count")).to_have_text("40 exchanges")

    tab_to(page, "#rows")
    page.keyboard.press("Home")
    expect(page.locator("#which")).to_contain_text("1 · ")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#which")).to_contain_text("2 · ")
    expect(page.locator("#rows .row[aria-selected=true]")).to_be_in_viewport()
    page.keyboard.press("End")
    expect(page.locator("#which")).to_contain_text("40 · ")
    expect(page.locator("#rows .row[aria-selected=true]")).to_be_in_viewport()
    page.keyboard.press("PageUp")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#which")).not_to_contain_text("40 · ")
    page.keyboard.press("Enter")
    expect(page.locator("#detail")).to_be_focused()
    active = page.locator("#rows").get_attribute("aria-activedescendant")
    expect(page.locator(f"#{active}")).to_have_attribute("aria-selected", "true")

    page.keyboard.press("Tab")
    assert copied_with_enter(page).startswith("curl ")


def test_an_open_exchange_stays_open(page: Any, traffic: Traffic) -> None:
    """It is drawn anew with each record of an open session."""
    traffic.client().follow()
    page.locator("#rows .row").click()
    button = page.get_by_role("button", name="Copy as pytest")
    button.focus()

    traffic.client().append("tea")

    expect(page.locator("#detail dd").first).to_have_text("read 0..0")
    expect(button).to_be_focused()


def test_streams_records_and_the_slider(page: Any, mock: S2Mock, traffic: Traffic) -> None:
    mock.basin(BASIN).create_stream("returns").append(["a cup"])
    client = traffic.client()
    for body in ("tea", "cups"):
        client.append(body)
    expect(page.locator("#names .row")).to_have_count(2)
    expect(page.locator("#count")).to_have_text("2 exchanges")

    tab_to(page, "#names")
    page.keyboard.press("End")
    expect(page.locator("#where")).to_have_text(f"{BASIN} / returns")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#where")).to_have_text(f"{BASIN} / orders")
    tab_to(page, "#at")
    page.keyboard.press("Home")
    expect(page.locator("#records .row")).to_have_count(0)
    page.keyboard.press("ArrowRight")
    expect(page.locator("#records .row .v")).to_have_text(["tea"])
    page.keyboard.press("End")
    expect(page.locator("#when")).to_have_text("now")
    tab_to(page, "#records")
    page.keyboard.press("Home")
    expect(page.locator("#which")).to_contain_text("1 · append")


def test_the_clock_and_reset(page: Any, mock: S2Mock, clock: ManualClock) -> None:
    before = clock.now()
    expect(page.locator("#powers")).to_contain_text("2024-01-01T00:00:00")
    tab_to(page, "#powers button")
    page.keyboard.press("Enter")
    expect(page.locator("#powers")).to_contain_text("2024-01-01T00:00:01")
    # The focus stays where it was, though the part around it was drawn again.
    page.keyboard.press("Enter")
    expect(page.locator("#powers")).to_contain_text("2024-01-01T00:00:02")
    assert clock.now() - before == 2 * 10**9

    page.reload()
    expect(page.locator("#names .row")).to_have_count(1)
    tab_to(page, "#reset")
    page.keyboard.press("Space")
    page.keyboard.press("Space")
    expect(page.locator("#names .row")).to_have_count(0)
    assert mock.basin(BASIN).streams == ()


def test_the_focused_element_is_marked(page: Any, traffic: Traffic) -> None:
    traffic.client().append("tea")
    page.locator("#rows .row").click()
    expect(page.locator("#which")).to_contain_text("1 · ")
    page.evaluate("document.activeElement.blur()")

    seen = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            """() => {
              const one = document.activeElement, style = getComputedStyle(one);
              if (one === document.body) return ["the browser", "its own"];
              return [one.id || one.textContent, `${style.outlineStyle} ${style.outlineWidth}`];
            }"""
        )
        seen.add(name)
        assert not outline.startswith("none"), f"{name} has the focus, and does not show it"
    assert {"rows", "detail", "names", "records", "controls", "at", "find", "reset"} <= seen


def test_counts_pending_rows_and_a_comparison(page: Any, mock: S2Mock, traffic: Traffic) -> None:
    client = traffic.client()
    client.append("tea")
    client.append("tea", match_seq_num=7)
    with mock.hold(on="append") as hold:
        held = threading.Thread(target=traffic.client().append, args=("cups",))
        held.start()
        hold.wait(timeout=60)
        expect(page.locator("#pending .wait")).to_have_count(1)
        tab_to(page, "#pending button")
        page.keyboard.press("Enter")
        held.join()
    expect(page.locator("#count")).to_have_text("3 exchanges")

    page.evaluate("document.activeElement.blur()")
    tab_to(page, "#strip .stat:nth-child(2)")
    page.keyboard.press("Space")
    expect(page.locator("#rows .row")).to_have_count(1)
    # The focus stays on the count, which is drawn again.
    page.keyboard.press("Space")
    expect(page.locator("#rows .row")).to_have_count(3)
    tab_to(page, "#rows")
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    tab_to(page, "#detail [aria-label^=Compare]")
    page.keyboard.press("Enter")
    expect(page.locator("#rows")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#detail .one")).to_have_count(2)


def test_what_is_above_the_rows(
    open_mock: Callable[..., S2Mock], open_page: Callable[..., Any]
) -> None:
    """Accounts, the empty page, the filter by fields, a pending row, and the links."""
    mock = open_mock(basins=[BASIN])
    mock.basin(BASIN).create_stream("orders")
    httpx.post(f"{mock.url}/_s2mock/accounts", json={"name": "test_it"}, trust_env=False)
    page = open_page(f"{mock.url}/_s2mock/", permissions=["clipboard-read", "clipboard-write"])
    expect(page.locator("#account option")).to_have_count(2)

    tab_to(page, "#account")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#account")).to_have_value(page.evaluate("accountList[1].token"))
    expect(page.locator("#many")).to_have_text("0 streams")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#many")).to_have_text("1 stream")
    tab_to(page, "#save")
    tab_to(page, "#start [aria-label='Copy the variables']")
    assert copied_with_enter(page).startswith(f"export S2_ACCOUNT_ENDPOINT={mock.url}")
    tab_to(page, "#start a[href='openapi.json']")

    with Traffic(mock.url) as traffic:
        client = traffic.client()
        client.append("tea")
        client.append("tea", match_seq_num=7)
        client.follow()
        expect(page.locator("#count")).to_have_text("3 exchanges")
        tab_to(page, "#pending button")
        page.keyboard.press("Enter")
        expect(page.locator("#which")).to_contain_text("3 · read")
        tab_to(page, "#find", "Shift+Tab")
        page.keyboard.type("status:412 -stream:returns")
        expect(page.locator("#rows .row .n")).to_have_text(["2"])
        page.reload()
        expect(page.locator("#rows .row .n")).to_have_text(["2"])
        # The address has the exchange that was chosen.
        expect(page.locator("#which")).to_contain_text("3 · read")
        tab_to(page, "#find")
        page.keyboard.press("Control+A")
        page.keyboard.press("Delete")
        expect(page.locator("#rows .row")).to_have_count(3)


def test_what_is_below_the_rows(page: Any, mock: S2Mock, traffic: Traffic) -> None:
    """An exchange, its stream and records, faults, holds and campaigns, from top to bottom."""
    make_campaign(mock.url)
    client = traffic.client()
    client.append(*(f"order {number}" for number in range(40)))
    client.append("tea", match_seq_num=7)
    mock.basin(BASIN).create_stream("returns")
    expect(page.locator("#count")).to_have_text("2 exchanges")
    expect(page.locator("#names .row")).to_have_count(2)

    tab_to(page, "#rows")
    page.keyboard.press("Home")
    expect(page.locator("#where")).to_have_text(f"{BASIN} / orders")
    expect(page.locator("#when")).to_have_text("1")
    assert page.url.endswith("/exchange/1")
    expect(page.locator("#which")).to_contain_text("1 · append")
    tab_to(page, "#detail [aria-label='Copy as pytest']")
    assert "def test_exchange_1(" in copied_with_enter(page)
    expect(page.locator("#detail")).not_to_contain_text("order 7")
    tab_to(page, "#detail .tree:not([open]) > summary")
    page.keyboard.press("Enter")
    expect(page.locator("#detail")).to_contain_text("order 7")
    tab_to(page, "#detail [aria-label^=Compare]", "Shift+Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#detail .one")).to_have_count(2)
    tab_to(page, "#detail [aria-label='Close the comparison']")
    page.keyboard.press("Enter")
    expect(page.locator("#detail .one")).to_have_count(0)

    operate_log(page)
    operate_powers(page)
    expect(page.locator("#campaigns")).to_be_visible()
    tab_to(page, "#attempts")
    tab_to(page, "#attempts pre")


def operate_log(page: Any) -> None:
    """Filter the streams, search in the records of one, and append one more."""
    tab_to(page, "#part")
    page.keyboard.type("return")
    expect(page.locator("#names .row")).to_have_count(1)
    tab_to(page, "#seek")
    page.keyboard.type("order 3")
    expect(page.locator("#where")).to_contain_text("11 of 40 records")
    tab_to(page, "#now")
    page.keyboard.press("Enter")
    expect(page.locator("#when")).to_have_text("now")
    tab_to(page, "#body")
    page.keyboard.type("order 3 again")
    page.keyboard.press("Enter")
    expect(page.locator("#where")).to_contain_text("12 of 41 records")


def operate_powers(page: Any) -> None:
    """Make a fault and a hold, and take both away."""
    for place in ("first", "last"):
        tab_to(page, f"#make details:{place}-child > summary")
        page.keyboard.press("Enter")
        tab_to(page, f"#make details:{place}-child button")
        page.keyboard.press("Enter")
    expect(page.locator("#powers")).to_contain_text("inject(Drop(committed=True), on='append')")
    expect(page.locator("#powers")).to_contain_text("1 hold")
    for name in ("Release", "Remove"):
        tab_to(page, f"#powers [aria-label^={name}]", "Shift+Tab")
        page.keyboard.press("Enter")
    expect(page.locator("#powers")).to_contain_text("No faults")
    expect(page.locator("#powers")).to_contain_text("released, 0 came")


def make_campaign(url: str) -> None:
    """Make a campaign whose one attempt failed."""
    with httpx.Client(base_url=f"{url}/_s2mock", trust_env=False, timeout=60) as control:
        given = {"kind": "sweep", "faults": [{"Drop": {}}], "on": "append"}
        path = f"/campaigns/{control.post('/campaigns', json=given).json()['number']}/attempts"
        attempt = control.post(path, json={}).json()["number"]
        result = {"outcome": "failed", "message": "one is missing"}
        assert control.post(f"{path}/{attempt}/end", json=result).is_success
