"""How Sphinx builds the documentation: `make docs`."""

import re
from importlib.metadata import version as version_of

from sphinx.application import Sphinx

project = "s2mock"
version = release = version_of("s2mock")
extensions = ["myst_parser"]
myst_heading_anchors = 4
html_theme = "furo"
html_title = f"s2mock {version}"
# Nothing is shown of the pages' sources, which are in the checkout.
html_show_sourcelink = False
html_show_copyright = False

SEARCH_WORDS = re.compile(r"^<!-- search: (.*) -->$", re.MULTILINE)


def add_search_words(_app: Sphinx, _page: str, source: list[str]) -> None:
    """Put the words of a line `<!-- search: WORD, WORD -->` into the index that the search uses.

    The search ranks an entry of the index like a title, and finds numbers such as 404 only there.
    """

    def directives(found: re.Match[str]) -> str:
        words = found[1].split(", ")
        return "\n\n".join(f"```{{index}} ! {word}\n```" for word in words)

    source[0] = SEARCH_WORDS.sub(directives, source[0])


def setup(app: Sphinx) -> None:
    """Tell Sphinx what to do with the pages."""
    app.connect("source-read", add_search_words)
