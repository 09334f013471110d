"""A response against the description: its status, its content type, its body and S2's headers.

Stricter than the description asks for: a member that it does not name is a finding too, so that
all that the fake sends is either described or in the table of gaps.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from jsonschema import Draft202012Validator, FormatChecker, ValidationError

from s2mock.contract.schema_gaps import Finding
from s2mock.contract.sessions import inflate

DOCUMENT: dict[str, Any] = json.loads((Path(__file__).parent / "openapi.json").read_bytes())

JSON = "application/json"
EVENT_STREAM = "text/event-stream"
_METHODS = ("get", "put", "post", "patch", "delete")


class Response(NamedTuple):
    """A response and what of its request must be known; `path` is as sent, without a query.

    Header names are in any case. `body` is `None` where it goes on for as long as a session.
    """

    method: str
    path: str
    status: int
    headers: Iterable[tuple[str, str]]
    body: bytes | None


def check(response: Response) -> Iterator[Finding]:
    """Everything about a response that the description does not have."""
    # HTTP itself says what HEAD answers, so no description has it.
    method = "GET" if response.method == "HEAD" else response.method
    operations = _operations_at(response.path)
    if operations is None:
        name = f"{method} {response.path}"
        yield Finding("path", name, response.status, "not described", response.path)
        return
    template, described = operations
    name = f"{method} {template}"
    # Sent in small letters it is another method.
    operation = described.get(method.lower()) if method.isupper() else None
    if operation is None:
        yield Finding("method", name, response.status, "not described", method)
        return
    headers = {key.lower(): value for key, value in response.headers}
    for header in sorted(headers):
        if header.startswith("s2-"):
            yield Finding("header", name, response.status, f"{header} not described", header)
    documented = operation["responses"].get(str(response.status))
    if documented is None:
        yield Finding("status", name, response.status, "not described", response.status)
        # The body of an error is held to what the other errors look like.
        documented = operation["responses"]["400"] if response.status >= 400 else {}
    body = response.body
    if response.method == "HEAD" or (body is None and "content-type" not in headers):
        return
    if body is not None:
        body = inflate(body, headers.get("content-encoding"))
    yield from _check_body(name, response.status, documented, headers.get("content-type"), body)


def _check_body(
    name: str,
    status: int,
    documented: Mapping[str, Any],
    content_type: str | None,
    body: bytes | None,
) -> Iterator[Finding]:
    content = documented.get("content", {})
    if content_type is None and not body:
        if content:
            yield Finding("content type", name, status, "an empty body is not described", None)
        return
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type not in content:
        problem = f"{content_type!r} not described"
        yield Finding("content type", name, status, problem, media_type)
    elif media_type == JSON and body is not None:
        yield from _check_document(name, status, json.dumps(content[JSON]["schema"]), body)


# Many answers of a test run are the same to the byte.
@lru_cache(maxsize=1024)
def _check_document(name: str, status: int, schema: str, body: bytes) -> tuple[Finding, ...]:
    try:
        document = json.loads(body)
    except ValueError as error:
        return (Finding("schema", name, status, f"no JSON: {error}", body),)
    return tuple(_against(name, status, _validator(schema), document))


def check_event(path: str, event: bytes) -> Iterator[Finding]:
    """Everything about one server-sent event that the description of a read does not have."""
    operations = _operations_at(path)
    assert operations is not None, path
    name = f"GET {operations[0]}"
    fields = dict(line.partition(": ")[::2] for line in event.decode().strip().split("\n"))
    data = fields.get("data", "")
    validator = _event_validators().get(fields.get("event", ""))
    if validator is None:
        yield Finding("event", name, 200, f"{fields} not described", data)
        return
    # The description has the data of an error as text, that of the others as a document.
    document = {**fields, "data": data if fields["event"] == "error" else json.loads(data)}
    yield from _against(name, 200, validator, document)


@cache
def _event_validators() -> dict[str, Draft202012Validator]:
    """For each event its own branch of the description, for findings that say what is wrong."""
    kinds = DOCUMENT["components"]["schemas"]["ReadEvent"]["oneOf"]
    return {kind["title"]: _validator(json.dumps(kind)) for kind in kinds}


def _against(
    name: str, status: int, validator: Draft202012Validator, document: Any
) -> Iterator[Finding]:
    for error in validator.iter_errors(document):
        for fault in _faults(error):
            place, rule = tuple(fault.absolute_path), str(fault.validator)
            found: Any = fault.instance
            if rule != "additionalProperties":
                yield Finding("schema", name, status, fault.message, found, place, rule)
                continue
            schema: Any = fault.schema
            for member in sorted(found.keys() - schema["properties"].keys()):
                value = found[member]
                problem = f"{value!r} not described"
                yield Finding("schema", name, status, problem, value, (*place, member), rule)


def _faults(error: ValidationError) -> Iterator[ValidationError]:
    """Yield the faults of the one alternative that was meant; the error itself if none is nearest.

    Meant is an alternative of the right type that has all its members.
    """
    alternatives: dict[Any, list[ValidationError]] = {}
    for inner in error.context or ():
        alternatives.setdefault(inner.relative_schema_path[0], []).append(inner)
    meant = [
        faults
        for faults in alternatives.values()
        if not any(
            fault.validator in ("type", "required") and not fault.relative_path for fault in faults
        )
    ]
    if len(meant) != 1:
        yield error
        return
    for fault in meant[0]:
        yield from _faults(fault)


@cache
def _paths() -> list[tuple[re.Pattern[str], str, Any]]:
    [server] = DOCUMENT["servers"]
    base = "/" + server["url"].partition("://")[2].partition("/")[2]
    return [
        # An empty parameter in the middle of a path is one too, if one that is refused.
        (re.compile(re.escape(base) + _pattern(template)), template, operations)
        for template, operations in DOCUMENT["paths"].items()
    ]


def _pattern(template: str) -> str:
    ended = re.sub(r"\{\w+\}$", "[^/]+", template)
    return re.sub(r"\{\w+\}", "[^/]*", ended)


def _operations_at(path: str) -> tuple[str, dict[str, Any]] | None:
    for pattern, template, operations in _paths():
        if pattern.fullmatch(path):
            return template, {key: operations[key] for key in _METHODS if key in operations}
    return None


_formats = FormatChecker(formats=())


@_formats.checks("int64")
def _is_int64(value: object) -> bool:
    return not isinstance(value, int) or -(2**63) <= value < 2**63


@_formats.checks("int32")
def _is_int32(value: object) -> bool:
    return not isinstance(value, int) or -(2**31) <= value < 2**31


@_formats.checks("date-time", raises=ValueError)
def _is_date_time(value: object) -> bool:
    if not isinstance(value, str):
        return True
    # RFC 3339 knows fewer spellings than Python.
    if not re.fullmatch(r"[\d-]{10}T[\d:]{8}(\.\d+)?(Z|[+-]\d\d:\d\d)", value, re.ASCII):
        return False
    datetime.fromisoformat(value)
    return True


@cache
def _validator(schema: str) -> Draft202012Validator:
    """A validator of a schema, given as JSON text."""
    return Draft202012Validator(_closed(json.loads(schema)), format_checker=_formats)


def _closed(schema: Any) -> Any:
    """The schema with no other members than it names, and what it refers to in its place.

    Following a reference again for each response takes longer than all the rest.
    """
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items() if key != "$ref"}
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/components/schemas/")
        closed |= _closed(DOCUMENT["components"]["schemas"][name])
    if schema.get("type") == "object" and "properties" in schema:
        closed["additionalProperties"] = False
    return closed
