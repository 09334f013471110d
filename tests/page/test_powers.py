"""The clock, the faults and the holds; and to begin again."""

import threading
from collections.abc import Callable
from typing import Any

import httpx

from s2mock import Drop, Fail, ManualClock, S2Mock
from s2mock.control.settings import ControlSettings
from tests.page.looking import expect
from tests.page.traffic import BASIN, Traffic


def advance(page: Any, by: str) -> None:
    page.locator("#powers").get_by_role("button", name=by, exact=True).click()


def test_the_clock_is_turned(page: Any, clock: ManualClock) -> None:
    powers = page.locator("#powers")
    expect(powers).to_contain_text("2024-01-01T00:00:00")
    expect(powers).to_contain_text("manual")

    for by, shown in (
        ("+1 s", "2024-01-01T00:00:01"),
        ("+1 min", "2024-01-01T00:01:01"),
        ("+1 h", "2024-01-01T01:01:01"),
        ("+1 d", "2024-01-02T01:01:01"),
    ):
        advance(page, by)
        expect(powers).to_contain_text(shown)
    assert clock.now() == (1_704_067_200 + 86_400 + 3_600 + 60 + 1) * 10**9


def test_what_waits_until_when(page: Any, traffic: Traffic) -> None:
    powers = page.locator("#powers")
    expect(powers).to_contain_text("No waits")

    reader = traffic.client()
    thread = threading.Thread(target=reader.read, kwargs={"wait": 3})
    thread.start()
    expect(powers).to_contain_text("1 wait")
    expect(powers).to_contain_text("in 3.0 s")
    advance(page, "+1 s")
    expect(powers).to_contain_text("in 2.0 s")
    advance(page, "To the next")

    expect(powers).to_contain_text("No waits")
    thread.join()
    expect(page.locator("#rows .row")).to_have_count(1)


def test_faults_and_what_they_have_hit(page: Any, mock: S2Mock, traffic: Traffic) -> None:
    powers, client = page.locator("#powers"), traffic.client()
    expect(powers).to_contain_text("No faults")
    mock.inject(Fail("unavailable"), on="append", times=2, required=False)
    expect(powers).to_contain_text("1 fault")
    expect(powers).to_contain_text("0 hits")

    client.append("tea")
    expect(powers).to_contain_text("1 hit")
    expect(powers).to_contain_text("waits for 1 more")
    client.append("tea")

    expect(powers).to_contain_text("2 hits")
    expect(powers).to_contain_text("used up")


def test_a_fault_is_removed(page: Any, mock: S2Mock, traffic: Traffic) -> None:
    mock.inject(Drop(), on="append", required=False)

    page.get_by_role("button", name="Remove").click()

    expect(page.locator("#powers")).to_contain_text("No faults")
    assert traffic.client().append("tea").status_code == 200


def test_a_held_append_is_released(page: Any, mock: S2Mock, traffic: Traffic) -> None:
    powers, writer = page.locator("#powers"), traffic.client()
    mock.hold(on="append", at="commit")
    expect(powers).to_contain_text("1 hold")
    expect(powers).to_contain_text("nothing came yet")

    thread = threading.Thread(target=writer.append, args=("tea",))
    thread.start()
    expect(powers).to_contain_text("holds append orders")
    expect(page.locator("#records .row")).to_have_count(0)
    page.get_by_role("button", name="Release").click()

    expect(powers).to_contain_text("released, 1 came")
    thread.join()
    expect(page.locator("#records .row .v")).to_have_text(["tea"])


def test_hooks_and_their_calls(page: Any, mock: S2Mock, traffic: Traffic) -> None:
    powers = page.locator("#powers")
    expect(powers).to_contain_text("No hooks")
    hook = mock.on("append", lambda _: None)
    expect(powers).to_contain_text("1 hook")
    expect(powers).to_contain_text("on('append', at='commit')0 calls")
    expect(powers).to_contain_text("No holds")

    traffic.client().append("tea")
    expect(powers).to_contain_text("1 call")
    hook.remove()

    expect(powers).to_contain_text("removed, 1 call")


def test_an_outage_is_shown(page: Any, traffic: Traffic) -> None:
    powers, client = page.locator("#powers"), traffic.client()
    expect(powers).to_contain_text("No faults")
    expect(powers).not_to_contain_text("outage")

    client.request("POST", "/_s2mock/outage")
    expect(powers).to_contain_text("outage")
    client.request("DELETE", "/_s2mock/outage")

    expect(powers).not_to_contain_text("outage")


