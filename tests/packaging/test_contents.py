"""The content of the wheel and the sdist, file by file."""

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from s2mock.contract import recordings
from tests.packaging.running import REPO, run

pytestmark = [pytest.mark.timeout(600), pytest.mark.slow, pytest.mark.long]

# The files in the wheel that are no Python modules. A new one must be listed here.
DATA = {
    "s2mock/py.typed",
    "s2mock/contract/corpus.zip",
    "s2mock/contract/proof.json",
    "s2mock/control/openapi.json",
    *(f"s2mock/control/views/look/page.{kind}" for kind in ("css", "html")),
    *(
        f"s2mock/control/views/look/{name}.js"
        for name in (
            *("campaigns", "data", "elements", "exchange", "filter", "json", "lanes", "list"),
            *("live", "pending", "powers", "streams", "timeline"),
        )
    ),
    *(
        f"s2mock/json_bodies/schemas/{name}.json"
        for name in (
            *("access_token_scope", "append_input", "basin_config", "basin_reconfiguration"),
            *("create_basin", "create_stream", "ensure_basin", "issue_access_token"),
            *("read_write_permissions", "resource_stream_config", "resources"),
            *("set_default_location", "stream_config", "stream_reconfiguration"),
        )
    ),
}
METADATA = {"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"}

# The first part of each path in the sdist. All else that is in the checkout stays there.
PUBLISHED = {
    *(
        ".ci",
        ".github",
        "benchmarks",
        "clients",
        "conftest_examples",
        "docs",
        "newsfragments",
        "s2mock",
    ),
    *("tests", ".gitignore", ".pre-commit-config.yaml", ".readthedocs.yaml", "CHANGELOG.md"),
    *("CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "Dockerfile", "LICENSE", "Makefile", "README.md"),
    *("SECURITY.md", "hatch_build.py", "pyproject.toml"),
}


def modules() -> set[str]:
    found = (REPO / "s2mock").rglob("*.py")
    return {str(path.relative_to(REPO)) for path in found}


def tracked() -> set[str]:
    """The files of the checkout, but those that git ignores."""
    listed = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    git = subprocess.run(["git", "-C", REPO, *listed], capture_output=True, text=True, check=False)
    if git.returncode != 0:
        pytest.skip("this is no checkout of git, which could say what belongs to it")
    return {name for name in git.stdout.split("\0") if (REPO / name).is_file()}


def test_the_wheel(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    [of_it] = {name.partition("/")[0] for name in names} - {"s2mock"}
    metadata = {name.partition("/")[2] for name in names if name.startswith(of_it)}

    assert {name for name in names if name.startswith("s2mock/")} == modules() | DATA
    assert metadata == METADATA


def test_the_sdist(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}

    expected = {name for name in tracked() if PurePosixPath(name).parts[0] in PUBLISHED}
    assert names == expected | {"PKG-INFO"}
    assert {PurePosixPath(name).parts[0] for name in expected} == PUBLISHED


def test_a_link_is_published_as_what_it_leads_to(sdist: Path) -> None:
    """Else what is unpacked depends on where."""
    with tarfile.open(sdist) as archive:
        assert {member.type for member in archive} == {tarfile.REGTYPE}


def test_the_wheel_is_small_at_rest(wheel: Path) -> None:
    """As files of text, the recordings alone were 5 MB."""
    sizes = [entry.file_size for entry in zipfile.ZipFile(wheel).infolist()]

    assert sum(sizes) < 3_700_000


def test_the_wheel_has_every_recording(python: Path, tmp_path: Path) -> None:
    count = (
        "from s2mock.contract import recordings\n"
        "for name in recordings.names():\n"
        "    print(name, hash(str(recordings.load(name))))\n"
    )
    (tmp_path / "count.py").write_text(count)

    def counted(python: Path) -> str:
        listed = run(python, "count.py", cwd=tmp_path, PYTHONHASHSEED="0")
        assert listed.returncode == 0, listed.stderr
        return listed.stdout

    there = counted(python)
    assert [line.split()[0] for line in there.splitlines()] == recordings.names()
    assert there == counted(Path(sys.executable))


def test_no_recording_of_that_name(python: Path, tmp_path: Path) -> None:
    load = "from s2mock.contract import recordings; recordings.load('nobodys')"

    loaded = run(python, "-c", load, cwd=tmp_path)

    assert "FileNotFoundError" in loaded.stderr


def test_the_metadata_names_the_readme_and_what_s2_is(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    [name] = [name for name in archive.namelist() if name.endswith("/METADATA")]
    headers, _, description = archive.read(name).decode().partition("\n\n")

    readme = (REPO / "README.md").read_text()
    links = re.findall(r"\]\(([^)]*)\)", description)
    # Relative links work in a checkout, absolute ones on the package index.
    assert (
        re.sub(r"\([^)]*/(?:blob|raw)/main/([^)]*)\)", r"(\1)", description).strip()
        == readme.strip()
    )
    assert len(links) > 20
    assert all(link.startswith("https://") for link in links)
    urls = dict(re.findall(r"^Project-URL: (\w+), (.*)$", headers, re.MULTILINE))
    assert {"Repository", "Documentation", "Changelog", "Issues"} <= urls.keys()
    assert urls["Issues"] == f"{urls['Repository']}/issues"
    assert f"({urls['Repository']}/blob/main/docs/index.md)" in description
    assert "License-Expression: MIT" in headers
    assert "Requires-Python: >=3.11" in headers
    assert urls["S2"] == "https://s2.dev"
    assert {line for line in headers.splitlines() if line.startswith("Provides-Extra: ")} == {
        "Provides-Extra: completion",
        "Provides-Extra: docs",
        "Provides-Extra: history",
        "Provides-Extra: hypothesis",
        "Provides-Extra: simulation",
        "Provides-Extra: tls",
        "Provides-Extra: upstream",
    }


def test_the_package_index_would_take_them(built: Path) -> None:
    files = sorted(built.iterdir())

    checked = run(sys.executable, "-m", "twine", "check", "--strict", *files, cwd=built)

    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert checked.stdout.count("PASSED") == len(files) == 2


def test_the_image_is_built_from_what_is_copied_into_it(wheel: Path, tmp_path: Path) -> None:
    """The lines of `Dockerfile` that a machine without Docker can carry out, and how long it is."""
    lines = (REPO / "Dockerfile").read_text().splitlines()
    copied = [line.split()[1:] for line in lines if line.startswith("COPY ")]
    source, out = tmp_path / "source", tmp_path / "out"
    source.mkdir()
    for *names, target in copied:
        for name in names:
            if name.startswith(("--from=", "/")):
                continue
            place = source / target / name if target == "./" else source / target
            run("cp", "-r", REPO / name, place, cwd=tmp_path)

    made = run(sys.executable, "-m", "build", "--wheel", "--outdir", out, source, cwd=tmp_path)

    assert made.returncode == 0, made.stdout
    [of_the_image] = out.iterdir()
    assert zipfile.ZipFile(of_the_image).namelist() == zipfile.ZipFile(wheel).namelist()
    assert 'ENTRYPOINT ["s2mock"]' in lines
    assert len(lines) <= 20
