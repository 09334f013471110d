"""`python -m s2mock lite`: a drop-in replacement for `s2 lite`, with its options and its output.

Source: the reference server's `--help`, and its output as observed.
"""

import argparse
import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from s2mock.control.command_line.clap import is_true

HOST: Final = "0.0.0.0"  # noqa: S104  # the default of `s2 lite`
PORT: Final = 80
TLS_PORT: Final = 443
APPEND_LATENCY: Final = 0.005
"""Seconds that s2-lite takes to make an append durable, in memory or on a disk."""
TOKEN: Final = "ignored"
_STORAGE: Final = ("bucket", "path", "wal_bucket", "wal_local_root")
_PLAIN: Final = "starting plain http server"
_SELF_SIGNED: Final = (
    "starting https server with self-signed certificate, clients will need to use --insecure"
)
_PROVIDED: Final = "starting https server with provided certificate"
_IN_FLIGHT: Final = "append_inflight_bytes"


class DefaultPort(int):
    """The port that `s2 lite` takes if none is chosen; TLS has another."""


class DefaultLatency(float):
    """The append latency if none is chosen; a clock that does not go on by itself has none."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of `s2 lite` that the server does not have itself, and its defaults."""
    parser.add_argument(
        "--no-dashboard", action="store_true", help="do not redirect /dashboard to /_s2mock/"
    )
    parser.add_argument(
        "--local-root",
        metavar="DIR",
        help="directory that keeps the account over a restart; the same as --data",
    )
    parser.add_argument(
        "--path", metavar="PATH", help="directory below --local-root to keep the account in"
    )
    environ = os.environ
    parser.set_defaults(
        host=HOST,
        port=DefaultPort(PORT),
        append_latency=DefaultLatency(APPEND_LATENCY),
        token=TOKEN,
        init_file=environ.get("S2LITE_INIT_FILE"),
        wal_bucket=environ.get("S2LITE_WAL_BUCKET"),
        wal_local_root=environ.get("S2LITE_WAL_LOCAL_ROOT"),
        no_dashboard=is_true(environ.get("S2LITE_NO_DASHBOARD", "")),
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


def check(options: argparse.Namespace) -> Iterator[str]:
    """Yield a warning for each option without an effect; set what depends on other options."""
    if isinstance(options.port, DefaultPort) and (options.tls_self or options.tls_cert):
        options.port = TLS_PORT
    if isinstance(options.append_latency, DefaultLatency) and options.clock != "system":
        # Each append would wait until a test advances the clock.
        options.append_latency = 0.0
    if options.local_root is not None:
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


def announcement(url: str, env: Mapping[str, str], options: argparse.Namespace) -> tuple[str, str]:
    """Return what `s2 lite` prints once it listens, without colours: the first line, and the rest.

    `env` has the variables that point S2's SDKs to the server at `url`.
    """
    scheme, _, rest = url.partition("://")
    port = rest.rpartition(":")[2]
    local = f"{scheme}://localhost:{port}"
    ours = {name: local if value == url else value for name, value in env.items()}
    variables = {name: value for name, value in ours.items() if name.startswith("S2_")}
    listening = f'{_PLAIN} addr="{HOST}:{port}"'
    if options.tls_self:
        listening = f'{_SELF_SIGNED} addr="{HOST}:{port}"'
        variables["S2_SSL_NO_VERIFY"] = "1"
    elif options.tls_cert is not None:
        listening = f'{_PROVIDED} addr="{HOST}:{port}" cert_path="{options.tls_cert}"'
    exports = [f"export {name}={value}" for name, value in (variables | ours).items()]
    listening = _log(listening)
    copy = _log("copy/paste into a new terminal to point the S2 CLI at this server:")
    dashboard = ["", f"or use the dashboard at {local}/dashboard"]
    lines = [copy, *exports, *([] if options.no_dashboard else dashboard), ""]
    return f"{listening}\n", "\n".join(lines)


def _log(text: str) -> str:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return f"{now}  INFO s2_lite::server: {text}"
