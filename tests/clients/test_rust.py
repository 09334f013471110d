"""The crate: what is in it, and its own tests in an environment without Python.

`make test` compares its sources with the description. What builds the Rust SDK is in `make rust`.
"""

import json
import os
import re
import select
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

import s2mock
from tests.executable import REPO, build_executable, without_python

CRATE: Final = REPO / "clients" / "rust"
# The SDK is compiled once, for `make fault-table-rust` and the example, too.
TARGET: Final = Path(os.environ.get("CARGO_TARGET_DIR", REPO / "build" / "rust"))
# Operations without a use in the crate: pages for a browser, and what `control()` can do.
WITHOUT_USE: Final = {"describe", "get_page", "list_campaigns", "look_at_token"}

needs_cargo = pytest.mark.skipif(
    shutil.which("cargo") is None, reason="cargo is not on the PATH: the crate cannot be built"
)
builds = [
    needs_cargo,
    pytest.mark.skipif(
        not os.environ.get("S2MOCK_TEST_RUST"),
        reason="the Rust SDK takes minutes to build: `make rust` tests the crate",
    ),
    pytest.mark.timeout(3600),
    pytest.mark.slow,
    pytest.mark.long,
]


def run(
    command: list[str], env: Mapping[str, str] | None = None
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, cwd=CRATE, env=env, capture_output=True, text=True, check=False)


def manifest() -> dict[str, Any]:
    return tomllib.loads((CRATE / "Cargo.toml").read_text())


def locked(folder: Path) -> dict[str, set[str]]:
    """Return the versions of each crate in a lock file."""
    found: dict[str, set[str]] = {}
    for one in tomllib.loads((folder / "Cargo.lock").read_text())["package"]:
        found.setdefault(one["name"], set()).add(one["version"])
    return found


