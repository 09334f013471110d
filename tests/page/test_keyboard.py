"""The page without a mouse."""

import threading
from typing import Any

from s2mock import ManualClock, S2Mock
from tests.page.looking import expect
from tests.page.traffic import BASIN, Traffic


def tab_to(page: Any, selector: str) -> None:
    """Press Tab until the focus is on that element; every element has to be on the way."""
    for _ in range(80):
        page.keyboard.press("Tab")
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
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()").startswith("curl ")


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
