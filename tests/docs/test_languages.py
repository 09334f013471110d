"""The pages of other languages have each topic; `tests/test_examples.py` runs their blocks."""

import re

import pytest

from tests.docs.environments import PAGES
from tests.docs.languages import LANGUAGE_PAGES, LANGUAGES, SECTIONS


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
