"""A prefix of the names of basins at an upstream, which its clients do not see."""

import json
import re
import secrets
from typing import Any, Final, NamedTuple
from urllib.parse import quote, unquote

from s2mock.registry.values.errors import Invalid, InvalidName
from s2mock.registry.values.names import MAX_BASIN_NAME_BYTES, BasinName, is_basin_prefix
from s2mock.runtime.environ import Fields

_LETTERS: Final = "abcdefghijklmnopqrstuvwxyz0123456789"
_RANDOM: Final = 8
_MAX_BYTES: Final = 40


class NameTooLong(Invalid):
    """The name of a basin is too long with its prefix; S2 never got it."""

    rule = ""

    def __init__(self, name: str, prefix: str) -> None:
        size = len((prefix + name).encode())
        super().__init__(
            f"the name of basin `{name}` has {size} bytes with the prefix `{prefix}` that s2mock "
            f"puts before it (basin_prefix), and S2 takes {MAX_BASIN_NAME_BYTES}: choose a shorter "
            "name or a shorter prefix"
        )
        self.explanation = self.message


def make_prefix(template: str) -> str:
    """Return a prefix, with random letters for a `*` in the template. Raises `ValueError`."""
    filled = template.replace("*", _random_letters(), 1)
    if not is_basin_prefix(filled) or len(filled) > _MAX_BYTES:
        raise ValueError(
            "basin_prefix must be lower-case letters, digits and hyphens, at most "
            f"{_MAX_BYTES} bytes, and begin with a letter or a digit, with at most one * for "
            f"random letters, as in 'ci-*-', not {template!r}"
        )
    return filled


def random_template(template: str | None) -> str:
    """Return a template with random letters in it, for basins of which no other mock knows."""
    if template is None:
        return "s2mock-*-"
    return template if "*" in template else f"{template}*-"


def _random_letters() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_RANDOM))


class BasinPrefix:
    """The prefix of the names of one mock's basins, put before them and taken off again."""

    def __init__(self, prefix: str) -> None:
        self.text: Final = prefix

    def add(self, name: str) -> str:
        """Return the name that a basin has at the upstream. Raises `NameTooLong`."""
        if len((self.text + name).encode()) > MAX_BASIN_NAME_BYTES:
            raise NameTooLong(name, self.text)
        return self.text + name

    def add_if_valid(self, name: str) -> str:
        """Return as `add`; a name that S2 refuses as it is, so that S2 refuses it.

        With a prefix it might be long enough. Raises `NameTooLong`.
        """
        try:
            BasinName(name)
        except InvalidName:
            return name
        return self.add(name)

    def strip(self, name: str) -> str:
        """Return the name that a client knows a basin by."""
        return name.removeprefix(self.text)

    def strip_from_message(self, message: str, name: str | None) -> str:
        """Return a message of the upstream with the name that a client knows the basin by."""
        return message if not name else message.replace(self.text + name, name)


class _Rewriting(NamedTuple):
    """How the parts of a request and of its answer name basins."""

    in_path: bool = False
    in_listing: bool = False
    in_body: bool = False
    in_scope: bool = False


_BY_OPERATION: Final = {
    "list-basins": _Rewriting(in_listing=True),
    "create-basin": _Rewriting(in_body=True),
    "get-basin-config": _Rewriting(in_path=True),
    "ensure-basin": _Rewriting(in_path=True),
    "delete-basin": _Rewriting(in_path=True),
    "reconfigure-basin": _Rewriting(in_path=True),
    "basin-metrics": _Rewriting(in_path=True),
    "stream-metrics": _Rewriting(in_path=True),
    "issue-access-token": _Rewriting(in_scope=True),
}
_LISTED: Final = ("prefix", "start_after")
BASIN: Final = "s2-basin"
_BASIN_HOST: Final = re.compile(r"([^.]+)(\.b\..+)")


def rewritten_target(
    prefix: BasinPrefix, operation: str | None, target: str, parameters: dict[str, str]
) -> str:
    """Return the target of a request with the prefix before the basin that it names.

    `parameters` are those of its path, percent-encoded. Raises `NameTooLong`.
    """
    rewriting = _BY_OPERATION.get(operation or "")
    if rewriting is None:
        return target
    path, mark, query = target.partition("?")
    if rewriting.in_path and (raw := parameters.get("basin")):
        added = quote(prefix.add_if_valid(unquote(raw)), safe="")
        head, _, rest = path.partition(f"/{raw}")
        path = f"{head}/{added}{rest}"
    if rewriting.in_listing:
        query = _listed_query(prefix, query)
        mark = "?"
    return f"{path}{mark}{query}"


