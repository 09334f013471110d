"""How the wheel is built: with all recordings in one archive, and with the address of the project.

The recordings are a tenth of their size there. In a checkout they are files of text, which git can
compare. The README has relative links, which are absolute in the metadata.
"""

import re
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

# The address of the project. Change it here when the project moves, and nowhere else.
REPOSITORY = "https://github.com/s2mock/s2mock"
_OWNER, _NAME = REPOSITORY.split("/")[-2:]
# Where the workflow `docs.yml` publishes the documentation.
DOCUMENTATION = f"https://{_OWNER}.github.io/{_NAME}/"
URLS = {
    "Documentation": DOCUMENTATION,
    "Repository": REPOSITORY,
    "Changelog": f"{REPOSITORY}/blob/main/CHANGELOG.md",
    "Issues": f"{REPOSITORY}/issues",
    "S2": "https://s2.dev",
}
# A link or picture of the README whose target is a file of the repository.
_RELATIVE = re.compile(r"(?P<image>!?)(?P<text>\[[^]]*\])\((?P<path>[^):#]+)\)")
CORPUS = "s2mock/contract/corpus"
# The same recordings make the same archive.
NO_DATE = (1980, 1, 1, 0, 0, 0)


class PackedRecordings(BuildHookInterface[Any]):
    """Puts `corpus.zip` into the wheel, in the place of the folder `corpus`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the archive; an editable install has the folder itself."""
        self._folder = TemporaryDirectory()
        if version == "editable":
            return
        archive = Path(self._folder.name) / "corpus.zip"
        with zipfile.ZipFile(archive, "w") as packed:
            for recording in sorted((Path(self.root) / CORPUS).glob("*.jsonl")):
                entry = zipfile.ZipInfo(recording.name, NO_DATE)
                packed.writestr(entry, recording.read_bytes(), zipfile.ZIP_DEFLATED, 9)
        build_data["force_include"][str(archive)] = f"{CORPUS}.zip"

    def finalize(self, *_: object) -> None:
        """Remove what was made."""
        self._folder.cleanup()


class Address(MetadataHookInterface):
    """Sets the URLs of the metadata, and the README with links that work on the package index."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the members that pyproject.toml calls dynamic."""
        readme = (Path(self.root) / "README.md").read_text("utf-8")
        metadata["urls"] = URLS
        metadata["readme"] = {"content-type": "text/markdown", "text": absolute_links(readme)}


def absolute_links(readme: str) -> str:
    """Return the README with the address of the repository in each relative link."""

    def absolute(found: re.Match[str]) -> str:
        kind = "raw" if found["image"] else "blob"
        return f"{found['image']}{found['text']}({REPOSITORY}/{kind}/main/{found['path']})"

    return _RELATIVE.sub(absolute, readme)
