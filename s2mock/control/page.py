"""`/_s2mock/`: the page for a person, and the same page with all of its data in one file.

The page is one HTML file. Its sources stand in `look/`, and are joined when somebody asks for it.
"""

import base64
import json
import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from s2mock.control.account_view import CapturedView, see
from s2mock.control.answers import Answer
from s2mock.control.history import history
from s2mock.control.overview import overview
from s2mock.control.request import ControlRequest
from s2mock.control.rows import row_form, shown_form
from s2mock.control.status import status_of
from s2mock.powers.exchange import Exchange
from s2mock.runtime.conversation import RunInThread

HTML: Final = "text/html; charset=utf-8"
_SOURCES: Final = Path(__file__).parent / "look"
_NO_DATA: Final = '<script type="application/json" id="data">null</script>'
_VIEWPORT: Final = '<meta name="viewport"'
_HEADERS: Final = (
    ("content-type", HTML),
    ("cache-control", "no-store"),
    ("cross-origin-resource-policy", "same-origin"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
)


def get_page(asked: ControlRequest) -> Answer:
    """The page. There is nothing in it: it asks for what it shows."""
    asked.query(())
    html, policy = page()
    policy += "; connect-src 'self'; frame-ancestors 'none'"
    return Answer(200, html.encode(), (*_HEADERS, ("content-security-policy", policy)))


def get_report(asked: ControlRequest) -> Any:
    """The page with what it shows now, complete in one file."""
    asked.query(())
    mock, status = asked.mock, status_of(asked)

    def write() -> bytes:
        exchanges = asked.powers.journal.since(0)
        account = account_form("account", status, see(mock.account.engine), exchanges)
        return report(f"as it was at {status['clock']['date']}", [account])

    file: bytes = yield RunInThread(write)
    name = ("content-disposition", 'attachment; filename="s2mock.html"')
    return Answer(200, file, (*_HEADERS, name))


@cache
def page() -> tuple[str, str]:
    """The page, and the policy that lets its own style and script in and nothing else."""
    html = (_SOURCES / "page.html").read_text("utf-8")
    style = _squeezed((_SOURCES / "page.css").read_text("utf-8"))
    script = _stripped((_SOURCES / "page.js").read_text("utf-8"))
    html = html.replace('<link rel="stylesheet" href="page.css">', f"<style>{style}</style>")
    html = html.replace('<script src="page.js"></script>', f"<script>{script}</script>")
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return html, policy


def report(about: str, accounts: Sequence[dict[str, Any]]) -> bytes:
    """The page with these accounts in it: it needs no server, and asks nobody for anything."""
    html, policy = page()
    data = json.dumps({"about": about, "accounts": accounts}).replace("<", "\\u003c")
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
    html = html.replace(_VIEWPORT, meta + _VIEWPORT, 1)
    before, found, behind = html.partition(_NO_DATA)
    assert found, "the page has no place for data"
    return (before + found.replace("null", data, 1) + behind).encode()


def accounts_of(file: bytes) -> list[dict[str, Any]]:
    """The accounts in such a file."""
    _, _, rest = file.decode().partition(_NO_DATA.partition("null")[0])
    data, _, _ = rest.partition("</script>")
    accounts: list[dict[str, Any]] = json.loads(data)["accounts"]
    return accounts


def account_form(
    name: str,
    status: dict[str, Any],
    seen: CapturedView,
    exchanges: Sequence[Exchange],
    after: int = 0,
) -> dict[str, Any]:
    """All that the page may ask of an account; of its exchanges those behind the number."""
    streams = overview(seen)
    there = [(stream["basin"], stream["name"]) for stream in streams["streams"]]
    places = dict.fromkeys([*there, *_places(exchanges)])
    found = [history(seen, exchanges, *place, count=2**63) for place in places]
    exchanges = [exchange for exchange in exchanges if exchange.number > after]
    return {
        "name": name,
        "status": status,
        "timeline": {"rows": [row_form(exchange) for exchange in exchanges]},
        "exchanges": {str(exchange.number): shown_form(exchange) for exchange in exchanges},
        "streams": streams,
        "records": [one for one in found if one["lives"]],
    }


def _places(exchanges: Iterable[Exchange]) -> Iterable[tuple[str, str]]:
    for exchange in exchanges:
        if exchange.basin is not None and exchange.stream is not None:
            yield exchange.basin, exchange.stream


def _stripped(script: str) -> str:
    """Without indentation, whole lines of comment, and spaces where no text has any."""
    lines = (line.strip() for line in script.splitlines())
    whole = "\n".join(line for line in lines if line and not line.startswith("//"))
    return re.sub(r" (=|=>|===|&&|\|\|) ", r"\1", whole)


def _squeezed(style: str) -> str:
    return re.sub(r"\s*([{};,>])\s*|(:)\s+|\n", r"\1\2", style).replace(";}", "}")


def _hash(text: str) -> str:
    import hashlib  # which takes time to load, and many look at no page

    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
