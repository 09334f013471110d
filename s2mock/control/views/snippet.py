"""An exchange as the source of a test, and as a shell script, which send the same request.

Both make the state first that the exchange found.
"""

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

from s2mock.control.views.state_before import StateBefore, state_before
from s2mock.control.views.token_before import TokenBefore, secret_of
from s2mock.json_bodies.tokens import scope_to_json
from s2mock.powers.exchange import Exchange
from s2mock.powers.faults import bytes_from_json
from s2mock.powers.redaction import redact_headers, redact_target
from s2mock.registry.values.scopes import NOTHING, ResourceSet, Scope

# Headers that the client sends by itself, or that the test is not about.
_OWN: Final = frozenset(
    {
        "accept-encoding",
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "host",
        "te",
        "transfer-encoding",
        "user-agent",
    }
)
_VARIABLE: Final = "S2"
_TOKEN: Final = "TOKEN"
_CURL: Final = re.compile(r"(^|\| )curl ")
# More records than that before the known ones are not appended again.
_MAX_FILLER: Final = 10_000


def snippet(exchange: Exchange, before: StateBefore | None = None) -> str:
    """Return the source of a test with the fixture `s2_mock`."""
    before = state_before(exchange) if before is None else before
    request, response, fault = exchange.request, exchange.response, exchange.fault
    seeds = list(_seed_lines(before))
    names = sorted(
        ({type(fault).__name__} if fault is not None else set())
        | ({"AppendRecord"} if any("AppendRecord" in line for line in seeds) else set())
    )
    lines = ["import pytest"]
    if names:
        lines.append(f"from s2mock import {', '.join(names)}")
    lines += ["", ""]
    if options := list(_options(before)):
        lines.append(f"@pytest.mark.s2_mock({', '.join(options)})")
    lines.append(f"def test_exchange_{exchange.number}(s2_mock):")
    lines += [f"    {line}" for line in (*seeds, *_token_lines(before.token))]
    if fault is not None:
        lines.append(f"    s2_mock.inject({fault!r}, on={exchange.operation!r})")
    from pprint import pformat  # loaded late: it takes time, and snippets are rare

    target = redact_target(request.path, request.query)
    shown = redact_headers(request.headers)
    headers: dict[str, object] = _bearer(exchange, before.token)
    headers.update((name, value) for name, value in shown.items() if name not in _OWN)
    call = ["s2_mock.client.open(", f"    {target!r},", f"    method={request.method!r},"]
    if headers:
        call.append(f"    headers={_indented(pformat(headers, sort_dicts=False))},")
    if request.body:
        call.append(f"    data={_indented(pformat(request.body))},")
    call.append(")")
    if response is None:
        lines.append("    with pytest.raises(ConnectionError):")
        lines += [f"        {line}" for line in _lines(call)]
    else:
        call[0] = f"answer = {call[0]}"
        lines += [f"    {line}" for line in _lines(call)]
        lines.append(f"    assert answer.status_code == {response.status}")
    return "\n".join(lines) + "\n"


def _options(before: StateBefore) -> Iterator[str]:
    """Yield the options of the mock that has the state before the exchange."""
    token = before.token
    if before.basin is not None:
        yield f"basins={_basins(before)}"
    if token is not None and token.end == "unknown":
        yield "auth='required'"
    if token is not None and token.end == "expired":
        yield "clock='manual'"


