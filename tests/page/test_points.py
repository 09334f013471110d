"""What the page tells at a glance, and what can be done from it: a test for each part."""

import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from s2mock import Drop, ManualClock, S2Mock
from tests.page.looking import PATIENCE, expect, findings
from tests.page.test_timeline import copied, row
from tests.page.traffic import BASIN, Traffic


def find(page: Any, text: str) -> None:
    page.get_by_label("Filter the timeline").fill(text)


def stat(page: Any, name: str) -> Any:
    return page.locator("#strip").get_by_role("button", name=name)


def test_counts_are_filters_and_stay_at_a_reload(page: Any, mock: S2Mock, traffic: Traffic) -> None:
    client = traffic.client()
    client.append("tea")
    client.append("tea", match_seq_num=7)
    client.read()
    mock.inject(Drop(), on="append")
    with pytest.raises(httpx.RemoteProtocolError):
        client.append("lost")
    for name, count in {"Refused": 2, "Faults": 1, "Writes": 3, "Reads": 1, "Advice": 0}.items():
        expect(stat(page, f"{name}: {count}")).to_be_visible()

    stat(page, "Refused").click()

    expect(page.locator("#rows .row")).to_have_count(2)
    expect(stat(page, "Refused")).to_have_attribute("aria-pressed", "true")
    page.reload()
    expect(page.locator("#rows .row")).to_have_count(2)
    expect(page.get_by_label("Filter the timeline")).to_have_value("is:refused")
    stat(page, "Writes").click()
    expect(page.get_by_label("Filter the timeline")).to_have_value("is:refused is:write")
    stat(page, "All exchanges").click()
    expect(page.locator("#rows .row")).to_have_count(4)


def test_fields_filter_and_what_is_not_understood_is_said(page: Any, traffic: Traffic) -> None:
    client = traffic.client()
    client.append("tea")
    client.append("tea", stream="order")
    client.read()
    expect(page.locator("#count")).to_have_text("3 exchanges")

    for text, numbers in {
        "status:404": ["2"],
        "status:4xx": ["2"],
        "stream:orders": ["1", "3"],
        "-stream:orders": ["2"],
        "operation:append -status:404": ["1"],
        "is:read": ["3"],
        "number:2": ["2"],
        'code:"stream_not_found"': ["2"],
    }.items():
        find(page, text)
        expect(page.locator("#rows .row .n")).to_have_text(numbers)
        expect(page.locator("#unknown")).to_have_text("")
    find(page, "colour:red is:blue append")
    expect(page.locator("#unknown")).to_contain_text("colour:red: there is no field colour")
    expect(page.locator("#unknown")).to_contain_text("is:blue: there are is:refused")
    # The words that are understood filter all the same.
    expect(page.locator("#rows .row .n")).to_have_text(["1", "2"])


def test_what_is_pending_has_rows(page: Any, mock: S2Mock, traffic: Traffic) -> None:
    mock.basin(BASIN).create_stream("returns")
    traffic.client().follow()
    reader, writer = traffic.client(), traffic.client()
    threads = [
        threading.Thread(target=reader.read, kwargs={"wait": 3, "stream": "returns"}),
        threading.Thread(target=writer.append, args=("tea",)),
    ]
    with mock.hold(on="append") as hold:
        for thread in threads:
            thread.start()
        hold.wait(timeout=60)
        pending = page.locator("#pending .wait")
        expect(pending).to_have_count(3)
        expect(pending.nth(0)).to_contain_text("held at its commit")
        expect(pending.nth(1)).to_contain_text("session open")
        expect(pending.nth(2)).to_contain_text("long poll")
        expect(pending.nth(2)).to_contain_text("for 3.0 s at most")
        expect(stat(page, "Held: 1")).to_be_visible()
        expect(stat(page, "Waiting: 2")).to_be_visible()
        stat(page, "Held").click()
        expect(pending).to_have_count(1)
        page.get_by_role("button", name="Let append go").click()
        threads[1].join()
        expect(pending).to_have_count(0)
    expect(row(page, 2)).to_contain_text("held at its commit")
    page.locator("#powers").get_by_role("button", name="To the next").click()
    threads[0].join(timeout=60)


