"""Print the licenses of the libraries that are installed beside this interpreter."""

import sys
from importlib.metadata import distributions
from pathlib import Path

# These build the executable, and are not in it.
_TOOLS = {"altgraph", "pip", "pyinstaller", "pyinstaller-hooks-contrib", "setuptools"}
_NAMES = ("LICEN", "COPYING", "NOTICE")

for one in sorted(distributions(), key=lambda one: one.name.lower()):
    if one.name.lower() in _TOOLS:
        continue
    sys.stdout.write(f"==== {one.name} {one.version}\n")
    for file in one.files or ():
        if ".dist-info" in str(file) and any(name in file.name.upper() for name in _NAMES):
            sys.stdout.write(Path(str(file.locate())).read_text("utf-8", "replace") + "\n")
