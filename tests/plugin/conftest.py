"""pytest within pytest, as on a machine with the plugin and no other one installed."""

from collections.abc import Callable

# Loaded here: within a run of pytest in pytest they would be other modules afterwards, where pytest
# remembers the category of a filter, and httpx the errors that it knows.
import httpcore  # noqa: F401
import pytest

import s2mock.powers.errors  # noqa: F401

Run = Callable[..., pytest.RunResult]

# Of what is installed here, these would be loaded too, and only take time.
_OTHERS = (
    "hypothesispytest",
    "asyncio",
    "anyio",
    "timeout",
    "xdist",
    "xdist.looponfail",
    "schemathesis",
    # Tests of the subtests of a campaign load it again.
    "subtests",
)


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a test module, or what is there already, with these arguments."""
    # pytest prints a failure in full once more where it sees that it runs in CI.
    for name in ("CI", "BUILD_NUMBER"):
        monkeypatch.delenv(name, raising=False)

    def run(module: str | None = None, *arguments: str) -> pytest.RunResult:
        if module is not None:
            pytester.makepyfile(module)
        without = [part for name in _OTHERS for part in ("-p", f"no:{name}")]
        return pytester.runpytest_inprocess(*without, "-Werror", "--strict-markers", *arguments)

    return run