class _Source:
    """An expression in Python, which is printed as it is."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _bearer(exchange: Exchange, token: TokenBefore | None) -> dict[str, object]:
    """Return the header with the token that is issued in the test, or one that is not."""
    if token is None:
        return {}
    if token.scope is not None:
        return {"authorization": _Source("f'Bearer {token.secret}'")}
    if token.end == "unknown" and secret_of(exchange):
        return {"authorization": "Bearer never-issued"}
    return {}


def _token_lines(token: TokenBefore | None) -> Iterator[str]:
    """Yield the statements that issue an equal token, or say what is missing."""
    if token is None or token.end == "unknown":
        return
    if token.scope is None:
        yield _missing(token)
        return
    yield "token = s2_mock.issue_token("
    yield f"    {token.id!r},"
    for name, value in _arguments(token, token.scope):
        yield f"    {name}={value!r},"
    yield ")"
    if token.end == "revoked":
        yield "token.revoke()"
    elif token.end == "expired":
        yield f"s2_mock.clock.advance({token.expires_in})"


def _missing(token: TokenBefore) -> str:
    return f"# Missing: the access token {token.id!r}, whose scope the account no longer has."


def _arguments(token: TokenBefore, scope: Scope) -> Iterator[tuple[str, object]]:
    for name in ("basins", "streams", "access_tokens"):
        names: ResourceSet = getattr(scope, name)
        if names != NOTHING:
            is_plain = names.kind == "exact" and not names.name.endswith("*")
            yield name, names.name if is_plain else {names.kind: names.name}
    if scope.ops:
        yield "ops", list(scope.ops)
    if scope.groups:
        groups: dict[str, dict[str, bool]] = {}
        for level, half in (group.split(".") for group in scope.groups):
            groups.setdefault(level, {})[half] = True
        yield "op_groups", groups
    if token.expires_in is not None:
        yield "expires_in", token.expires_in
    if token.auto_prefix_streams:
        yield "auto_prefix_streams", True


def _basins(before: StateBefore) -> str:
    if not before.streams:
        return repr([before.basin])
    return repr([{"name": before.basin, "streams": list(before.streams)}])


def _seed_lines(before: StateBefore) -> Iterator[str]:
    """Yield the statements that append the records which the exchange found."""
    if before.stream is None or not (before.filler or before.records):
        return
    yield f"log = s2_mock.stream({before.basin!r}, {before.stream!r})"
    yield from _too_many(before)
    if 0 < before.filler <= _MAX_FILLER:
        yield f'log.append(["..."] * {before.filler})  # other records, before those that are known'
    if before.records:
        yield "log.append("
        yield "    ["
        for record in before.records:
            yield f"        {_python_record(record)},"
        yield "    ]"
        yield ")"


def _too_many(before: StateBefore) -> Iterator[str]:
    """Yield a comment in place of records that are too many to append again."""
    if before.filler > _MAX_FILLER:
        yield f"# Before these there were {before.filler} other records, too many to append here."


def _python_record(record: dict[str, Any]) -> str:
    if record["command"] == "fence":
        return f"AppendRecord.fence({record['value']!r})"
    if record["command"] == "trim":
        return f"AppendRecord.trim({record['value']})"
    body = _text_or_bytes(record["body"])
    if not record["headers"]:
        return repr(body)
    pairs = [tuple(map(_text_or_bytes, pair)) for pair in record["headers"]]
    return f"AppendRecord({body!r}, {pairs!r})"


def _text_or_bytes(value: Any) -> str | bytes:
    return value if isinstance(value, str) else bytes_from_json("body", value)


def _indented(text: str) -> str:
    return text.replace("\n", "\n    ")


def _lines(parts: list[str]) -> list[str]:
    return "\n".join(parts).split("\n")


def shell_script(exchange: Exchange, before: StateBefore) -> str:
    """Return commands that make the state before an exchange, and send its request again.

    The server is a variable: that of the exchange has ended with its test.
    """
    lines = [
        "# Start a server: python -m s2mock --port 8080",
        f"{_VARIABLE}=http://127.0.0.1:8080",
        *_seed_commands(before),
        *_token_commands(before.token),
        _with_token(exchange.curl(base=f"${_VARIABLE}"), before.token, f"${_TOKEN}"),
    ]
    return "\n".join(lines) + "\n"


def live_command(exchange: Exchange, before: StateBefore) -> str:
    """Return the command that sends a request again to its server, which has its token.

    The secret of an issued token is a variable.
    """
    variable = f"${{{_TOKEN}:?the secret of the access token that was sent}}"
    return _with_token(exchange.curl(), before.token, variable)


def _with_token(command: str, token: TokenBefore | None, variable: str) -> str:
    if token is None or token.scope is None:
        return command
    return _CURL.sub(rf'\1curl -H "authorization: Bearer {variable}" ', command, count=1)


def _token_commands(token: TokenBefore | None) -> Iterator[str]:
    """Yield the commands that issue an equal token, or say what is missing."""
    if token is None:
        return
    if token.end == "unknown":
        yield "# Missing: start it with --auth required, so that it refuses this request, too."
        return
    if token.scope is None:
        yield _missing(token)
        return
    document = {
        "id": token.id,
        "scope": scope_to_json(token.scope),
        "auto_prefix_streams": token.auto_prefix_streams,
    }
    if token.expires_in is not None and token.end is None:
        yield f"# The token had {token.expires_in} s left. This one has no end."
    issue = _curl("/v1/access-tokens", document)
    pick = r"""sed 's/.*"access_token" *: *"\([^"]*\)".*/\1/'"""
    yield f"{_TOKEN}=$({issue} | {pick})"
    if token.end is not None:
        if token.end == "expired":
            yield "# The token had expired. This one is revoked, and refused with the same code."
        path = f"/v1/access-tokens/{quote(token.id or '', safe='')}"
        yield f'curl --silent --show-error -X DELETE "${_VARIABLE}"{shlex.quote(path)}'


def _seed_commands(before: StateBefore) -> Iterator[str]:
    if before.basin is None:
        return
    yield _post("/v1/basins", {"basin": before.basin})
    of_basin = f"s2-basin: {before.basin}"
    for name in before.streams:
        yield _post("/v1/streams", {"stream": name}, of_basin)
    if before.stream is None:
        return
    path = f"/v1/streams/{quote(before.stream, safe='')}/records"
    yield from _too_many(before)
    fillers = [{"body": "Li4u"}] * (before.filler if before.filler <= _MAX_FILLER else 0)
    records = [*fillers, *map(_json_record, before.records)]
    # As many as a batch may have.
    for start in range(0, len(records), 1000):
        yield _post(path, {"records": records[start : start + 1000]}, of_basin, "s2-format: base64")


def _json_record(record: dict[str, Any]) -> dict[str, Any]:
    found = {"body": _base64(record["body"])}
    if record["headers"]:
        pairs = [[_base64(part) for part in pair] for pair in record["headers"]]
        return {"headers": pairs, **found}
    return found


def _base64(value: Any) -> str:
    import base64

    data = value.encode("utf-8", "surrogatepass") if isinstance(value, str) else None
    return str(value["base64"]) if data is None else base64.b64encode(data).decode()


def _post(path: str, document: dict[str, Any], *headers: str) -> str:
    return _curl(path, document, *headers, options=("--output", "/dev/null"))


def _curl(path: str, document: dict[str, Any], *headers: str, options: tuple[str, ...] = ()) -> str:
    words = ["curl", "--silent", "--show-error", *options]
    words.append(f'"${_VARIABLE}"{shlex.quote(path)}')
    fields = [shlex.quote(one) for one in ("content-type: application/json", *headers)]
    words += [part for field in fields for part in ("-H", field)]
    words += ["--data-binary", shlex.quote(json.dumps(document, separators=(",", ":")))]
    return " ".join(words)
