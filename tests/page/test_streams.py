"""The streams: what is in the log now, and what was in it then."""

import base64
from typing import Any

import pytest

from s2mock import ManualClock, S2Mock
from tests.page.looking import drawn, expect
from tests.page.traffic import BASIN, Traffic


def look_at(page: Any, stream: str) -> None:
    page.locator("#names .row").filter(has=page.get_by_text(stream, exact=True)).click()
    expect(page.locator("#where")).to_have_text(f"{BASIN} / {stream}")


def slide_to(page: Any, number: int, *, of: int) -> None:
    """Show the log as it was after exchange `number`, once there are `of`."""
    expect(page.locator("#count")).to_contain_text(f"{of} exchange")
    page.get_by_label("As it was after exchange").fill(str(number))
    expect(page.locator("#when")).to_have_text(str(number))


def bodies(page: Any) -> Any:
    return page.locator("#records .row .v")


def test_records_are_there_as_they_come(page: Any, traffic: Traffic) -> None:
    writer = traffic.client()
    writer.append("tea", "cups")
    expect(bodies(page)).to_have_text(["tea", "cups"])

    writer.append("milk")

    expect(bodies(page)).to_have_text(["tea", "cups", "milk"])
    expect(page.locator("#records .row").last).to_contain_text("by 2")
    expect(page.locator("#facts")).to_contain_text("tail3")
    expect(page.locator("#names .row")).to_contain_text("3")


def test_a_record_leads_to_the_exchange_that_brought_it(page: Any, traffic: Traffic) -> None:
    writer = traffic.client()
    writer.append("tea")
    writer.append("cups")

    page.locator("#records .row").filter(has_text="tea").click()

    expect(page.locator("#which")).to_have_text(f"1 · append · {BASIN} / orders")


def test_commands_have_a_colour_of_their_own(page: Any, traffic: Traffic) -> None:
    writer = traffic.client()
    writer.append("tea")
    writer.command("fence", "the-owner")
    expect(bodies(page)).to_have_count(2)

    fence = page.locator("#records .row").last
    expect(fence).to_contain_text("fence → the-owner")
    colour = "one => getComputedStyle(one).color"
    assert fence.evaluate(colour) != page.locator("#records .row").first.evaluate(colour)
    expect(page.locator("#facts")).to_contain_text("fencing tokenthe-owner")
    expect(page.locator("#names .row")).to_contain_text("fenced")


def test_a_trim_takes_records_away_and_the_slider_shows_them(page: Any, traffic: Traffic) -> None:
    writer = traffic.client()
    writer.append("tea", "cups")
    # Before the sequence number 2; the record itself is number 2.
    headers = [[base64.b64encode(part).decode() for part in (b"", b"trim")]]
    body = base64.b64encode((2).to_bytes(8, "big")).decode()
    writer.request(
        "POST",
        "/v1/streams/orders/records",
        json={"records": [{"headers": headers, "body": body}]},
        headers={"s2-format": "base64"},
    )
    expect(bodies(page)).to_have_text(["trim → 2"])

    slide_to(page, 1, of=2)

    expect(bodies(page)).to_have_text(["tea", "cups"])
    expect(page.locator("#records")).to_contain_text("trimmed since")
    page.get_by_role("button", name="Now").click()
    expect(bodies(page)).to_have_text(["trim → 2"])
    expect(page.locator("#facts")).to_contain_text("trimmed before2")


def test_it_is_shown_as_it_was_after_each_exchange(page: Any, traffic: Traffic) -> None:
    writer = traffic.client()
    for body in ("tea", "cups", "milk"):
        writer.append(body)
    expect(bodies(page)).to_have_count(3)

    for number in (2, 1, 0, 3):
        slide_to(page, number, of=3)
        expect(bodies(page)).to_have_text(["tea", "cups", "milk"][:number])
    # A later append does not change the earlier view.
    writer.append("sugar")
    expect(page.locator("#count")).to_have_text("4 exchanges")
    expect(bodies(page)).to_have_count(3)
    page.get_by_role("button", name="Now").click()
    expect(bodies(page)).to_have_count(4)


def test_the_exchange_leads_to_the_log_of_then(page: Any, traffic: Traffic) -> None:
    writer = traffic.client()
    writer.append("tea")
    writer.append("cups")
    page.locator("#rows .row").first.click()

    page.get_by_role("button", name="The log then").click()

    expect(page.locator("#when")).to_have_text("1")
    expect(bodies(page)).to_have_text(["tea"])


