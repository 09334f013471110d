"""Print the lowest versions that pyproject.toml allows, as constraints for pip.

They are those of the package's own dependencies, and of the dependency groups in the arguments.
"""

import re
import sys
import tomllib
from pathlib import Path

project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())
groups = [project["dependency-groups"][name] for name in sys.argv[1:]]
lowest: dict[str, str] = {}
for requirement in [
    *project["project"]["dependencies"],
    *(one for group in groups for one in group),
]:
    bound = re.match(r"([\w.-]+)(?:\[[^]]*\])?>=([\w.]+)", requirement)
    if bound is None:
        raise SystemExit(f"pyproject.toml: {requirement!r} has no lower bound, as in name>=1.2")
    # A group may need a later version than the package itself, and follows it.
    lowest[bound[1]] = bound[2]
sys.stdout.writelines(f"{name}=={version}\n" for name, version in sorted(lowest.items()))