def test_reset_asks_once_more_and_begins_again(page: Any, mock: S2Mock, traffic: Traffic) -> None:
    traffic.client().append("tea")
    expect(page.locator("#rows .row")).to_have_count(1)

    page.get_by_role("button", name="Reset").click()
    assert mock.stream(BASIN, "orders").bodies == (b"tea",)
    page.get_by_role("button", name="Really reset?").click()

    expect(page.locator("#rows .row")).to_have_count(0)
    expect(page.locator("#none")).to_have_text("No exchanges yet.")
    assert mock.basins == (BASIN,)
    assert mock.basin(BASIN).streams == ()
    # It goes on from there.
    traffic.client().append("cups")
    expect(page.locator("#rows .row")).to_have_count(1)


def test_the_account_is_reset_by_another_client(page: Any, traffic: Traffic) -> None:
    """Where there was a stream, and nothing had come."""
    expect(page.locator("#where")).to_have_text(f"{BASIN} / orders")

    traffic.client().request("POST", "/_s2mock/reset")

    expect(page.locator("#names .row")).to_have_count(0)
    traffic.client().append("cups")
    expect(page.locator("#rows .row")).to_contain_text("404")


def test_a_reset_that_is_not_meant_goes_by(page: Any, mock: S2Mock) -> None:
    page.clock.install()
    page.get_by_role("button", name="Reset").click()
    expect(page.get_by_role("button", name="Really reset?")).to_be_visible()

    page.clock.run_for(4_000)

    expect(page.get_by_role("button", name="Reset", exact=True)).to_be_visible()
    assert mock.basin(BASIN).streams == ("orders",)


def test_a_clock_that_runs_cannot_be_turned(
    open_mock: Callable[..., S2Mock], open_page: Callable[..., Any]
) -> None:
    page = open_page(f"{open_mock().url}/_s2mock/")

    expect(page.locator("#powers")).to_contain_text("the machine's clock")
    expect(page.get_by_role("button", name="+1 s")).to_have_count(0)


def test_accounts_are_shown_one_at_a_time(page: Any, traffic: Traffic) -> None:
    page.clock.install()
    page.reload()
    expect(page.locator("#state")).to_have_text("live")
    expect(page.get_by_label("Account")).to_be_hidden()
    made = traffic.client().request("POST", "/_s2mock/accounts", json={"basins": ["other-basin"]})
    headers = {"authorization": f"Bearer {made.json()['token']}"}
    # The page looks for accounts every five seconds of its own clock.
    page.clock.run_for(5_000)
    expect(page.get_by_label("Account")).to_be_visible()
    page.get_by_label("Account").select_option(index=1)

    traffic.client().request("GET", "/v1/basins", headers=headers)

    expect(page.locator("#rows .row")).to_have_count(1)
    expect(page.locator("#rows .row")).to_contain_text("list-basins")
    page.get_by_label("Account").select_option(index=0)
    expect(page.locator("#rows .row")).to_have_count(0)


def test_late_refusal_of_an_account_leaves_the_one_that_is_shown(
    open_page: Callable[..., Any], traffic: Traffic
) -> None:
    page = open_page(f"{traffic.url}/_s2mock/", but="401")
    page.clock.install()
    page.reload()
    expect(page.locator("#state")).to_have_text("live")
    made = [traffic.client().request("POST", "/_s2mock/accounts").json() for _ in range(2)]
    first, second = (f"Bearer {one['token']}" for one in made)
    page.clock.run_for(5_000)
    held: list[Any] = []

    def hold_requests_of_first(route: Any) -> None:
        if route.request.headers.get("authorization") == first:
            held.append(route)
        else:
            route.continue_()

    page.route("**/_s2mock/status*", hold_requests_of_first)
    page.get_by_label("Account").select_option(made[0]["token"])
    page.wait_for_function("document.querySelectorAll('#rows .row').length === 0")
    page.get_by_label("Account").select_option(made[1]["token"])
    traffic.client().request("GET", "/v1/basins", headers={"authorization": second})
    expect(page.locator("#rows .row")).to_have_count(1)

    with page.expect_response(lambda response: response.status == 401):
        held[0].fulfill(status=401, json={"message": "the account has ended"})
    page.clock.run_for(100)

    expect(page.get_by_label("Account")).to_have_value(made[1]["token"])
    expect(page.locator("#rows .row")).to_have_count(1)


def test_without_a_first_account_the_page_shows_the_first_that_was_made(
    open_mock: Callable[..., S2Mock], open_page: Callable[..., Any]
) -> None:
    served = open_mock()
    served._set_up_server(ControlSettings(has_first_account=False), own_hosts_only=False)
    token = httpx.post(f"{served.url}/_s2mock/accounts", trust_env=False).json()["token"]
    headers = {"authorization": f"Bearer {token}"}
    assert httpx.get(f"{served.url}/v1/basins", headers=headers, trust_env=False).is_success

    page = open_page(f"{served.url}/_s2mock/", but="401")

    expect(page.locator("#state")).to_have_text("live")
    expect(page.locator("#rows .row")).to_contain_text("list-basins")