def test_a_stream_that_is_gone_was_there_then(page: Any, traffic: Traffic) -> None:
    client = traffic.client()
    client.append("tea")
    expect(bodies(page)).to_have_text(["tea"])

    client.request("DELETE", "/v1/streams/orders")
    expect(page.locator("#names .row")).to_have_count(0)

    expect(page.locator("#notes")).to_contain_text("It is not there now")
    slide_to(page, 1, of=2)
    expect(bodies(page)).to_have_text(["tea"])
    expect(page.locator("#records")).to_contain_text("deleted since")


def test_what_expires_was_there_then(page: Any, clock: ManualClock, traffic: Traffic) -> None:
    client = traffic.client()
    client.append("tea")
    expect(bodies(page)).to_have_text(["tea"])

    clock.advance(8 * 24 * 60 * 60)

    expect(bodies(page)).to_have_count(0)
    slide_to(page, 1, of=1)
    expect(bodies(page)).to_have_text(["tea"])
    expect(page.locator("#records")).to_contain_text("expired since")


def test_readers_and_where_they_stand(page: Any, traffic: Traffic) -> None:
    reader, writer = traffic.client(), traffic.client()
    reader.follow()
    expect(page.locator("#facts")).to_contain_text("at the tail1 reader")
    expect(page.locator("#facts")).to_contain_text("reader 1has read to its start")
    expect(page.locator("#names .row")).to_contain_text("1 reader")

    writer.append("tea", "cups")

    expect(page.locator("#facts")).to_contain_text("reader 1has read to 2")
    reader.close()
    expect(page.locator("#facts")).to_contain_text("at the tail0 readers")
    expect(page.locator("#facts")).not_to_contain_text("has read to")


def test_the_configuration_that_is_not_the_default(page: Any, mock: S2Mock) -> None:
    expect(page.locator("#facts")).to_contain_text("tail")
    expect(page.locator("#facts")).not_to_contain_text("retention")

    mock.client.patch(
        "/v1/streams/orders",
        json={"storage_class": "standard", "retention_policy": {"age": 60}},
        headers={"s2-basin": BASIN},
    )

    expect(page.locator("#facts")).to_contain_text("retention policyage:60")
    expect(page.locator("#facts")).to_contain_text("storage classstandard")
    expect(page.locator("#facts")).not_to_contain_text("delete on empty")


def test_streams_are_found_by_a_part_of_their_names(page: Any, mock: S2Mock) -> None:
    for name in ("logs/a", "logs/b"):
        mock.basin(BASIN).create_stream(name)
    expect(page.locator("#names .row")).to_have_count(3)

    page.get_by_label("Filter the streams by name").fill("logs/")

    expect(page.locator("#names .row")).to_have_count(2)
    look_at(page, "logs/b")


def test_records_that_are_no_text(page: Any, mock: S2Mock) -> None:
    mock.stream(BASIN, "orders").append([b"\xff\x00", "x" * 5000])

    expect(bodies(page).first).to_have_text("base64 /wA=")
    expect(bodies(page).last).to_contain_text("5000 bytes")
    expect(page.locator("#records .row").first).to_contain_text("directly")


def test_an_answer_that_comes_late_changes_nothing(page: Any, mock: S2Mock) -> None:
    """What was asked after it, and answered before it, is newer."""
    expect(page.locator("#names .row")).to_have_count(1)
    late: list[Any] = []

    def answer(route: Any) -> None:
        if late:
            route.continue_()
        else:
            late.append(route)
            late.append(route.fetch())

    page.route("**/_s2mock/streams?*", answer)
    page.evaluate("() => { refresh(true); }")
    while len(late) < 2:
        page.wait_for_timeout(10)
    mock.basin(BASIN).create_stream("returns")
    page.evaluate("() => { refresh(true); }")
    expect(page.locator("#names .row")).to_have_count(2)

    late[0].fulfill(response=late[1])
    drawn(page, frames=20)

    assert page.locator("#names .row").count() == 2
    page.unroute_all(behavior="ignoreErrors")


@pytest.mark.parametrize("name", ["orders/eu", "a b?c&d=é", "<b>"])
def test_any_name_will_do(page: Any, mock: S2Mock, name: str) -> None:
    mock.basin(BASIN).create_stream(name).append(["tea"])

    look_at(page, name)

    expect(bodies(page)).to_have_text(["tea"])
