"""The pages of other languages, with the same sections, and the tests that they are made of."""

import re
from typing import Final

from tests.docs.environments import PAGES

# The section of a topic in the page of a language, and the page of that topic in Python.
SECTIONS: Final = {
    "Faults": "faults",
    "Races": "races",
    "Time": "time",
    "Seeding": "seeding",
    "Tokens": "tokens",
    "Sweeps": "sweeps",
    "Orders": "find-races",
    "Crashes": "survive-crashes",
}
# The name of a language in texts, and in the fences of its page.
LANGUAGES: Final = {"TypeScript": "ts", "Go": "go", "Rust": "rust"}
LANGUAGE_PAGES: Final = {f"docs/how-to/{name.lower()}.md": name for name in LANGUAGES}


def file_of_page(language: str) -> str:
    """Return all blocks of the page of a language, in their order."""
    return "\n".join(blocks_of(language, PAGES[f"docs/how-to/{language.lower()}.md"]))


def blocks_of(language: str, text: str) -> list[str]:
    """Return the blocks of a language in a text, in their order."""
    fence = LANGUAGES[language]
    return re.findall(rf"^```{fence}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