def test_choosing_an_exchange_shows_its_stream_then_in_words_and_in_the_address(
    page: Any, mock: S2Mock, traffic: Traffic
) -> None:
    mock.basin(BASIN).create_stream("returns").append(["a cup"])
    client = traffic.client()
    mock.inject(Drop(committed=True), on="append")
    with pytest.raises(httpx.RemoteProtocolError):
        client.append("tea")
    client.append("cups")
    client.append("milk", stream="returns")
    expect(page.locator("#count")).to_have_text("3 exchanges")

    row(page, 3).click()
    expect(page.locator("#where")).to_have_text(f"{BASIN} / returns")
    row(page, 1).click()

    expect(page.locator("#where")).to_have_text(f"{BASIN} / orders")
    expect(page.locator("#when")).to_have_text("1")
    expect(page.locator("#records .row .v")).to_have_text(["tea"])
    expect(page.locator("#detail .meaning")).to_have_text(
        "no response reached the client, but written as record 0"
    )
    assert page.url.endswith("#account%201/exchange/1")
    page.reload()
    expect(page.locator("#which")).to_contain_text("1 · append")
    page.evaluate("location.hash = '#account%201/exchange/2'")
    expect(page.locator("#which")).to_contain_text("2 · append")
    expect(page.locator("#detail .meaning")).to_have_text("written as record 1")


def test_durations_have_bars_and_gaps_their_time(
    page: Any, clock: ManualClock, traffic: Traffic
) -> None:
    client = traffic.client()
    client.append("tea")
    clock.advance(3 * 3600)
    client.append("cups")

    expect(row(page, 2).locator(".gap")).to_have_text("3 h later")
    expect(page.locator("#rows .gap")).to_have_count(1)
    widths = page.locator("#rows .bar").evaluate_all(
        "all => all.map(one => parseFloat(getComputedStyle(one).backgroundSize))"
    )
    assert len(widths) == 2
    assert min(widths) > 0
    assert max(widths) == 100
    expect(page.locator("#columns")).to_contain_text("Took")


def test_an_empty_page_says_how_to_begin(page: Any, mock: S2Mock) -> None:
    start = page.locator("#start")
    expect(start).to_contain_text(f"export S2_ACCOUNT_ENDPOINT={mock.url}")
    expect(start).to_contain_text(f"export S2_BASIN_ENDPOINT={mock.url}")
    page.get_by_role("button", name="Copy the command").click()
    expect(page.locator("#said")).to_have_text("Copied")
    assert copied(page).startswith(f"curl {mock.url}/v1/basins")
    assert page.request.get(f"{mock.url}/_s2mock/openapi.json").ok

    mock.client.get("/v1/basins")

    expect(start).to_be_hidden()


def test_accounts_have_the_names_that_they_were_given(
    open_mock: Callable[..., S2Mock], open_page: Callable[..., Any]
) -> None:
    mock = open_mock()
    made = httpx.post(
        f"{mock.url}/_s2mock/accounts", json={"name": "test_checkout"}, trust_env=False
    ).json()
    headers = {"authorization": f"Bearer {made['token']}"}
    httpx.get(f"{mock.url}/v1/basins", headers=headers, trust_env=False)

    page = open_page(f"{mock.url}/_s2mock/#test_checkout/exchange/1")

    expect(page.locator("#account option")).to_have_text(
        ["account 1, 0 exchanges", "test_checkout, 1 exchange"]
    )
    expect(page.locator("#which")).to_contain_text("1 · list-basins")


