"""The timeline: what came, as it comes; and what a click on it tells."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from s2mock import Drop, S2Mock
from s2mock.control.settings import ControlSettings
from tests.page.looking import drawn, expect
from tests.page.traffic import BASIN, Traffic

ORDERS = "/v1/streams/orders/records"


def row(page: Any, number: int) -> Any:
    """The exchange of that number in the timeline."""
    return page.locator("#rows .row").filter(
        has=page.locator(".n").get_by_text(str(number), exact=True)
    )


def copied(page: Any) -> str:
    text: str = page.evaluate("navigator.clipboard.readText()")
    return text


def test_what_comes_is_there_at_once(page: Any, traffic: Traffic) -> None:
    expect(page.locator("#none")).to_have_text("No exchanges yet.")

    writer, reader = traffic.client(), traffic.client()
    writer.append("tea", "cups", "milk")

    first = row(page, 1)
    for part in ("append", "orders", "200", "+3 → 0..2"):
        expect(first).to_contain_text(part)
    expect(first).to_contain_text("+0.000")
    expect(page.locator("#count")).to_have_text("1 exchange")
    reader.read(seq_num=1)
    expect(row(page, 2)).to_contain_text("read 1..2")
    assert row(page, 1).locator(".c").inner_text() != row(page, 2).locator(".c").inner_text()


def test_a_refusal_has_its_status_and_its_code(page: Any, traffic: Traffic) -> None:
    traffic.client().append("tea", match_seq_num=7)

    expect(row(page, 1)).to_contain_text("412")


def test_a_lost_answer_has_its_fault(page: Any, mock: S2Mock, traffic: Traffic) -> None:
    mock.inject(Drop(committed=True), on="append")

    with pytest.raises(Exception, match="disconnected"):
        traffic.client().append("tea")

    expect(row(page, 1)).to_contain_text("no answer")
    expect(row(page, 1)).to_contain_text("+1 → 0..0")
    expect(row(page, 1).locator(".fault")).to_contain_text("Drop(committed=True)")
    row(page, 1).click()
    expect(page.locator("#detail")).to_contain_text("Drop(committed=True)")


def test_a_session_is_open_until_it_ends(page: Any, traffic: Traffic) -> None:
    reader, writer = traffic.client(), traffic.client()
    reader.follow()
    expect(row(page, 1)).to_contain_text("200 open")

    writer.append("tea", "cups")

    expect(row(page, 1)).to_contain_text("read 0..1")
    reader.close()
    expect(row(page, 1)).not_to_contain_text("open")


def test_a_click_tells_what_was_asked_and_answered_and_why(page: Any, traffic: Traffic) -> None:
    traffic.client().append("tea", stream="order")

    row(page, 1).click()

    expect(row(page, 1)).to_have_attribute("aria-selected", "true")
    detail = page.locator("#detail")
    expect(page.locator("#which")).to_have_text(f"1 · append · {BASIN} / order")
    for part in (
        "404 stream_not_found",
        # The nearest miss.
        "orders",
        # The answer, and the request.
        '"code": "stream_not_found"',
        "POST /v1/streams/order/records",
        '"body": "tea"',
        "HTTP/1.1",
    ):
        expect(detail).to_contain_text(part)
    expect(detail.locator(".why").first).to_contain_text("orders")
    expect(detail.get_by_text("content-type: application/json")).to_have_count(2)
    expect(detail.get_by_text("content-type: application/json").first).to_be_hidden()
    detail.get_by_text("Headers").first.click()
    expect(detail.get_by_text("content-type: application/json").first).to_be_visible()


def test_an_exchange_is_copied_as_curl(page: Any, mock: S2Mock, traffic: Traffic) -> None:
    traffic.client().append("tea's")
    row(page, 1).click()

    page.get_by_role("button", name="Copy as curl").click()

    expect(page.locator("#said")).to_have_text("Copied")
    assert copied(page) == mock.journal[0].curl()


@pytest.mark.parametrize("bodies", [["tea"], ["it's", 'a "cup" \\ ☕', "\n"]], ids=["plain", "odd"])
def test_an_exchange_is_copied_as_a_test_that_passes(
    page: Any, traffic: Traffic, bodies: list[str], tmp_path: Path
) -> None:
    traffic.client().append(*bodies)
    row(page, 1).click()

    page.get_by_role("button", name="Copy as pytest").click()

    expect(page.locator("#said")).to_have_text("Copied")
    assert run_copied(page, tmp_path) == {"passed": 1}


def test_a_refusal_is_copied_as_a_test_that_passes(
    page: Any, traffic: Traffic, tmp_path: Path
) -> None:
    traffic.client().request("POST", "/v1/streams", json={"stream": ""})
    row(page, 1).click()

    page.get_by_role("button", name="Copy as pytest").click()

    expect(page.locator("#said")).to_have_text("Copied")
    assert run_copied(page, tmp_path) == {"passed": 1}


def run_copied(page: Any, folder: Path) -> dict[str, int]:
    (folder / "test_copied.py").write_text(copied(page), "utf-8")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "--rootdir", folder, folder],
        capture_output=True,
        text=True,
        check=False,
    )
    return pytest.RunResult.parse_summary_nouns(run.stdout.splitlines())


def test_each_stream_has_a_lane_and_each_mark_its_client(page: Any, traffic: Traffic) -> None:
    """A square for a write, a circle for a read, in the column and the colour of the stream."""
    writers, reader = [traffic.client(), traffic.client()], traffic.client()
    reader.follow()
    for turn in range(6):
        writers[turn % 2].append(f"order {turn}")
    writers[0].append("tea", stream="order")

    expect(page.locator("#lanes li:not(.hint)")).to_have_text(["orders", "order"])
    expect(page.locator("#rows .row")).to_have_count(8)
    marks = page.evaluate(
        """() => [...document.querySelectorAll("#rows .row")].map(row => {
          const mark = row.querySelector("circle, rect"), name = row.querySelector("text");
          return [mark.tagName, name.getAttribute("x"), name.textContent, mark.style.cssText];
        })"""
    )
    assert [mark[0] for mark in marks] == ["circle", *["rect"] * 7]
    assert len({mark[1] for mark in marks[:7]}) == 1
    assert marks[7][1] != marks[0][1]
    assert marks[7][3] != marks[0][3]
    # The two writers take turns.
    assert [mark[2] for mark in marks[1:7]] == [marks[1][2], marks[2][2]] * 3
    assert marks[1][2] != marks[2][2]
    # The colour stays with any filter.
    page.get_by_label("Filter the timeline").fill("-operation:read")
    expect(page.locator("#rows .row")).to_have_count(7)
    colour = "document.querySelector('#rows .row:last-child rect').style.cssText"
    assert page.evaluate(colour) == marks[7][3]


def test_without_a_second_mark_in_a_lane_there_are_none(page: Any, traffic: Traffic) -> None:
    client = traffic.client()
    client.append("tea")
    client.append("tea", stream="order")
    expect(page.locator("#rows .row")).to_have_count(2)
    expect(page.locator("#rows svg")).to_have_count(0)

    client.append("cups")

    expect(page.locator("#rows svg")).to_have_count(3)


def test_words_filter_it(page: Any, traffic: Traffic) -> None:
    client = traffic.client()
    client.append("tea")
    client.append("tea", stream="order")
    client.read()
    expect(page.locator("#count")).to_have_text("3 exchanges")

    page.get_by_label("Filter the timeline").fill("append 404")

    expect(page.locator("#rows .row")).to_have_count(1)
    expect(page.locator("#count")).to_have_text("1 of 3 exchanges")
    page.get_by_label("Filter the timeline").fill("nothing like that")
    expect(page.locator("#none")).to_have_text("No exchange matches.")


def test_it_pauses(page: Any, traffic: Traffic) -> None:
    client = traffic.client()
    client.append("tea")
    expect(row(page, 1)).to_be_visible()

    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#state")).to_have_text("paused")
    client.append("cups")
    page.get_by_role("button", name="Pause").click()

    expect(page.locator("#state")).to_have_text("live")
    expect(row(page, 2)).to_be_visible()


def test_what_the_journal_has_let_go_is_gone(
    open_mock: Callable[..., S2Mock], open_page: Callable[..., Any]
) -> None:
    mock = open_mock(journal_limit=3)
    page = open_page(f"{mock.url}/_s2mock/")
    expect(page.locator("#state")).to_have_text("live")

    # Each is there before the next comes, or comes together with it.
    for number in range(1, 6):
        mock.client.get(f"/v1/basins?limit={number}")
        expect(page.locator("#rows .row .n").last).to_have_text(str(number))

    expect(page.locator("#count")).to_have_text("3 exchanges, 2 before are gone")
    expect(page.locator("#rows .row .n")).to_have_text(["3", "4", "5"])


def test_what_is_looked_at_stays_where_it_is(
    open_mock: Callable[..., S2Mock], open_page: Callable[..., Any]
) -> None:
    mock = open_mock(journal_limit=100)
    for _ in range(100):
        mock.client.get("/v1/basins")
    page = open_page(f"{mock.url}/_s2mock/")
    expect(row(page, 100)).to_be_visible()
    place = "document.getElementById('rows').scrollTop = Math.round(60 * "
    page.evaluate(place + "document.querySelector('#rows .row').offsetHeight)")
    before = row(page, 70).bounding_box()

    for _ in range(20):
        mock.client.get("/v1/basins")

    expect(page.locator("#count")).to_have_text("100 exchanges, 20 before are gone")
    assert row(page, 70).bounding_box() == before


def press_while_something_comes(
    page: Any, what: Any, come: Callable[[], object], key: str | None = None
) -> None:
    """Press it for as long as it takes a second exchange to come, and to be drawn."""
    if key is None:
        what.hover()
        page.mouse.down()
    else:
        what.focus()
        page.keyboard.down(key)
    come()
    page.evaluate(
        """async () => {
          while (!byNumber.has(2)) await new Promise(requestAnimationFrame);
        }"""
    )
    drawn(page, frames=20)
    if key is None:
        page.mouse.up()
    else:
        page.keyboard.up(key)


def test_a_row_that_is_pressed_is_chosen_during_new_traffic(page: Any, traffic: Traffic) -> None:
    client = traffic.client()
    client.append("tea")
    expect(row(page, 1)).to_be_visible()

    press_while_something_comes(page, row(page, 1), lambda: client.append("cups"))

    expect(page.locator("#which")).to_contain_text("1 · ")
    expect(row(page, 2)).to_be_visible()


def test_headers_that_are_open_stay_open(page: Any, traffic: Traffic) -> None:
    traffic.client().follow()
    row(page, 1).click()
    headers = page.locator("#detail details")
    headers.first.locator("summary").click()
    expect(headers.first.locator("pre")).to_be_visible()

    traffic.client().append("tea")

    expect(page.locator("#detail dd").first).to_have_text("read 0..0")
    expect(headers.first.locator("pre")).to_be_visible()


@pytest.mark.parametrize("key", [None, "Space"])
def test_a_button_that_is_pressed_acts_during_new_traffic(
    page: Any, traffic: Traffic, key: str | None
) -> None:
    traffic.client().follow()
    row(page, 1).click()
    button = page.get_by_role("button", name="Copy as curl")

    press_while_something_comes(page, button, lambda: traffic.client().append("tea"), key)

    expect(page.locator("#said")).to_have_text("Copied")
    expect(row(page, 1)).to_contain_text("read 0..0")
    expect(row(page, 2)).to_be_visible()


def test_the_page_asks_for_a_token_where_one_is_required(
    open_mock: Callable[..., S2Mock], open_page: Callable[..., Any]
) -> None:
    mock = open_mock(basins=[BASIN])
    mock._set_up_server(ControlSettings(token="open sesame"), own_hosts_only=False)
    url = mock.url.replace("127.0.0.1", "elsewhere.test")
    page = open_page(f"{url}/_s2mock/", but="403 (Forbidden)")
    expect(page.get_by_label("Control token")).to_be_visible()
    mock.client.get("/v1/basins")

    page.get_by_label("Control token").fill("open sesame")
    page.keyboard.press("Enter")

    expect(page.locator("#state")).to_have_text("live")
    expect(page.get_by_label("Control token")).to_be_hidden()
    expect(page.locator("#rows .row")).to_have_count(1)


def test_what_it_shows_is_text_and_never_html(page: Any, traffic: Traffic) -> None:
    mark = "<img src=x onerror=document.title='caught'><script>document.title='caught'</script>"
    traffic.client().append(mark, stream="orders")
    traffic.client().request("GET", f"/v1/{mark}?{mark}")
    for number in (1, 2):
        row(page, number).click()
        expect(page.locator("#which")).to_contain_text(f"{number} · ")

    expect(page.locator("#records .row")).to_contain_text(mark)
    assert page.title() == "s2mock"
    assert page.locator("img").count() == 0


def test_the_dashboard_leads_there(page: Any, mock: S2Mock) -> None:
    page.goto(f"{mock.url}/dashboard")

    expect(page).to_have_url(f"{mock.url}/_s2mock/")
    expect(page.locator("#state")).to_have_text("live")


def test_it_is_small_and_asks_its_own_server_only(page: Any, mock: S2Mock) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    answer = page.reload()
    expect(page.locator("#state")).to_have_text("live")

    assert len(answer.body()) < 60_000
    assert asked
    assert [url for url in asked if not url.startswith((f"{mock.url}/_s2mock/", "data:"))] == []
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert json.dumps(answer.headers).count("access-control") == 0


def test_rows_that_come_before_the_status_are_shown(
    open_mock: Callable[..., S2Mock], open_page: Callable[..., Any]
) -> None:
    """And no page says that nothing came, before it is known."""
    mock = open_mock()
    mock.client.get("/v1/basins")
    page = open_page("about:blank")
    page.add_init_script(
        """const real = fetch, late = new Promise(done => { window.letGo = done; });
        window.fetch = async (url, ...more) => {
          if (url === "status") await late;
          return real(url, ...more);
        };"""
    )
    page.goto(f"{mock.url}/_s2mock/")
    expect(page.locator("#rows")).to_be_visible()
    expect(page.locator("#rows .row")).to_have_count(1)
    page.evaluate("letGo()")
    expect(page.locator("#rows")).to_be_visible()
