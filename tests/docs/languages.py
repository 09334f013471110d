"""The pages of other languages: one file of tests each, with the same sections."""

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
LANGUAGES: Final = {"TypeScript": "ts", "Go": "go"}
LANGUAGE_PAGES: Final = {f"docs/how-to/{name.lower()}.md": name for name in LANGUAGES}


def file_of_page(language: str) -> str:
    """Return all blocks of the page of a language, in their order."""
    text = PAGES[f"docs/how-to/{language.lower()}.md"]
    fence = LANGUAGES[language]
    return "\n".join(re.findall(rf"^```{fence}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
