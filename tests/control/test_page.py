"""The page: one small file that loads nothing else, and which requests get it."""

import base64
import hashlib
import json
import re
from contextlib import closing
from html.parser import HTMLParser

import httpx
import pytest

from s2mock import S2Mock
from s2mock.control.guard import objection
from s2mock.control.views.page import HTML, accounts_of, page
from tests.control.conftest import BASIN, SEEDS, Control

MAX_BYTES = 60_000
OWN = {"HTTP_HOST": "127.0.0.1:8080", "REMOTE_ADDR": "127.0.0.1"}


class Parts(HTMLParser):
    """What a page is made of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inner: dict[str, list[str]] = {}
        self._within = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._within = tag

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002  # of the base
        self._within = ""

    def handle_data(self, data: str) -> None:
        self.inner.setdefault(self._within, []).append(data)


def hash_of(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_it_is_one_small_file(control: Control) -> None:
    answer = control("GET", "/")
    assert answer.status_code == 200
    assert len(answer.content) < MAX_BYTES
    parts = Parts(answer.text)
    for tag, attributes in parts.tags:
        assert "src" not in attributes
        assert not [name for name in attributes if name.startswith("on") or name == "style"], tag
        # It leads to nothing but its own report.
        assert attributes.get("href", "data:,") in ("data:,", "report")
    assert "innerHTML" not in "".join(parts.inner["script"])


def test_nothing_but_its_own_style_and_script_gets_in(control: Control) -> None:
    answer = control("GET", "/")
    parts = Parts(answer.text)
    policy = dict(
        part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";")
    )
    _, script = parts.inner["script"]
    [style] = parts.inner["style"]
    assert policy == {
        "default-src": "'none'",
        "script-src": hash_of(script),
        "style-src": hash_of(style),
        "img-src": "data:",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert answer.headers["content-type"] == HTML


def test_joining_drops_indentation_and_comments_only() -> None:
    html, _ = page()
    assert "//" not in re.sub(r"https?://", "", html)
    assert "function asOf(number) {\n" in html
    assert "page.css" not in html
    assert "page.js" not in html


def test_each_name_that_the_script_asks_for_is_there() -> None:
    html, _ = page()
    parts = Parts(html)
    there = {attributes.get("id") for _, attributes in parts.tags}
    asked = set(re.findall(r'(?:\$|put|list)\("(\w+)"', html))
    assert asked
    # The script makes this one itself.
    assert asked - there == {"date"}


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"origin": "http://evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
    ids=str,
)
def test_a_page_of_another_site_gets_nothing_of_it(
    control: Control, headers: dict[str, str]
) -> None:
    paths = ("/", "/timeline", "/status", "/streams", "/accounts", "/report", "/journal/1")
    for path in (*paths, "/streams/records?basin=my-basin&stream=log"):
        assert control.refused("GET", path, headers=headers)[0] == 403
        events = {**headers, "accept": "text/event-stream"}
        assert control.refused("GET", path, headers=events)[0] == 403


def test_the_page_is_served_without_a_token_to_enter_it() -> None:
    far = {**OWN, "REMOTE_ADDR": "172.17.0.2", "HTTP_HOST": "s2mock:8080"}
    assert objection(far, "secret", is_page=True) is None
    assert objection(far, "secret") is not None
    # Where there is no token to be brought, there is nothing to see either.
    assert objection(far, None, is_page=True) is not None
    wrong = {**far, "HTTP_S2MOCK_CONTROL_TOKEN": "wrong"}
    assert objection(wrong, "secret", is_page=True) is not None
    for foreign in ({"HTTP_ORIGIN": "http://evil.example"}, {"HTTP_SEC_FETCH_SITE": "cross-site"}):
        assert objection({**far, **foreign}, "secret", is_page=True) is not None


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_the_dashboard_of_s2_lite_leads_there(control: Control, method: str) -> None:
    answer = control.http.request(method, "/dashboard")
    assert (answer.status_code, answer.headers["location"]) == (302, "/_s2mock/")
    assert control.http.get("/dashboard/").status_code == 404


def test_without_control_there_is_none() -> None:
    with S2Mock() as mock, httpx.Client(base_url=mock.url, trust_env=False) as http:
        assert http.get("/dashboard").status_code == 404
        assert http.get("/_s2mock/").status_code == 404


def test_the_report_is_the_page_with_all_that_it_may_ask_for(control: Control) -> None:
    control.append("a", "</script><script>alert(1)</script>")
    control.append("b", stream="orders/eu")
    control.http.delete("/v1/streams/orders%2Feu", headers={"s2-basin": BASIN})
    control("POST", "/holds", {"on": "read", "required": False})
    answer = control("GET", "/report")
    assert "attachment" in answer.headers["content-disposition"]
    [account] = accounts_of(answer.content)
    status = control("GET", "/status").json()
    for told in (status, account["status"]):
        told.pop("clock")
    assert account["status"] == status
    assert account["streams"] == control("GET", "/streams").json()
    assert account["timeline"]["rows"] == control("GET", "/timeline").json()["rows"]
    for number in (1, 2, 3):
        saved, live = account["exchanges"][str(number)], control("GET", f"/journal/{number}").json()
        # The server of a report has ended, perhaps, when its commands are copied.
        assert saved.pop("curl").startswith("# Start a server: ")
        assert live.pop("curl") == live["exchange"]["curl"]
        assert saved == live
    # One that is gone, too.
    assert [history["stream"] for history in account["records"]] == ["log", "orders/eu"]
    for history in account["records"]:
        query = f"basin={BASIN}&stream={history['stream']}"
        assert history == control("GET", f"/streams/records?{query}").json()
    # All that it is beside the page are its data and its policy.
    data = json.dumps(accounts_of(answer.content)).replace("<", "\\u003c")
    assert data in answer.text
    assert answer.text.count("<script") == 2


def test_the_accounts_to_choose_from(control: Control) -> None:
    control.append("a")
    other = control.account(basins=SEEDS)
    other.append("a")
    other.append("b")
    assert control("GET", "/accounts").json()["accounts"] == [
        {"token": None, "name": "account 1, 1 exchange", "title": "account 1", "exchanges": 1},
        {
            "token": other.token,
            "name": "account 2, 2 exchanges",
            "title": "account 2",
            "exchanges": 2,
        },
    ]
    rows = other("GET", "/timeline").json()["rows"]
    assert [row["number"] for row in rows] == [1, 2]


def test_each_account_has_a_status_of_its_own(control: Control) -> None:
    other = control.account(clock="manual")
    with closing(Control(control.url, other.token)) as same:
        same("POST", "/outage")
        assert same("GET", "/status").json()["is_out"]
        assert same("GET", "/status").json()["clock"]["clock"] == "manual"
    assert not control("GET", "/status").json()["is_out"]
