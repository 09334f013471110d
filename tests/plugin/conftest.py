"""pytest within pytest, as on a machine with the plugin and no other one installed."""

from collections.abc import Callable

# Loaded here: within a run of pytest in pytest they would be other modules afterwards, where pytest
# remembers the category of a filter, and httpx the errors that it knows.
import httpcore  # noqa: F401
import pytest

import s2mock.powers.errors  # noqa: F401

# To look for all plugins in each of these runs takes a third of its time. Tests of the subtests of
# a campaign load that plugin again. pytest 8.4 warns of a plugin that is named with `-p` and is
# imported already, as it is here.
ALONE = (
    *("--disable-plugin-autoload", "-p", "s2mock", "-p", "no:subtests"),
    *("-W", "ignore:Module already imported:pytest.PytestAssertRewriteWarning"),
)

Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a test module, or what is there already, with these arguments."""
    # pytest prints a failure in full once more where it sees that it runs in CI.
    for name in ("CI", "BUILD_NUMBER"):
        monkeypatch.delenv(name, raising=False)

    def run(module: str | None = None, *arguments: str) -> pytest.RunResult:
        if module is not None:
            pytester.makepyfile(module)
        return pytester.runpytest_inprocess("-Werror", *ALONE, "--strict-markers", *arguments)

    return run
