"""How Sphinx builds the documentation: `make docs`."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from docs.tables import TABLES

project = "s2mock"
version = release = version_of("s2mock")
extensions = ["myst_parser"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"s2mock {version}"
# Nothing is shown of the pages' sources, which are in the checkout.
html_show_sourcelink = False
html_show_copyright = False


class Generated(SphinxDirective):
    """Puts one of the tables of `tables.py` into a page."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The table, as the page would have it if somebody had typed it."""
        lines = TABLES[self.arguments[0]]()
        node = nodes.Element()
        self.state.nested_parse(StringList(lines, source="tables.py"), self.content_offset, node)
        return node.children


def setup(app: Sphinx) -> None:
    """Tell Sphinx of the directive."""
    app.add_directive("generated", Generated)