def test_faults_holds_and_records_are_made_by_keyboard(
    page: Any, mock: S2Mock, traffic: Traffic
) -> None:
    expect(page.locator("#where")).to_have_text(f"{BASIN} / orders")
    page.get_by_label("Body of a record to append").focus()
    page.keyboard.type("from the page")
    page.keyboard.press("Enter")
    expect(page.locator("#records .row .v")).to_have_text(["from the page"])
    assert mock.stream(BASIN, "orders").bodies == (b"from the page",)
    assert len(mock.journal) == 0

    for title in ("Inject a fault", "Make a hold"):
        page.locator("#make summary").get_by_text(title).focus()
        page.keyboard.press("Enter")
        form = page.get_by_role("form", name=title)
        form.get_by_role("button").focus()
        page.keyboard.press("Enter")
    expect(page.locator("#powers")).to_contain_text("1 hold")
    expect(page.locator("#powers")).to_contain_text("inject(Drop(committed=True), on='append')")
    page.get_by_role("button", name="Release").click()
    with pytest.raises(httpx.RemoteProtocolError):
        traffic.client().append("tea")
    expect(row(page, 1)).to_contain_text("Drop(committed=True)")
    # It is a trial, and fails no test.
    assert mock._powers.injector.check() == []


def test_two_exchanges_side_by_side(page: Any, traffic: Traffic) -> None:
    client = traffic.client()
    client.append("tea", match_seq_num=0)
    client.append("tea", match_seq_num=7)
    row(page, 1).click()
    page.get_by_role("button", name="Compare").click()
    expect(page.locator("#rows")).to_be_focused()

    row(page, 2).click()

    expect(page.locator("#detail .one")).to_have_count(2)
    expect(page.locator("#detail .one").first.locator(".meaning")).to_have_text(
        "written as record 0"
    )
    marked = page.locator("#detail .one").last.locator("mark")
    expect(marked.filter(has_text='"match_seq_num": 7')).to_have_count(1)
    expect(marked.filter(has_text='"body": "tea"')).to_have_count(0)
    page.get_by_role("button", name="Close the comparison").click()
    expect(page.locator("#detail .one")).to_have_count(0)


def test_long_json_is_folded_and_records_are_searched(page: Any, traffic: Traffic) -> None:
    traffic.client().append(*(f"order {number}" for number in range(40)))
    row(page, 1).click()
    folded = page.locator("#detail .tree").filter(has_text="40 items").last
    expect(folded).not_to_contain_text("order 7")
    folded.locator("> summary").click()
    expect(folded).to_contain_text("order 7")

    page.get_by_label("Search in the records").fill("order 3")

    expect(page.locator("#records .row")).to_have_count(11)
    expect(page.locator("#where")).to_have_text(f"{BASIN} / orders: 11 of 40 records")


def test_campaigns_with_their_attempts_and_the_shortest_failure(page: Any, mock: S2Mock) -> None:
    def post(path: str, document: Any) -> Any:
        answer = httpx.post(
            f"{mock.url}/_s2mock/campaigns{path}", json=document, trust_env=False, timeout=60
        )
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    given = {"kind": "sweep", "faults": [{"Drop": {}}], "on": "append"}
    number = post("", given)["number"]
    for outcome in ("passed", "failed"):
        attempt = post(f"/{number}/attempts", {})
        headers = {"authorization": f"Bearer {attempt['token']}"}
        with httpx.Client(base_url=mock.url, headers=headers, trust_env=False) as client:
            client.post("/v1/basins", json={"basin": BASIN})
            named = {"s2-basin": BASIN}
            client.post("/v1/streams", json={"stream": "log"}, headers=named)
            try:
                client.post(
                    "/v1/streams/log/records", json={"records": [{"body": "a"}]}, headers=named
                )
            except httpx.RemoteProtocolError:
                assert outcome == "failed"
        result = {"outcome": outcome, "message": "" if outcome == "passed" else "one is missing"}
        post(f"/{number}/attempts/{attempt['number']}/end", result)

    campaigns = page.locator("#campaigns")
    expect(campaigns).to_be_visible()
    expect(campaigns).to_contain_text("2 attempts: 1 passed 1 failed")
    expect(campaigns.locator(".square.failed")).to_have_count(1)
    expect(campaigns).to_contain_text("The shortest failure, attempt 2: one is missing")
    assert findings(page) == []


