"""The pages of other languages have each topic, and their blocks are run.

`tests/test_examples.py` runs a page as one file. The blocks in Rust are tests of the crate, which
`make rust` runs.
"""

import re

import pytest

from tests.docs.environments import PAGES, REPO
from tests.docs.languages import LANGUAGE_PAGES, LANGUAGES, SECTIONS, blocks_of


@pytest.mark.parametrize("page", LANGUAGE_PAGES)
def test_page_of_a_language_has_a_block_on_each_topic(page: str) -> None:
    first, *sections = PAGES[page].split("\n## ")
    assert first.startswith(f"# {LANGUAGE_PAGES[page]}\n")
    assert [section.partition("\n")[0] for section in sections] == ["Install", *SECTIONS]
    fence = f"\n```{LANGUAGES[LANGUAGE_PAGES[page]]}\n"
    assert [section.partition("\n")[0] for section in sections if fence not in section] == []


@pytest.mark.parametrize("page", LANGUAGE_PAGES)
def test_page_of_a_language_has_no_other_blocks_to_run(page: str) -> None:
    fences = set(re.findall(r"^```(.+)$", PAGES[page], re.MULTILINE))
    assert fences == {LANGUAGES[LANGUAGE_PAGES[page]], "{code-block} console"}


@pytest.mark.parametrize(("section", "topic"), SECTIONS.items())
def test_page_of_a_topic_leads_to_each_language(section: str, topic: str) -> None:
    links = ", ".join(f"[{name}]({name.lower()}.md#{section.lower()})" for name in LANGUAGES)
    assert f"\n\nIn another language: {links}.\n" in PAGES[f"docs/how-to/{topic}.md"]


RUST_TESTS = REPO / "clients" / "rust" / "tests"


@pytest.mark.parametrize("section", SECTIONS)
def test_blocks_of_a_section_in_rust_are_a_file_of_tests_of_the_crate(section: str) -> None:
    text = PAGES["docs/how-to/rust.md"].partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    file = RUST_TESTS / "how_to" / f"{section.lower()}.rs"
    assert "\n".join(blocks_of("Rust", text)) == file.read_text("utf-8")
    assert f"\nmod {section.lower()};\n" in (RUST_TESTS / "how_to" / "main.rs").read_text("utf-8")


def test_blocks_on_the_install_in_rust_are_in_the_module_that_the_tests_use() -> None:
    text = PAGES["docs/how-to/rust.md"].partition("\n## Faults\n")[0]
    parts = "\n".join(blocks_of("Rust", text)).rstrip().split("\n\n")
    items = (RUST_TESTS / "shop" / "mod.rs").read_text("utf-8").rstrip().split("\n\n")
    assert [part for part in parts if part not in items] == []
