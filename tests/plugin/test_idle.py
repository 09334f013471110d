"""What the plugin costs a session that has it installed and does not use it: small modules."""

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

REPO = Path(__file__).parent.parent.parent
HEAVY = ("werkzeug", "hpack", "jsonschema", "google.protobuf", "backports.zstd")

# Prints, at the end of the session, which modules it has loaded.
CONFTEST = """
    import json, sys

    def pytest_unconfigure():
        sys.stderr.write(json.dumps(sorted(sys.modules)))
"""


def loaded_by(pytester: pytest.Pytester, module: str) -> set[str]:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(module)
    # Others that are installed here may load anything.
    env = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(REPO)}
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "s2mock.pytest_plugin"],
        cwd=pytester.path,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(json.loads(ended.stderr))


def heavy(modules: set[str]) -> list[str]:
    return [name for name in HEAVY if name in modules]


def test_idle_plugin_loads_nothing(pytester: pytest.Pytester) -> None:
    modules = loaded_by(pytester, "def test_it(): pass")
    assert "s2mock.pytest_plugin" in modules
    assert heavy(modules) == []
    assert "asyncio" not in modules
    assert {name for name in modules if name.startswith("s2mock")} == {
        "s2mock",
        "s2mock.options",
        "s2mock.pytest_plugin",
        "s2mock.pytest_plugin.options",
        "s2mock.pytest_plugin.teardown",
    }


@pytest.mark.slow
def test_fixture_loads_what_it_needs(pytester: pytest.Pytester) -> None:
    modules = loaded_by(
        pytester,
        "def test_it(s2_mock): s2_mock.create_basin('my-basin').create_stream('s')",
    )
    assert "s2mock.handles.account" in modules
    # No socket, no app: neither was used.
    assert heavy(modules) == []
    assert "asyncio" not in modules


@pytest.mark.slow
def test_a_socket_without_a_connection_loads_no_app(pytester: pytest.Pytester) -> None:
    modules = loaded_by(pytester, "def test_it(s2_mock): assert s2_mock.env")
    assert "s2mock.server.waiting_port" in modules
    assert not {"s2mock.api.app", "s2mock.server.server", "asyncio"} & modules
    assert heavy(modules) == []


@pytest.mark.parametrize("name", HEAVY)
def test_what_is_looked_for_is_there(name: str) -> None:
    assert find_spec(name) is not None


def test_import_of_the_package_loads_nothing() -> None:
    program = "import sys, s2mock; print(*sorted(sys.modules))"
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    modules = set(ended.stdout.split())
    assert heavy(modules) == []
    assert "asyncio" not in modules
    assert {name for name in modules if name.startswith("s2mock")} == {"s2mock"}
