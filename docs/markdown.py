"""Parts of Markdown that the generated parts of the reference are made of."""

from collections.abc import Iterable


def table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Return the lines of a table."""
    titles = list(titles)
    cells = [titles, ["---"] * len(titles), *rows]
    return [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in cells]


def search_words(*words: str) -> str:
    """Return the line that makes the search box find this place by these words: see conf.py."""
    return f"<!-- search: {', '.join(words)} -->"
