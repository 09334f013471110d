"""`index.html` of `--s2mock-report`: the tests that failed, each with a link to its page."""

from collections.abc import Iterable
from html import escape
from typing import Final, NamedTuple
from urllib.parse import quote

GENERATOR: Final = '<meta name="generator" content="s2mock">'
"""The mark of the files of a report, by which the next run knows them."""

_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 14px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 1000px; padding: 24px 16px;
  background: light-dark(#f5f5f2, #16181c); color: light-dark(#23262b, #e4e6ea); }
h1 { font-size: 20px; margin: 0 0 16px; }
ol { list-style: none; margin: 0; padding: 0; }
li { background: light-dark(#fff, #1e2126); border: 1px solid light-dark(#e1e1db, #32363d);
  border-left: 4px solid light-dark(#b3261e, #ff8f87); border-radius: 8px; margin: 0 0 10px;
  padding: 10px 14px; }
a { color: light-dark(#1c5fb8, #82b4ff); font-weight: 600; overflow-wrap: anywhere; }
p { margin: 4px 0 0; } small { color: light-dark(#626871, #9ea5b0); }
pre { font: 12.5px/1.5 ui-monospace, Menlo, monospace; margin: 6px 0 0; overflow-wrap: anywhere;
  white-space: pre-wrap; max-height: 9em; overflow: auto; }
"""


class ListedFailure(NamedTuple):
    """A failure in the list: the name of its file is that of its page."""

    nodeid: str
    when: str
    file: str
    message: str


def index_page(failures: Iterable[ListedFailure]) -> str:
    """Return the page, as HTML that loads nothing."""
    listed = sorted(failures)
    count = f"{len(listed)} failure{'' if len(listed) == 1 else 's'}"
    items = "\n".join(map(_item, listed))
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n{GENERATOR}\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_policy()}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="data:,">\n<title>s2mock: {count}</title>\n<style>{_STYLE}</style>'
        f"\n</head>\n<body>\n<main>\n<h1>{count}</h1>\n<ol>\n{items}\n</ol>\n</main>\n</body>\n"
        "</html>\n"
    )


def _policy() -> str:
    from s2mock.control.views.page import source_hash  # loaded late: most runs write no list

    style = f"style-src {source_hash(_STYLE)}"
    return f"default-src 'none'; {style}; img-src data:; base-uri 'none'; form-action 'none'"


def _item(failure: ListedFailure) -> str:
    phase = "" if failure.when == "call" else f"<p><small>in its {escape(failure.when)}</small></p>"
    return (
        f'<li><a href="{quote(failure.file)}">{escape(failure.nodeid)}</a>{phase}'
        f'<pre tabindex="0">{escape(failure.message)}</pre></li>'
    )
