"""Every citation of the reference in the code is a place in docs/reference/s2/."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

REPO = Path(__file__).parent.parent.parent
PLANES = ("control_plane", "data_plane", "account_services")
SECTIONS = {
    (plane, section.replace("-", "."))
    for plane in PLANES
    for section in re.findall(
        rf"^\({plane}-([\d-]+)\)=$",
        (REPO / "docs" / "reference" / "s2" / f"{plane}.md").read_text(),
        re.MULTILINE,
    )
}
SOURCES = [path for folder in ("s2mock", "tests") for path in (REPO / folder).rglob("*.py")]

# The text between the sections of one citation: `control_plane §4.2 (basins), §5.3 (fields)`.
TOKEN = re.compile(
    rf"(?P<plane>{'|'.join(PLANES)})|§(?P<section>\d+(?:\.\d+)?)|\([^()]*\)|[\s,;#]+|and\b|to\b"
)
ELSEWHERE = rf"`?({'|'.join(PLANES)})(?:\.md)?`? §(\d+(?:\.\d+)?)"


def citations(text: str) -> Iterator[tuple[str, str]]:
    """Yield the sections that a text cites, each with its page."""
    for start in re.finditer(r"reference:\s", text):
        plane, at = "", start.end()
        while token := TOKEN.match(text, at):
            at = token.end()
            plane = token["plane"] or plane
            if token["section"] and plane:
                yield plane, token["section"]


def test_sections_are_found() -> None:
    assert {("control_plane", "5.4"), ("data_plane", "3"), ("account_services", "4")} <= SECTIONS
    assert list(
        citations("(reference: control_plane §1.1 (a), account_services §1.2 and §4).")
    ) == [
        ("control_plane", "1.1"),
        ("account_services", "1.2"),
        ("account_services", "4"),
    ]


def misplaced(text: str) -> Iterator[str]:
    """Yield the citations of a text that are no place, in full or in the short form."""
    cited = set(citations(text))
    yield from (f"{plane} §{section}" for plane, section in sorted(cited - SECTIONS))
    # A short form, as (§5.7), means a page that the file names elsewhere.
    planes = {plane for plane, _ in cited} or set(PLANES)
    for section in re.findall(r"§(\d+(?:\.\d+)?)", text):
        if not any((plane, section) in SECTIONS for plane in planes):
            yield f"§{section}"


def test_a_missing_place_is_found() -> None:
    assert list(misplaced("(reference: data_plane §3, §99) and (§98), (§3)")) == [
        "data_plane §99",
        "§99",
        "§98",
    ]


def test_each_citation_is_a_place() -> None:
    assert len(SOURCES) > 500
    found = {
        str(path.relative_to(REPO)): wrong
        for path in SOURCES
        if path != Path(__file__) and (wrong := list(misplaced(path.read_text("utf-8"))))
    }
    assert found == {}


@pytest.mark.parametrize("plane", PLANES)
def test_a_section_that_another_one_names_is_a_place(plane: str) -> None:
    text = (REPO / "docs" / "reference" / "s2" / f"{plane}.md").read_text("utf-8")
    # Sections of another page are named with it.
    others = {(found[1], found[2]) for found in re.finditer(ELSEWHERE, text)}
    text = re.sub(ELSEWHERE, "", text)
    named = set(re.findall(r"§§?(\d+(?:\.\d+)?)", text))

    assert others <= SECTIONS
    assert {section for section in named if (plane, section) not in SECTIONS} == set()
