"""A page of another origin reads nothing of an account, and changes nothing."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from s2mock import S2Mock
from s2mock.control.settings import ControlSettings
from tests.page.looking import PATIENCE, expect
from tests.page.traffic import BASIN, Traffic

SECRET = "a secret order"

TRIES = (Path(__file__).parent / "foreign.js").read_text("utf-8")
READS = (
    *("fetch", "fetch without CORS", "fetch with a token", "server-sent events", "a frame"),
    *("a script", "a style"),
)
CHANGES = ("fetch", "fetch without CORS", "a beacon", "a form", "a form of text")
FAULT = json.dumps({"on": "append", "fault": {"Drop": {}}})


class _Blank(BaseHTTPRequestHandler):
    """A page with nothing on it, which does what the test tells it to."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>foreign</title><body></body>")

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[int]:
    """The port of another server on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Blank) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


# Another port is another origin of the same site; another name is another site.
@pytest.fixture(params=["127.0.0.1", "localhost"], ids=["same-site", "cross-site"])
def foreign(request: pytest.FixtureRequest, browser: Any, elsewhere: int) -> Iterator[Any]:
    """A page from there. What the browser refuses it is written to its console."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    page.goto(f"http://{request.param}:{elsewhere}/")
    yield page
    context.close()


def state(mock: S2Mock) -> tuple[Any, ...]:
    powers = mock._powers
    return (
        *(
            mock.basins,
            [mock.stream(BASIN, name).bodies for name in mock.basin(BASIN).streams],
            len(mock.journal),
        ),
        *(tuple(powers.injector.injections), powers.is_out, mock.clock.now()),
    )


def tried(page: Any, kind: str, way: str, mock: S2Mock) -> Any:
    """What comes of it if the page tries that."""
    arguments = [kind, way, f"{mock.url}/_s2mock", FAULT]
    return page.evaluate(
        f"([kind, way, ...rest]) => {TRIES.strip()}[kind][way](...rest)", arguments
    )


def test_all_of_it_is_tried(foreign: Any) -> None:
    names = foreign.evaluate(f"Object.values({TRIES.strip()}).map(Object.keys)")

    assert names == [[*READS], [*CHANGES]]


def test_it_reads_nothing(foreign: Any, mock: S2Mock, traffic: Traffic) -> None:
    traffic.client().append(SECRET)

    assert {way: tried(foreign, "reads", way, mock) for way in READS} == dict.fromkeys(READS, "")


def test_it_reads_nothing_of_a_window(foreign: Any, mock: S2Mock, traffic: Traffic) -> None:
    traffic.client().append(SECRET)

    with foreign.expect_popup() as opened:
        foreign.evaluate("url => { window.other = open(url); }", f"{mock.url}/_s2mock/")
    opened.value.wait_for_load_state()

    look = "() => { try { return other.document.body.textContent; } catch { return ''; } }"
    assert opened.value.url == f"{mock.url}/_s2mock/"
    assert foreign.evaluate(look) == ""


def test_it_changes_nothing(foreign: Any, mock: S2Mock, traffic: Traffic) -> None:
    traffic.client().append(SECRET)
    before = state(mock)
    sent: list[str] = []
    foreign.on("requestfinished", lambda request: sent.append(request.url))
    foreign.on("requestfailed", lambda request: sent.append(request.url))

    for way in CHANGES:
        sent.clear()
        tried(foreign, "changes", way, mock)
        # A beacon returns before its requests are through.
        while way == "a beacon" and len(sent) < 2:
            foreign.wait_for_event("requestfinished")
        assert state(mock) == before, way


USE = """async ([url, headers, body]) => {
  const ask = (path, more) =>
    fetch(url + path, { ...more, headers: { ...headers, ...more.headers } });
  const json = { "content-type": "application/json" };
  try {
    const made = await ask("/faults", { method: "POST", headers: json, body });
    const { number } = await made.json();
    const faults = await (await ask("/faults", {})).json();
    const removed = await ask(`/faults/${number}`, { method: "DELETE" });
    return [made.status, faults.faults.length, removed.status];
  } catch (error) {
    return error.name;
  }
}"""


def test_a_page_of_a_named_origin_uses_it_with_the_token(foreign: Any) -> None:
    """As the tests of a browser mode do, which are pages themselves."""
    origin = foreign.evaluate("location.origin")
    headers = {"S2Mock-Control-Token": "secret"}
    for named, used in ((origin, [201, 1, 204]), ("http://localhost:1", "TypeError")):
        with S2Mock(control=True) as mock:
            mock._set_up_server(
                ControlSettings(token="secret", origins=(named,)), own_hosts_only=False
            )
            arguments = [f"{mock.url}/_s2mock", headers, FAULT]
            assert foreign.evaluate(USE, arguments) == used


@pytest.mark.parametrize("way", ["fetch", "server-sent events"])
def test_the_page_itself_may_read(page: Any, mock: S2Mock, traffic: Traffic, way: str) -> None:
    """Else the tests above would show nothing."""
    traffic.client().append(SECRET)
    expect(page.locator("#rows .row")).to_have_count(1)

    read = "url => fetch(url).then(answer => answer.text())"
    if way == "fetch":
        assert SECRET in page.evaluate(read, f"{mock.url}/_s2mock/journal")
    else:
        assert '"append"' in tried(page, "reads", way, mock)


def test_the_page_itself_may_change(page: Any, mock: S2Mock) -> None:
    """As above."""
    before = state(mock)
    ask = """([method, path, body]) => fetch(path, {
      method, body, headers: body ? { "content-type": "application/json" } : {},
    }).then(answer => answer.status)"""

    assert page.evaluate(ask, ["POST", "faults", FAULT]) == 201

    assert state(mock) != before
    assert page.evaluate(ask, ["DELETE", "faults/1", None]) == 204
    assert state(mock) == before
