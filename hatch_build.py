"""How the wheel is built: with all recordings in one archive.

They are a tenth of their size there. In a checkout they are files of text, which git can compare.
"""

import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

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
