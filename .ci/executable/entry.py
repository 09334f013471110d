"""The program inside the executable: `python -m s2mock`, in a clean environment."""

import os
import sys

# PyInstaller's start sets these for itself. A command of `s2mock run` would load the libraries of
# this executable, and a further s2mock would take itself for a part of this one.
for _name in [name for name in os.environ if name.startswith("_PYI_")]:
    del os.environ[_name]
for _name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):
    _original = os.environ.pop(f"{_name}_ORIG", None)
    if _original is not None:
        os.environ[_name] = _original
    elif os.environ.get(_name) == getattr(sys, "_MEIPASS", None):
        os.environ.pop(_name, None)

from s2mock.__main__ import main  # noqa: E402  # nothing is to see the variables

sys.exit(main())