def _listed_query(prefix: BasinPrefix, query: str) -> str:
    """Return the query of a listing of basins, for those with the prefix only."""
    parts, has_prefix = [], False
    for part in query.split("&") if query else ():
        name, mark, value = part.partition("=")
        if name in _LISTED and (value or name == "prefix"):
            has_prefix |= name == "prefix"
            parts.append(f"{name}{mark or '='}{quote(prefix.text, safe='')}{value}")
        else:
            parts.append(part)
    if not has_prefix:
        parts.append(f"prefix={quote(prefix.text, safe='')}")
    return "&".join(parts)


def rewritten_fields(prefix: BasinPrefix, fields: Fields) -> Fields:
    """Return header fields with the prefix before the basin that they name.

    Raises `NameTooLong`.
    """
    found = []
    for name, value in fields:
        if name == BASIN and value:
            found.append((name, prefix.add_if_valid(value)))
        elif name == "host" and (host := _BASIN_HOST.fullmatch(value)):
            found.append((name, prefix.add_if_valid(host[1]) + host[2]))
        else:
            found.append((name, value))
    return tuple(found)


def named_basin(fields: Fields) -> str | None:
    """Return the basin that the header fields name, as S2 finds it; None for no valid name."""
    # Of a repeated field the first value counts.
    values = dict(reversed(fields))
    name = values.get(BASIN)
    if name is None and (host := _BASIN_HOST.fullmatch(values.get("host", ""))):
        name = host[1]
    try:
        return None if name is None else BasinName(name)
    except InvalidName:
        return None


def rewritten_body(prefix: BasinPrefix, operation: str | None, body: bytes) -> bytes | None:
    """Return a body with the prefix before the names of basins; None to leave it as it is.

    Raises `NameTooLong`.
    """
    rewriting = _BY_OPERATION.get(operation or "")
    if rewriting is None or not (rewriting.in_body or rewriting.in_scope):
        return None
    document = _object(body)
    if document is None:
        return None
    if rewriting.in_body and isinstance(document.get("basin"), str) and document["basin"]:
        document["basin"] = prefix.add_if_valid(document["basin"])
    elif rewriting.in_scope and (basins := _basins_of_scope(document)) is not None:
        # An empty exact name gives access to nothing, and an empty prefix to everything.
        if isinstance(exact := basins.get("exact"), str) and exact:
            basins["exact"] = prefix.add_if_valid(exact)
        if isinstance(start := basins.get("prefix"), str):
            basins["prefix"] = prefix.text + start
    else:
        return None
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def stripped_answer(
    prefix: BasinPrefix, operation: str | None, basin: str | None, body: bytes
) -> bytes:
    """Return the body of an answer without the prefix, as it is where it has none."""
    if prefix.text.encode() not in body:
        return body
    document = _object(body)
    if document is None:
        return body
    if isinstance(document.get("message"), str):
        document["message"] = prefix.strip_from_message(document["message"], basin)
    if isinstance(document.get("name"), str) and operation in ("create-basin", "ensure-basin"):
        document["name"] = prefix.strip(document["name"])
    if operation == "list-basins" and isinstance(document.get("basins"), list):
        for info in document["basins"]:
            info["name"] = prefix.strip(info["name"])
    if operation == "list-access-tokens":
        _strip_scopes(prefix, document)
    if operation == "account-metrics":
        _strip_metrics(prefix, document)
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _strip_scopes(prefix: BasinPrefix, document: dict[str, Any]) -> None:
    """Take the prefix off the basins in the scopes of tokens."""
    for token in document.get("access_tokens", ()):
        for kind, name in (_basins_of_scope(token) or {}).items():
            if isinstance(name, str):
                token["scope"]["basins"][kind] = prefix.strip(name)


def _basins_of_scope(token: Any) -> dict[str, Any] | None:
    """Return the basins to which a token gives access, as in its document."""
    scope = token.get("scope") if isinstance(token, dict) else None
    basins = scope.get("basins") if isinstance(scope, dict) else None
    return basins if isinstance(basins, dict) else None


def _strip_metrics(prefix: BasinPrefix, document: dict[str, Any]) -> None:
    """Leave of the labels of metrics, which are names of basins, those with the prefix."""
    for metric in document.get("values", ()):
        label = metric.get("label") if isinstance(metric, dict) else None
        if isinstance(label, dict) and isinstance(label.get("values"), list):
            label["values"] = [
                prefix.strip(name) for name in label["values"] if name.startswith(prefix.text)
            ]


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
