"""How Sphinx builds the documentation: `make docs`."""

import re
from collections.abc import Iterator
from importlib.metadata import version as version_of
from pathlib import Path

from sphinx import addnodes
from sphinx.application import Sphinx

project = "s2mock"
version = release = version_of("s2mock")
extensions = ["myst_parser"]
myst_heading_anchors = 4
html_theme = "furo"
html_title = f"s2mock {version}"
html_static_path = ["static"]
html_css_files = ["tables.css"]
# The source of each page is beside it, as Markdown: see `write_markdown`.
html_show_sourcelink = False
html_copy_source = False
html_show_copyright = False

SEARCH_WORDS = re.compile(r"^<!-- search: (.*) -->$", re.MULTILINE)
COMMENTS = re.compile(r"^<!-- (?:search: |generated: |end of ).*-->\n\n?", re.MULTILINE)
SUMMARY = (
    "s2mock runs S2, the durable streams API, in memory inside a test process, with faults, holds, \
a journal and a clock that tests control. It answers as s2-lite 0.43.4 does."
)


def add_search_words(_app: Sphinx, _page: str, source: list[str]) -> None:
    """Put the words of a line `<!-- search: WORD, WORD -->` into the index that the search uses.

    The search ranks an entry of the index like a title, and finds numbers such as 404 only there.
    """

    def directives(found: re.Match[str]) -> str:
        words = found[1].split(", ")
        return "\n\n".join(f"```{{index}} ! {word}\n```" for word in words)

    source[0] = SEARCH_WORDS.sub(directives, source[0])


def groups(app: Sphinx) -> Iterator[tuple[str, list[str]]]:
    """Yield each group of the front page with its pages, and those below them."""
    for tree in app.env.get_doctree(app.config.root_doc).findall(addnodes.toctree):
        pages: list[str] = []
        for page in tree["includefiles"]:
            pages += [page, *app.env.toctree_includes.get(page, ())]
        yield tree["caption"], pages


def write_markdown(app: Sphinx, error: Exception | None) -> None:
    """Write each page as Markdown beside its HTML, and `llms.txt` and `llms-full.txt`.

    Source of the two: https://llmstxt.org.
    """
    if error is not None or app.builder.format != "html":
        return
    out = Path(app.outdir)
    texts = {}
    for page in app.env.found_docs:
        texts[page] = COMMENTS.sub("", Path(app.env.doc2path(page)).read_text("utf-8"))
        (out / f"{page}.md").write_text(texts[page], "utf-8")
    index, full = [f"# s2mock\n\n> {SUMMARY}\n"], [f"# s2mock\n\n> {SUMMARY}\n"]
    for caption, pages in groups(app):
        titles = {page: app.env.titles[page].astext() for page in pages}
        index.append(f"\n## {caption}\n\n")
        index += [f"- [{title}]({page}.md)\n" for page, title in titles.items()]
        full += [f"\n<!-- {page}.md -->\n\n{texts[page].strip()}\n" for page in pages]
    (out / "llms.txt").write_text("".join(index), "utf-8")
    (out / "llms-full.txt").write_text("".join(full), "utf-8")


def setup(app: Sphinx) -> None:
    """Tell Sphinx what to do with the pages."""
    app.connect("source-read", add_search_words)
    app.connect("build-finished", write_markdown)
