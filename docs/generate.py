"""Write the generated parts of the reference into its pages: `make reference`.

A part is between the lines `<!-- generated: NAME -->` and `<!-- end of NAME -->`, so that the pages
say the same in a checkout, in an editor and on the site. A test compares them with the code.
"""

import re
import sys
from pathlib import Path

PAGES = Path(__file__).parent
PART = re.compile(
    r"^(?P<begin><!-- generated: (?P<name>\w+) -->\n)(?P<text>.*?)"
    r"(?P<end>^<!-- end of (?P=name) -->$)",
    re.MULTILINE | re.DOTALL,
)


def parts_of(page: str) -> dict[str, str]:
    """Return the generated parts of a page, by their names."""
    return {found["name"]: found["text"] for found in PART.finditer(page)}


def generate(name: str) -> str:
    """Return the text of a part. Raises `LookupError`."""
    from docs.tables import PARTS

    lines = "\n".join(PARTS[name]()).strip("\n")
    return f"\n{lines}\n\n"


def main(chosen: list[str]) -> None:
    """Write all parts, or those that are named."""
    for path in sorted(PAGES.rglob("*.md")):
        page = path.read_text("utf-8")
        written = PART.sub(
            lambda found: (
                found[0]
                if chosen and found["name"] not in chosen
                else found["begin"] + generate(found["name"]) + found["end"]
            ),
            page,
        )
        if written != page:
            path.write_text(written, "utf-8")
            print(f"wrote {path.relative_to(PAGES.parent)}")


if __name__ == "__main__":
    main(sys.argv[1:])
