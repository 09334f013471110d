"""The arguments that `s2 lite` refuses, which `python -m s2mock lite` refuses in the same way.

The table was observed on s2-lite 0.43.4. With the path of that program in `S2MOCK_TEST_LITE`, the
table is compared with it too.
"""

import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

BINARY = os.environ.get("S2MOCK_TEST_LITE")
COMMAND = [sys.executable, "-m", "s2mock", "lite"]
NO_VALUE = "a value is required for '{}' but none was supplied"
SIZE = "--append-inflight-bytes <APPEND_INFLIGHT_BYTES>"
TLS_CERT, TLS_KEY = "--tls-cert <TLS_CERT>", "--tls-key <TLS_KEY>"
ROOT, WAL_ROOT = "--local-root <DIR>", "--wal-local-root <DIR>"
MISSING = "the following required arguments were not provided:\n  "
STORAGE = f"{MISSING}<--bucket <BUCKET>|{ROOT}>"

# The arguments, and the error with the tip.
REFUSED: list[tuple[list[str], str]] = [
    (
        ["--no-such"],
        "unexpected argument '--no-such' found\n\n  tip: a similar argument exists: '--no-cors'",
    ),
    (
        ["--por", "28111"],
        "unexpected argument '--por' found\n\n  tip: a similar argument exists: '--port'",
    ),
    (
        ["--tls-sel"],
        "unexpected argument '--tls-sel' found\n\n  tip: a similar argument exists: '--tls-self'",
    ),
    (
        ["--local"],
        "unexpected argument '--local' found\n\n  tip: a similar argument exists: '--local-root'",
    ),
    (["extra"], "unexpected argument 'extra' found"),
    (["--no-cors", "extra", "--zzz"], "unexpected argument 'extra' found"),
    (["-p", "8080"], "unexpected argument '-p' found"),
    (["--", "x"], "unexpected argument 'x' found"),
    (["--no-cors=true"], "unexpected value 'true' for '--no-cors' found; no more were expected"),
    (["--tls-self=1"], "unexpected value '1' for '--tls-self' found; no more were expected"),
    (["--port"], NO_VALUE.format("--port <PORT>")),
    (["--init-file", "--port", "1"], NO_VALUE.format("--init-file <INIT_FILE>")),
    (["--local-root", ""], NO_VALUE.format(ROOT)),
    (["--tls-cert", "", "--tls-key", ""], NO_VALUE.format(TLS_CERT)),
    (["--port", "x"], "invalid value 'x' for '--port <PORT>': invalid digit found in string"),
    (["--port", "+80x"], "invalid value '+80x' for '--port <PORT>': invalid digit found in string"),
    (["--port="], "invalid value '' for '--port <PORT>': cannot parse integer from empty string"),
    (["--port", "70000"], "invalid value '70000' for '--port <PORT>': 70000 is not in 0..=65535"),
    (["--port=-1"], "invalid value '-1' for '--port <PORT>': -1 is not in 0..=65535"),
    (
        ["--port", "9" * 20],
        f"invalid value '{'9' * 20}' for '--port <PORT>': number too large to fit in target type",
    ),
    (
        ["--append-inflight-bytes", "x"],
        (
            f"invalid value 'x' for '{SIZE}': couldn't parse \"x\" into a ByteSize, cannot parse "
            "float from empty string"
        ),
    ),
    (
        ["--append-inflight-bytes", "1.5.5"],
        (
            f"invalid value '1.5.5' for '{SIZE}': couldn't parse \"1.5.5\" into a ByteSize, "
            "invalid float literal"
        ),
    ),
    (
        ["--append-inflight-bytes", "1XB"],
        (
            f"invalid value '1XB' for '{SIZE}': couldn't parse \"XB\" into a known SI unit, Failed "
            'to parse unit "XB"'
        ),
    ),
    (["--port", "1", "--port", "2"], "the argument '--port <PORT>' cannot be used multiple times"),
    (["--no-cors", "--no-cors"], "the argument '--no-cors' cannot be used multiple times"),
    (["--tls-cert", "a"], f"{MISSING}{TLS_KEY}"),
    (["--tls-key", "b"], f"{MISSING}{TLS_CERT}"),
    (
        ["--tls-self", "--tls-cert", "a", "--tls-key", "b"],
        f"the argument '--tls-self' cannot be used with:\n  {TLS_CERT}\n  {TLS_KEY}",
    ),
    (
        ["--tls-key", "b", "--tls-self"],
        f"the argument '{TLS_KEY}' cannot be used with '--tls-self'",
    ),
    (
        ["--bucket", "x", "--local-root", "y"],
        f"the argument '--bucket <BUCKET>' cannot be used with '{ROOT}'",
    ),
    (
        ["--local-root", "a", "--wal-bucket", "b", "--wal-local-root", "c"],
        f"the argument '--wal-bucket <WAL_BUCKET>' cannot be used with '{WAL_ROOT}'",
    ),
    (["--wal-bucket", "x"], STORAGE),
    (["--wal-local-root", "x"], STORAGE),
]
IN_ENVIRONMENT = [
    ({"S2LITE_INIT_FILE": ""}, NO_VALUE.format("--init-file <INIT_FILE>")),
    ({"S2LITE_WAL_LOCAL_ROOT": ""}, NO_VALUE.format(WAL_ROOT)),
    ({"S2LITE_WAL_BUCKET": "x"}, STORAGE),
]


