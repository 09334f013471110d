"""The page for a person as one HTML file, and a report: the same page with all of its data.

`look/` has the sources of the page, which are joined when it is first asked for.
"""

import base64
import json
import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

from s2mock.control.views.account_view import CapturedView
from s2mock.control.views.overview import overview_to_json
from s2mock.control.views.state_before import state_before
from s2mock.control.views.stream_history import history_to_json
from s2mock.control.views.timeline import row_to_json, shown_to_json
from s2mock.control.views.token_before import find_token, issued_in
from s2mock.powers.exchange import Exchange

HTML: Final = "text/html; charset=utf-8"
_SOURCES: Final = Path(__file__).parent / "look"
_NO_DATA: Final = '<script type="application/json" id="data">null</script>'
_SCRIPT: Final = re.compile(r'<script src="(\w+\.js)"></script>')
_VIEWPORT: Final = '<meta name="viewport"'


@cache
def page() -> tuple[str, str]:
    """Return the page, and a content security policy for its own style and script only."""
    html = (_SOURCES / "page.html").read_text("utf-8")
    style = _squeezed((_SOURCES / "page.css").read_text("utf-8"))
    names = _SCRIPT.findall(html)
    script = "\n".join(_stripped((_SOURCES / name).read_text("utf-8")) for name in names)
    html = html.replace('<link rel="stylesheet" href="page.css">', f"<style>{style}</style>")
    # In the order of the page, all in one: they share their names.
    before, _, _ = html.partition(f'<script src="{names[0]}">')
    _, _, behind = html.rpartition(f'<script src="{names[-1]}"></script>')
    html = f"{before}<script>{script}</script>{behind}"
    policy = (
        f"default-src 'none'; script-src {source_hash(script)}; style-src {source_hash(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return html, policy


def make_report(
    about: str,
    accounts: Sequence[dict[str, Any]],
    failure: dict[str, Any] | None = None,
    campaigns: Sequence[dict[str, Any]] = (),
) -> bytes:
    """Return the page with these accounts in it: a file that needs no server.

    `failure` is what the test runner says of a test that failed, as JSON, and the exchange that
    explains it. `campaigns` are those of the test or the server.
    """
    html, policy = page()
    whole: dict[str, Any] = {"about": about, "accounts": accounts}
    if failure is not None:
        whole["failure"] = failure
    if campaigns:
        whole["campaigns"] = list(campaigns)
    data = json.dumps(whole).replace("<", "\\u003c")
    meta = f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
    html = html.replace(_VIEWPORT, meta + _VIEWPORT, 1)
    before, found, behind = html.partition(_NO_DATA)
    assert found, "the page has no place for data"
    return (before + found.replace("null", data, 1) + behind).encode()


def accounts_of(file: bytes) -> list[dict[str, Any]]:
    """Return the accounts in the file of a report."""
    _, _, rest = file.decode().partition(_NO_DATA.partition("null")[0])
    data, _, _ = rest.partition("</script>")
    accounts: list[dict[str, Any]] = json.loads(data)["accounts"]
    return accounts


def account_to_json(
    name: str,
    status: dict[str, Any],
    view: CapturedView,
    exchanges: Sequence[Exchange],
    after: int = 0,
) -> dict[str, Any]:
    """Return all that the page shows of an account, with the exchanges after a number, as JSON."""
    streams = overview_to_json(view)
    there = [(stream["basin"], stream["name"]) for stream in streams["streams"]]
    places = dict.fromkeys([*there, *_places(exchanges)])
    found = {place: history_to_json(view, exchanges, *place, count=2**63) for place in places}
    issued = issued_in(exchanges)
    exchanges = [exchange for exchange in exchanges if exchange.number > after]

    def to_json(exchange: Exchange) -> dict[str, Any]:
        history = found.get((exchange.basin or "", exchange.stream or ""))
        token = find_token(view, issued, exchange)
        before = state_before(exchange, history, there, token)
        return shown_to_json(exchange, before, is_server_there=False)

    return {
        "name": name,
        "status": status,
        "timeline": {"rows": [row_to_json(exchange) for exchange in exchanges]},
        "exchanges": {str(exchange.number): to_json(exchange) for exchange in exchanges},
        "streams": streams,
        "records": [one for one in found.values() if one["lives"]],
    }


def _places(exchanges: Iterable[Exchange]) -> Iterable[tuple[str, str]]:
    for exchange in exchanges:
        if exchange.basin is not None and exchange.stream is not None:
            yield exchange.basin, exchange.stream


def _stripped(script: str) -> str:
    """Return the script without indentation, lines of comment, and spaces around operators."""
    lines = (line.strip() for line in script.splitlines())
    whole = "\n".join(line for line in lines if line and not line.startswith("//"))
    return re.sub(r" (=|=>|===|&&|\|\||\?|:) ", r"\1", whole)


def _squeezed(style: str) -> str:
    return re.sub(r"\s*([{};,>])\s*|(:)\s+|\n", r"\1\2", style).replace(";}", "}")


def source_hash(text: str) -> str:
    """Return the hash of a style or a script, as a content security policy names it."""
    import hashlib  # loaded late: it takes time, and most servers show no page

    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
