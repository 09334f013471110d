"""`python -m s2mock lite`: a drop-in replacement for `s2 lite`, with its options and its output.

Source: the reference server's `--help`, and its output as observed.
"""

import argparse
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

HOST: Final = "0.0.0.0"  # noqa: S104  # the default of `s2 lite`
PORT: Final = 80
TOKEN: Final = "ignored"
_STORAGE: Final = ("bucket", "path", "wal_bucket", "wal_local_root")
_TLS: Final = ("tls_self", "tls_cert", "tls_key")
_IN_FLIGHT: Final = "append_inflight_bytes"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `s2 lite` that the server does not have itself, and its defaults."""
    parser.add_argument(
        "--no-dashboard", action="store_true", help="do not redirect /dashboard to /_s2mock/"
    )
    file = os.environ.get("S2LITE_INIT_FILE")
    parser.set_defaults(host=HOST, port=PORT, token=TOKEN, init_file=Path(file) if file else None)
    parser.add_argument(
        "--local-root",
        type=_parse_directory,
        metavar="DIR",
        help="directory that keeps the account over a restart; the same as --data",
    )
    parser.add_argument(
        "--path", metavar="PATH", help="directory below --local-root to keep the account in"
    )
    group = parser.add_argument_group("options of s2 lite that change nothing here")
    for option, metavar in (
        ("--bucket", "BUCKET"),
        ("--wal-bucket", "BUCKET"),
        ("--wal-local-root", "DIR"),
    ):
        group.add_argument(
            option,
            metavar=metavar,
            help="ignored, with a warning: everything is in --local-root, or else in memory",
        )
    group.add_argument(
        "--append-inflight-bytes",
        metavar="BYTES",
        help="ignored, with a warning: there is no limit",
    )
    group.add_argument("--tls-self", action="store_true", help="refused: s2mock speaks plain HTTP")
    group.add_argument("--tls-cert", metavar="FILE", help="refused: s2mock speaks plain HTTP")
    group.add_argument("--tls-key", metavar="FILE", help="refused: s2mock speaks plain HTTP")


def _parse_directory(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("must be the path of a directory, not an empty text")
    return Path(text)


def check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> Iterator[str]:
    """Yield a warning for each option without an effect. Ends the process for those of TLS."""
    for name in _TLS:
        # An empty path asks for TLS too.
        if getattr(options, name) not in (None, False):
            parser.error(
                f"{_flag(name)}: s2mock speaks plain HTTP only; leave it out, and point clients to "
                "http://, not https://"
            )
    if options.local_root is not None:
        if options.data is not None:
            parser.error("--local-root and --data are the same: give one of them")
        options.data = options.local_root
        if options.path:
            options.data /= options.path.strip("/")
            options.path = None
    for name in _STORAGE:
        if getattr(options, name):
            yield (
                f"{_flag(name)} is ignored: everything is in memory, and gone when this process "
                "ends; --local-root DIR keeps it"
                if options.data is None
                else f"{_flag(name)} is ignored: everything is in {options.data}"
            )
    if getattr(options, _IN_FLIGHT):
        yield f"{_flag(_IN_FLIGHT)} is ignored: no append waits for room"


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def announcement(url: str, env: Mapping[str, str]) -> tuple[str, str]:
    """Return what `s2 lite` prints once it listens, without colours: the first line, and the rest.

    `env` has the variables that point S2's SDKs to the server at `url`.
    """
    port = url.rpartition(":")[2]
    local = f"http://localhost:{port}"
    exports = (f"export {name}={local if value == url else value}" for name, value in env.items())
    listening = _log(f'starting plain http server addr="{HOST}:{port}"')
    copy = _log("copy/paste into a new terminal to point the S2 CLI at this server:")
    return f"{listening}\n", "\n".join((copy, *exports, ""))


def _log(text: str) -> str:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return f"{now}  INFO s2_lite::server: {text}"
