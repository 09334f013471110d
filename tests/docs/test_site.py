"""The documentation as it is built: no warning, no broken link, and a search that finds pages."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote_plus, unquote, urlsplit

import pytest

from tests.page.conftest import CHROMIUM, FLAGS

REPO = Path(__file__).parent.parent.parent
DOCS = REPO / "docs"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.long,
    pytest.mark.timeout(300),
]


class Page(HTMLParser):
    """The links and the anchors of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.tables = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "a" and given.get("href"):
            self.links.append(str(given["href"]))
        if given.get("id"):
            self.anchors.add(str(given["id"]))
        self.tables += tag == "table"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the documentation once for all tests of this module, which run in one process."""
    out = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "docs", out],
        cwd=REPO,
        env={**os.environ, "PYTHONPATH": str(REPO)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return out


def pages_of(out: Path) -> dict[Path, Page]:
    pages = {}
    for path in out.rglob("*.html"):
        pages[path] = Page()
        pages[path].feed(path.read_text("utf-8"))
    return pages


def test_site_has_its_links_tables_texts_and_search(built: Path) -> None:
    """All in one test: a build takes seconds, and each process would make one of its own."""
    site = pages_of(built)
    check_links(site)
    check_tables(site)
    check_texts(built)
    check_search(built)


def check_links(site: dict[Path, Page]) -> None:
    dangling = []
    for path, page in site.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or link == "#":
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            known = site.get(target)
            anchors = known.anchors if known and parts.fragment else {unquote(parts.fragment)}
            if not target.exists() or unquote(parts.fragment) not in anchors:
                dangling.append((path.name, link))
    assert dangling == []


def check_tables(site: dict[Path, Page]) -> None:
    tables = {
        path.name: page.tables for path, page in site.items() if path.parent.name == "reference"
    }
    for name in ("commands", "control-api", "errors", "http", "known-differences", "fidelity"):
        assert tables[f"{name}.html"], name


def check_texts(built: Path) -> None:
    """Each page is there as Markdown, and in both files for language models."""
    pages = {path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")}
    listed = (built / "llms.txt").read_text("utf-8")
    whole = (built / "llms-full.txt").read_text("utf-8")

    for page in pages:
        text = (built / page).read_text("utf-8")
        assert text.startswith("# ")
        if page != "index.md":
            assert f"]({page})\n" in listed
            assert text.strip() in whole
    assert len(re.findall(r"^- \[", listed, re.MULTILINE)) == len(pages) - 1
    assert "<!-- search:" not in whole


# What the page of results says at its end.
FINISHED = re.compile("Search finished|did not match any documents")
# What a user types, and the page that has the answer.
QUERIES = {
    "404": "reference/errors.html",
    "rate limit": "how-to/rate-limits.html",
    "lost acknowledgement": "how-to/faults.html",
    "flaky": "how-to/troubleshooting.html",
    "FastAPI": "how-to/web-frameworks.html",
    "token expired": "how-to/tokens.html",
    "docker": "how-to/docker.html",
    "typescript": "how-to/other-languages.html",
    "clock": "how-to/time.html",
    "hang": "how-to/troubleshooting.html",
}


def check_search(built: Path) -> None:
    """Type each query into the search box: the right page is among the first three results."""
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        return
    found = {}
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        page.goto((built / "index.html").as_uri())
        for query in QUERIES:
            box = page.locator("input[name=q]").first
            box.fill(query)
            box.press("Enter")
            page.wait_for_url(f"**/search.html?q={quote_plus(query)}*")
            page.locator(".search-summary", has_text=FINISHED).wait_for()
            links = page.locator("#search-results li > a").evaluate_all(
                "all => all.slice(0, 3).map(one => one.href)"
            )
            found[query] = [urlsplit(link).path for link in links]
        browser.close()
    missing = {
        query: found[query]
        for query, page in QUERIES.items()
        if not any(path.endswith(f"/{page}") for path in found[query])
    }
    assert missing == {}
