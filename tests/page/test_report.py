"""The page in one file: it opens from the file system, and holds all that the live page showed."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from s2mock import S2Mock
from tests.page.looking import drawn, expect, findings
from tests.page.race import EXCHANGES, race

FAILING = """
import pytest

from s2mock import Drop

pytestmark = pytest.mark.s2_mock(basins=[{"name": "shop-basin", "streams": ["orders", "returns"]}])


def append(s2_mock, body, stream="orders"):
    return s2_mock.client.post(
        f"/v1/streams/{stream}/records",
        json={"records": [{"body": body}]},
        headers={"s2-basin": "shop-basin"},
    )


def test_orders(s2_mock):
    append(s2_mock, "tea </script><b>")
    s2_mock.inject(Drop(committed=True), on="append")
    with pytest.raises(ConnectionError):
        append(s2_mock, "cups")
    assert append(s2_mock, "milk", stream="order").status_code == 200


def test_that_passes(s2_mock):
    append(s2_mock, "tea")
"""


@pytest.fixture
def open_file(open_page: Callable[..., Any]) -> Callable[[Path], Any]:
    """Open a file without any network."""

    def open_file(path: Path) -> Any:
        page = open_page("about:blank", offline=True)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        assert [url for url in asked if not url.startswith("data:")] == [path.as_uri()]
        return page

    return open_file


def exchanges(page: Any) -> dict[str, Any]:
    """Return what the page shows of each exchange, without its buttons."""
    found: dict[str, Any] = {}
    found["rows"] = texts(page, "#rows .row")
    for number in range(1, EXCHANGES + 1):
        page.locator(f"#rows{number - 1}").click()
        expect(page.locator("#which")).to_contain_text(re.compile(f"^{number} · "))
        found[f"exchange {number}"] = page.locator("#detail").text_content()
    found["lanes"] = texts(page, "#lanes li")
    found["powers"] = texts(page, "#powers h3, #powers code, #powers small, #powers .tag")
    return found


def streams(page: Any) -> dict[str, Any]:
    """Return what the page shows of each stream after each exchange."""
    found: dict[str, Any] = {}
    names = page.locator("#names .row")
    found["streams"] = texts(page, "#names .row")
    for place in range(names.count()):
        page.locator(f"#names{place}").click()
        for number in range(EXCHANGES + 2):
            page.locator("#at").fill(str(number))
            drawn(page)
            parts = [page.locator(f"#{name}").inner_text() for name in ("where", "when", "facts")]
            parts += texts(page, "#records .row")
            found[f"stream {place} at {number}"] = parts
    return found


def texts(page: Any, selector: str) -> list[str]:
    """What each of these says, from above to below."""
    found: list[str] = page.locator(selector).evaluate_all(
        """all => all
          .sort((one, other) => one.getBoundingClientRect().top - other.getBoundingClientRect().top)
          .map(one => one.innerText)"""
    )
    return found


@pytest.mark.parametrize("shown", [exchanges, streams])
def test_it_holds_all_that_the_live_page_shows(
    page: Any,
    mock: S2Mock,
    open_file: Callable[[Path], Any],
    tmp_path: Path,
    shown: Callable[[Any], dict[str, Any]],
) -> None:
    with race(mock):
        expect(page.locator("#rows .row")).to_have_count(EXCHANGES)
        expect(page.locator("#powers")).to_contain_text("holds append")
        expect(page.locator("#records .row")).to_have_count(7)
        live = shown(page)
        with page.expect_download() as download:
            page.locator("#save").click()
        file = tmp_path / download.value.suggested_filename
        download.value.save_as(file)

    report = open_file(file)

    expect(report.locator("#rows .row")).to_have_count(EXCHANGES)
    expect(report.locator("#records .row")).to_have_count(7)
    saved = shown(report)
    assert saved.keys() == live.keys()
    for name, part in live.items():
        assert saved[name] == part, name
    assert findings(report) == []


def test_each_failed_test_has_one(open_file: Callable[[Path], Any], tmp_path: Path) -> None:
    (tmp_path / "test_shop.py").write_text(FAILING)
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-c",
            "/dev/null",
            "--rootdir",
            ".",
            "--s2mock-report=out",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert pytest.RunResult.parse_summary_nouns(ran.stdout.splitlines()) == {
        "passed": 1,
        "failed": 1,
    }, ran.stdout
    [file] = (tmp_path / "out").glob("test_*.html")
    assert file.name in ran.stdout

    report = open_file(file)

    rows = report.locator("#rows .row")
    expect(rows).to_have_count(3)
    expect(report.locator("#rows0")).to_contain_text("+1 → 0..0")
    expect(report.locator("#rows1")).to_contain_text("Drop(committed=True)")
    # What was refused last is open already.
    expect(report.locator("#which")).to_contain_text("3 · append")
    expect(report.locator("#detail")).to_contain_text("404 stream_not_found")
    expect(report.locator("#detail")).to_contain_text("orders")
    expect(report.locator("#names .row")).to_have_count(2)
    expect(report.locator("#records .row .v")).to_have_text(["tea </script><b>", "cups"])
    report.locator("#at").fill("1")
    expect(report.locator("#records .row .v")).to_have_text(["tea </script><b>"])
    expect(report.locator("#about")).to_contain_text("test_orders")
    expect(report.locator("#powers")).to_contain_text("1 hit")
    expect(report.get_by_role("button", name="Reset")).to_have_count(0)
