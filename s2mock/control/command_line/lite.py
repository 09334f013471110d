"""`python -m s2mock lite`: in the place of `s2 lite`, with its options and what it prints.

Source: the reference server's `--help` and what it was seen to print.
"""

import argparse
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

HOST: Final = "0.0.0.0"  # noqa: S104  # as the real one
PORT: Final = 80
TOKEN: Final = "ignored"
_KEPT_NOWHERE: Final = ("local_root", "bucket", "path", "wal_bucket", "wal_local_root")
_TLS: Final = ("tls_self", "tls_cert", "tls_key")
_IN_FLIGHT: Final = "append_inflight_bytes"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Those of `s2 lite` that are not the server's own, and its defaults."""
    parser.add_argument(
        "--no-dashboard", action="store_true", help="do not let /dashboard lead to /_s2mock/"
    )
    file = os.environ.get("S2LITE_INIT_FILE")
    parser.set_defaults(host=HOST, port=PORT, token=TOKEN, init_file=Path(file) if file else None)
    group = parser.add_argument_group("options of s2 lite that change nothing here")
    for option, what in (
        ("--local-root", "DIR"),
        ("--bucket", "BUCKET"),
        ("--path", "PATH"),
        ("--wal-bucket", "BUCKET"),
        ("--wal-local-root", "DIR"),
    ):
        group.add_argument(option, metavar=what, help="taken, with a warning: all is in memory")
    group.add_argument(
        "--append-inflight-bytes", metavar="BYTES", help="taken, with a warning: there is no limit"
    )
    group.add_argument("--tls-self", action="store_true", help="refused: this is plain HTTP")
    group.add_argument("--tls-cert", metavar="FILE", help="refused, too")
    group.add_argument("--tls-key", metavar="FILE", help="refused, too")


def check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> Iterator[str]:
    """What is lost by the options that change nothing. Ends the process for those of TLS."""
    for name in _TLS:
        # An empty path asks for TLS too.
        if getattr(options, name) not in (None, False):
            parser.error(
                f"{_flag(name)}: s2mock speaks plain HTTP only; leave it out, and point clients to "
                "http://, not https://"
            )
    for name in _KEPT_NOWHERE:
        if getattr(options, name):
            yield (
                f"{_flag(name)} is ignored: everything is in memory, and gone when this process "
                "ends; --init-file makes basins and streams at each start"
            )
    if getattr(options, _IN_FLIGHT):
        yield f"{_flag(_IN_FLIGHT)} is ignored: appends are never kept waiting for room"


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def announcement(port: int, token: str) -> tuple[str, str]:
    """What `s2 lite` prints once it listens, without colours: a line of log, and the rest."""
    # Late, since it loads the whole account, which is there by now.
    from s2mock.handles.mock_base import sdk_environment

    env = sdk_environment(f"http://localhost:{port}", token)
    exports = (f"export {name}={value}" for name, value in env.items())
    listening = _log(f'starting plain http server addr="{HOST}:{port}"')
    copy = _log("copy/paste into a new terminal to point the S2 CLI at this server:")
    return f"{listening}\n", "\n".join((copy, *exports, ""))


def _log(text: str) -> str:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return f"{now}  INFO s2_lite::server: {text}"