def refuse(command: list[str], env: Mapping[str, str] | None = None) -> tuple[int, str, str]:
    """Return the status, the output and the error, without the usage, which has another name."""
    ended = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **(env or {})},
    )
    error = ended.stderr.partition("\n\nUsage: ")[0].partition("\n\nFor more information")[0]
    assert ended.stderr.endswith("\n\nFor more information, try '--help'.\n")
    return ended.returncode, ended.stdout, error


def case_id(value: object) -> str | None:
    return " ".join(value) or "none" if isinstance(value, list) else None


@pytest.mark.slow
@pytest.mark.parametrize(("arguments", "error"), REFUSED, ids=case_id)
def test_arguments_that_s2_lite_refuses(arguments: list[str], error: str) -> None:
    assert refuse([*COMMAND, *arguments]) == (2, "", f"error: {error}")


@pytest.mark.slow
@pytest.mark.parametrize(("env", "error"), IN_ENVIRONMENT)
def test_variables_that_s2_lite_refuses(env: dict[str, str], error: str) -> None:
    assert refuse(COMMAND, env) == (2, "", f"error: {error}")


@pytest.mark.slow
@pytest.mark.skipif(BINARY is None, reason="S2MOCK_TEST_LITE has no path of s2-lite's server")
@pytest.mark.parametrize(("arguments", "error"), REFUSED, ids=case_id)
def test_arguments_that_s2_lite_refuses_are_those(arguments: list[str], error: str) -> None:
    assert BINARY is not None
    assert refuse([BINARY, *arguments]) == (2, "", f"error: {error}")


@pytest.mark.slow
@pytest.mark.skipif(BINARY is None, reason="S2MOCK_TEST_LITE has no path of s2-lite's server")
@pytest.mark.parametrize(("env", "error"), IN_ENVIRONMENT)
def test_variables_that_s2_lite_refuses_are_those(env: dict[str, str], error: str) -> None:
    assert BINARY is not None
    assert refuse([BINARY, "--port", "0"], env) == (2, "", f"error: {error}")


@pytest.mark.slow
def test_an_option_of_its_own_is_refused_in_these_words() -> None:
    status, output, error = refuse([*COMMAND, "--append-latency", "soon"])
    assert (status, output) == (2, "")
    assert error == (
        "error: invalid value for '--append-latency <SECONDS>': must be a number of seconds, or "
        "'cloud', not 'soon'"
    )
    status, _, error = refuse([*COMMAND, "--clock", "fast"])
    assert (status, error.partition(": invalid choice")[0]) == (
        2,
        "error: invalid value for '--clock'",
    )
    status, _, error = refuse([*COMMAND, "--append-latency=-1", "--port=0"])
    assert (status, error) == (2, "error: append_latency must be 0 or more seconds, not -1.0")
