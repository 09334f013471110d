"""A request as a command for a shell."""

import base64
import shlex

from s2mock.powers.redaction import in_text, target_in_text

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


def curl(
    method: str, path: str, query: str, headers: dict[str, str], body: bytes, protocol: str
) -> str:
    """The command that sends the request again; secrets are blacked out."""
    target = target_in_text(path, query)
    url = target if "://" in target else f"http://{headers.get('host', 'localhost')}{target}"
    words = ["curl"]
    if protocol == "h2c":
        words.append("--http2-prior-knowledge")
    if method == "HEAD":
        words.append("--head")
    elif method != ("POST" if body else "GET"):
        words += ["-X", method]
    words.append(url)
    for name, value in in_text(headers).items():
        if name in _OWN or (name == "accept" and value == "*/*"):
            continue
        # The own token of a mock ends with it, and S2Mock asks for none.
        if name == "authorization":
            continue
        words += ["-H", f"{name}: {value}"]
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
