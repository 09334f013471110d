"""A request as a command for a shell."""

import base64
import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from s2mock.powers.exchange import Request

# What curl sends by itself, or what says nothing of the request.
_OWN = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "expect",
        "host",
        "te",
        "transfer-encoding",
        "user-agent",
    }
)
# A body that is longer says nothing more to whoever reads the command.
_MAX_BODY_BYTES = 4096


def curl(request: "Request", protocol: str) -> str:
    """The command that sends the request again; secrets are blacked out."""
    from s2mock.powers.exchange import BLACKED_OUT, SECRET_HEADERS

    headers = request.headers
    target = f"{request.path}?{request.query}" if request.query else request.path
    url = target if "://" in target else f"http://{headers.get('host', 'localhost')}{target}"
    words = ["curl"]
    if protocol == "h2c":
        words.append("--http2-prior-knowledge")
    body = request.body or b""
    if request.method == "HEAD":
        words.append("--head")
    elif request.method != ("POST" if body else "GET"):
        words += ["-X", request.method]
    words.append(url)
    for name, value in headers.items():
        if name in _OWN or (name == "accept" and value == "*/*"):
            continue
        # The own token of a mock ends with it, and S2Mock asks for none.
        if name == "authorization":
            continue
        words += ["-H", f"{name}: {BLACKED_OUT if name in SECRET_HEADERS else value}"]
    if not body:
        return shlex.join(words)
    if "content-type" not in headers:
        words += ["-H", "content-type:"]
    if len(body) > _MAX_BODY_BYTES:
        return f"{shlex.join(words)} --data-binary @...  # {len(body)} bytes"
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = "\0"
    if text.isprintable() and not text.startswith("@"):
        return shlex.join([*words, "--data-binary", text])
    coded = base64.b64encode(body).decode()
    return f"echo {coded} | base64 -d | {shlex.join([*words, '--data-binary', '@-'])}"