def test_an_order_is_a_picture_with_a_lane_for_each_actor(page: Any) -> None:
    page.evaluate("document.body.append(picture('a1 b1 b2 a2'))")

    drawn = page.locator("svg.order")
    expect(drawn.locator("text.name")).to_have_text(["a", "b"])
    expect(drawn.locator("text.on")).to_have_text(["1", "1", "2", "2"])
    x = "all => all.map(one => Number(one.getAttribute('x')))"
    places = drawn.locator("rect").evaluate_all(x)
    assert places == sorted(places)


@pytest.mark.parametrize("width", [1000, 1400])
def test_status_and_code_are_never_cut_off(
    open_page: Callable[..., Any], mock: S2Mock, traffic: Traffic, width: int
) -> None:
    client = traffic.client()
    client.command("fence", "owner")
    client.append("tea", fencing_token="another")
    client.append("tea", stream="a/stream/with/a/long/name" * 5)
    page = open_page(f"{mock.url}/_s2mock/", viewport={"width": width, "height": 800})
    expect(page.locator("#rows .row")).to_have_count(3)

    cut = page.evaluate(
        """() => [...document.querySelectorAll("#rows .s")].filter(one => {
          const next = one.nextElementSibling.getBoundingClientRect();
          const range = document.createRange();
          range.selectNodeContents(one);
          return range.getBoundingClientRect().right > next.left;
        }).map(one => one.textContent)"""
    )
    assert cut == []
    heads = page.locator("#columns .s, #rows .row:first-child .s").evaluate_all(
        "all => all.map(one => Math.round(one.getBoundingClientRect().left))"
    )
    assert abs(heads[0] - heads[1]) <= 1


HOSTILE = "<img src=x onerror=alert(1)>\u202e\u0000'\"&</script>`${1}"


def test_hostile_strings_in_every_field_are_text(
    open_mock: Callable[..., S2Mock], open_page: Callable[..., Any]
) -> None:
    """In names, bodies, headers, tokens, the path, the query, faults and the account's name."""
    mock = open_mock(basins=[BASIN])
    name = HOSTILE.replace("\u0000", "")
    made = httpx.post(f"{mock.url}/_s2mock/accounts", json={"name": name}, trust_env=False)
    token = made.json()["token"]
    headers = {"authorization": f"Bearer {token}", "s2-basin": BASIN}
    with httpx.Client(base_url=mock.url, headers=headers, trust_env=False) as client:
        client.post("/v1/basins", json={"basin": BASIN})
        client.post("/v1/streams", json={"stream": name})
        path = f"/v1/streams/{httpx.QueryParams({'a': name})!s}"[: -0 or None].replace("a=", "")
        path = path.replace("+", "%20")
        record = {"body": HOSTILE, "headers": [[name, name]]}
        client.post(f"{path}/records", json={"records": [record], "fencing_token": "<b>"})
        client.post(f"{path}/records", json={"records": [record]})
        client.get(f"/v1/{name.replace('/', '')}", params={name: name}, headers={"x-odd": "<b>"})
        fault = {"Fail": {"code": "unavailable", "message": name}}
        client.post("/_s2mock/faults", json={"on": "read", "fault": fault, "required": False})
        client.get(f"{path}/records", params={"seq_num": 0})
    page = open_page(f"{mock.url}/_s2mock/")
    page.locator("#account").select_option(index=1)
    expect(page.locator("#rows .row")).to_have_count(6)

    for number in range(1, 7):
        row(page, number).click()
        expect(page.locator("#which")).to_contain_text(f"{number} · ")
    find(page, f"stream:{name} [a-z]( is:{name}")

    expect(page.locator("#unknown")).to_contain_text("is:")
    expect(page.locator("#names .row")).to_contain_text("<img src=x")
    assert page.locator("img").count() == 0
    assert page.title() == "s2mock"


def test_it_is_found_from_the_root_by_a_browser(page: Any, mock: S2Mock) -> None:
    for path in ("/", "/_s2mock"):
        page.goto(f"{mock.url}{path}")
        expect(page).to_have_url(f"{mock.url}/_s2mock/")
    # A client gets S2's answer.
    answer = httpx.get(mock.url, trust_env=False, timeout=PATIENCE)
    assert answer.status_code == 404