class TestSources:
    def test_version_is_that_of_s2mock(self) -> None:
        assert manifest()["package"]["version"] == s2mock.__version__

    def test_types_are_those_of_the_description(self) -> None:
        """They are generated, so each member of one is a member of the other."""
        program = REPO / ".ci" / "rust_types.py"
        ended = run([sys.executable, str(program), "--check"])
        assert ended.returncode == 0, ended.stdout + ended.stderr

    def test_description_that_has_changed_is_noticed(self, tmp_path: Path) -> None:
        """In a copy, each of a member, a type and an operation that is new."""
        program = tmp_path / ".ci" / "rust_types.py"
        for part in ("s2mock/control/openapi.json", "clients/rust/src", ".ci/rust_types.py"):
            (tmp_path / part).parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if (REPO / part).is_dir() else shutil.copy)(
                REPO / part, tmp_path / part
            )
        description = tmp_path / "s2mock" / "control" / "openapi.json"
        document = json.loads(description.read_text())
        del document["components"]["schemas"]["Drop"]["properties"]["refused"]
        document["paths"]["/_s2mock/late"].clear()
        description.write_text(json.dumps(document))
        ended = run([sys.executable, str(program), "--check"])
        assert ended.returncode == 1
        assert [line.partition(" ")[0] for line in ended.stdout.splitlines()] == [
            "clients/rust/src/types.rs",
            "clients/rust/src/routes.rs",
        ]

    def test_each_operation_is_used(self) -> None:
        """The compiler checks that what is used is there."""
        declared = re.findall(
            r"pub async fn (\w+)\(&self", (CRATE / "src" / "routes.rs").read_text()
        )
        sources = [path for path in (CRATE / "src").glob("*.rs") if path.name != "routes.rs"]
        text = "\n".join(path.read_text() for path in sources)
        calls = set(re.findall(r"\.(\w+)\(", text))
        # One with two forms is used if one of them is.
        unused = {name for name in declared if not {name, f"{name}_text", f"{name}_events"} & calls}
        unused -= {name for name in unused if name.endswith(("_events", "_text"))}
        assert unused == WITHOUT_USE

    def test_blocks_of_the_readme_are_in_tests(self) -> None:
        tests = [path.read_text() for path in (CRATE / "tests").rglob("*.rs")]
        readme = (CRATE / "README.md").read_text()
        blocks = re.findall(r"^```rust,ignore\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
        assert len(blocks) == 2
        for part in [part for block in blocks for part in block.rstrip().split("\n\n")]:
            assert any(part in text for text in tests), part

    def test_builds_share_the_sdk(self) -> None:
        """With equal versions and profiles, cargo compiles it once for all of them."""
        others = [REPO / "tests" / "sdk" / "rust", REPO / "conftest_examples" / "rust"]
        own = locked(CRATE)
        for folder in others:
            different = {
                name: versions
                for name, versions in locked(folder).items()
                if name in own and not versions <= own[name]
            }
            assert different == {}, folder
            other = tomllib.loads((folder / "Cargo.toml").read_text())
            assert other["profile"] == manifest()["profile"], folder

    @pytest.mark.skipif(shutil.which("rustfmt") is None, reason="rustfmt is not on the PATH")
    def test_format(self) -> None:
        """Of these and the modules in them, but for what is generated."""
        for folder in (CRATE, REPO / "conftest_examples" / "rust"):
            files = [folder / "src" / "lib.rs", *folder.glob("tests/*.rs")]
            files += folder.glob("tests/*/main.rs")
            ended = run(["rustfmt", "--check", "--edition=2024", *map(str, files)])
            assert ended.returncode == 0, ended.stdout + ended.stderr

    def test_in_place_of_testcontainers_one_line_is_changed(self) -> None:
        text = (CRATE / "tests" / "lite.rs").read_text()
        assert text.count("// Before: use s2_testcontainers::S2Lite;\nuse s2mock::S2Lite;\n") == 1
        assert text.count("s2_testcontainers") == 1


def build(*arguments: str) -> list[dict[str, Any]]:
    """Return the messages of cargo, which builds."""
    options = ["--locked", "--message-format=json", "--target-dir", str(TARGET)]
    ended = run(["cargo", arguments[0], *options, *arguments[1:]])
    messages = [json.loads(line) for line in ended.stdout.splitlines()]
    if arguments[0] == "test":
        assert ended.returncode == 0, ended.stderr
    return messages


@pytest.fixture(scope="module")
def binaries() -> dict[str, str]:
    """The tests of the crate, each file of them as a program."""
    return {
        message["target"]["name"]: message["executable"]
        for message in build("test", "--no-run")
        if message.get("executable")
    }


@pytest.fixture(scope="module")
def env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment without Python, in which the executable is the server."""
    folder = tmp_path_factory.mktemp("rust") / "bin"
    return {**without_python(folder), "S2MOCK_BIN": str(build_executable())}


def declared(name: str) -> int:
    """Return the number of tests in a file of the crate, or in a folder."""
    path = CRATE / "tests" / name
    files = path.glob("*.rs") if path.is_dir() else [path.with_suffix(".rs")]
    return sum(file.read_text().count("\n#[tokio::test") for file in files)


class TestInRust:
    pytestmark = builds

    @pytest.mark.parametrize("name", ["powers", "how_to", "lite"])
    def test_every_power_with_the_official_sdk(
        self, name: str, binaries: dict[str, str], env: dict[str, str]
    ) -> None:
        ended = run([binaries[name]], env)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert f"{declared(name)} passed; 0 failed; 0 ignored" in ended.stdout
        assert declared("powers") >= 20

    def test_of_the_search_for_the_executable(
        self, binaries: dict[str, str], env: dict[str, str]
    ) -> None:
        ended = run([binaries["s2mock"]], env)
        assert ended.returncode == 0, ended.stdout
        assert re.search(r"[1-9]\d* passed; 0 failed", ended.stdout)

    def test_executable_on_the_path(
        self, binaries: dict[str, str], env: dict[str, str], tmp_path: Path
    ) -> None:
        path = f"{env['PATH']}:{Path(env['S2MOCK_BIN']).parent}"
        found = {**env, "PATH": path, "S2MOCK_BIN": ""}
        assert run([binaries["lite"]], found).returncode == 0
        # As the last resort a Python, in which s2mock is installed.
        python = tmp_path / "python3"
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
        python.chmod(0o755)
        found["PATH"] = f"{env['PATH']}:{tmp_path}"
        assert run([binaries["lite"]], found).returncode == 0

    def test_without_a_server_the_error_says_what_is_missing(
        self, binaries: dict[str, str], env: dict[str, str]
    ) -> None:
        ended = run([binaries["lite"]], {**env, "S2MOCK_BIN": ""})
        assert ended.returncode != 0
        assert "there is no s2mock: set S2MOCK_BIN to the path of an executable" in ended.stdout

    def test_server_ends_with_the_process_that_started_it(
        self, binaries: dict[str, str], env: dict[str, str]
    ) -> None:
        """The server inherits the pipe, whose reader sees the end of both."""
        reader, writer = os.pipe()
        command = [binaries["how_to"], "order_is_placed_once"]
        with subprocess.Popen(
            command, cwd=CRATE, env=env, stdout=subprocess.PIPE, pass_fds=[writer]
        ) as process:
            os.close(writer)
            output = process.communicate()[0].decode()
        assert "1 passed; 0 failed" in output
        assert select.select([reader], [], [], 60)[0]
        assert os.read(reader, 1) == b""
        os.close(reader)

    def test_output_of_a_failed_test_has_its_timeline(
        self, binaries: dict[str, str], env: dict[str, str]
    ) -> None:
        ended = run([binaries["failing"], "--ignored"], env)
        assert ended.returncode != 0
        assert "0 passed; 3 failed" in ended.stdout
        parts = re.split(r"^---- (\w+) stdout ----$", ended.stdout, flags=re.MULTILINE)
        output = dict(zip(parts[1::2], parts[2::2], strict=True))
        panicked = output["order_that_panics"]
        assert "no tea" in panicked
        assert re.search(
            r"--- s2mock: \d exchanges, 1 fault \(order_that_panics\) ---\n1 ", panicked
        )
        assert '{"Drop": {}}' in panicked
        failed = output["order_with_an_error"]
        assert "no cake" in failed
        assert "(order_with_an_error) ---\n1 " in failed
        complaint = (
            'a fault never fired: {"fault": {"Drop": {}}, "on": "append"}; no append arrived'
        )
        assert complaint in output["fault_that_never_fires"]

    def test_mistakes_do_not_compile(self, binaries: dict[str, str]) -> None:
        """Each marked line is an error, and no other."""
        assert binaries
        messages = build(
            "rustc", "--profile", "test", "--test", "mistakes", "--", "--cfg", "mistakes"
        )
        found = {
            span["line_start"]
            for message in messages
            if message["reason"] == "compiler-message" and message["message"]["level"] == "error"
            for span in message["message"]["spans"]
            if span["is_primary"] and span["file_name"].endswith("mistakes.rs")
        }
        lines = (CRATE / "tests" / "mistakes.rs").read_text().splitlines()
        marked = {number + 1 for number, line in enumerate(lines, 1) if line.startswith("    // ")}
        assert found == marked
        assert len(marked) >= 20

    def test_without_the_sdk_it_compiles(self) -> None:
        ended = run(
            [
                "cargo",
                "check",
                "--locked",
                "--no-default-features",
                "--lib",
                "--target-dir",
                str(TARGET),
            ]
        )
        assert ended.returncode == 0, ended.stderr
