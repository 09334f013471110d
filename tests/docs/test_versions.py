"""The page on versions has those of the SDKs that the lock files of the packages name."""

import json
import re
import tomllib

from tests.docs.environments import PAGES, REPO

LINES = PAGES["docs/reference/versions.md"].splitlines()


def listed(sdk: str) -> set[str]:
    """Return the exact versions in the lines that name an SDK and a package in that language."""
    return {
        found for line in LINES if sdk in line for found in re.findall(r"\b0\.\d+\.\d+\b", line)
    }


def test_typescript_sdk_has_the_locked_version() -> None:
    folders = ("conftest_examples/typescript", "clients/typescript", "clients/typescript/test")
    locks = [json.loads((REPO / folder / "package-lock.json").read_text()) for folder in folders]
    name = "@s2-dev/streamstore"
    assert listed(name) == {lock["packages"][f"node_modules/{name}"]["version"] for lock in locks}


def test_go_sdk_has_the_locked_version() -> None:
    module = "github.com/s2-streamstore/s2-sdk-go"
    text = (REPO / "conftest_examples" / "go" / "go.mod").read_text()
    assert listed(module) == set(re.findall(rf"{module} v(\S+)", text))


def test_rust_sdk_has_the_locked_version() -> None:
    locks = [
        tomllib.loads((REPO / folder / "Cargo.lock").read_text())
        for folder in ("clients/rust", "conftest_examples/rust")
    ]
    versions = {
        one["version"] for lock in locks for one in lock["package"] if one["name"] == "s2-sdk"
    }
    assert listed("Rust") == versions


def test_tool_chains_have_the_declared_versions() -> None:
    text = PAGES["docs/reference/versions.md"]
    cargo = tomllib.loads((REPO / "clients" / "rust" / "Cargo.toml").read_text())
    npm = json.loads((REPO / "clients" / "typescript" / "package.json").read_text())
    go = re.findall(r"^go (\S+)$", (REPO / "clients" / "go" / "go.mod").read_text(), re.MULTILINE)
    assert f"Rust {cargo['package']['rust-version']} or newer" in text
    assert f"Node.js {npm['engines']['node'].removeprefix('>=')} or newer" in text
    assert f"vitest {npm['peerDependencies']['vitest'].removeprefix('>=')} or newer" in text
    assert f"Go {go[0]} or newer" in text
