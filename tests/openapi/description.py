"""What the published description says of a response, and whether a response is like that."""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from s2mock.contract.schema_gaps import Deviation

DESCRIPTION = json.loads(Path(__file__).with_name("openapi.json").read_text("utf-8"))
EVENT_STREAM = "text/event-stream"
_PREFIX = "/v1"


def operation_of(method: str, raw_path: str) -> str | None:
    """The operation that a request is, `None` if there is none described."""
    method = "GET" if method == "HEAD" else method
    if not method.isupper() or not raw_path.startswith(f"{_PREFIX}/"):
        return None
    segments = tuple(raw_path.removeprefix(_PREFIX).split("/"))
    for path, operations in DESCRIPTION["paths"].items():
        if method.lower() in operations and _fits(tuple(path.split("/")), segments):
            return f"{method} {path}"
    return None


def deviations(
    operation: str, status: int, content_type: str | None, body: bytes | None
) -> Iterator[Deviation]:
    """In what the response is not as described; a `body` of `None` is not looked at."""

    def deviation(what: str) -> Deviation:
        return Deviation(operation, status, content_type, what)

    method, _, path = operation.partition(" ")
    responses: Mapping[str, Any] = DESCRIPTION["paths"][path][method.lower()]["responses"]
    if str(status) not in responses:
        yield deviation("status")
        return
    contents = responses[str(status)].get("content", {})
    if content_type not in (contents or {None: None}):
        yield deviation("content type")
        return
    if body is None or (content_type is None and not body):
        return
    if content_type is None:
        yield deviation("body")
        return
    validator = _validator(operation, status, content_type)
    for document in _documents(content_type, body):
        for error in validator.iter_errors(document):
            yield deviation(f"{error.json_path}: {error.message}")


def _fits(path: tuple[str, ...], segments: tuple[str, ...]) -> bool:
    if len(path) != len(segments) or not segments[-1]:
        return False
    return all(
        part == segment or part.startswith("{")
        for part, segment in zip(path, segments, strict=True)
    )


@cache
def _validator(operation: str, status: int, content_type: str) -> Any:
    method, _, path = operation.partition(" ")
    response = DESCRIPTION["paths"][path][method.lower()]["responses"][str(status)]
    return Draft202012Validator(_inlined(response["content"][content_type]["schema"]))


def _inlined(node: Any) -> Any:
    """A schema with all that it refers to in its place, which is faster to check."""
    if isinstance(node, list):
        return [_inlined(item) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return _inlined(DESCRIPTION["components"]["schemas"][node["$ref"].rpartition("/")[2]])
    return {key: _inlined(value) for key, value in node.items()}


def _documents(content_type: str, body: bytes) -> Iterator[Any]:
    if content_type != EVENT_STREAM:
        yield json.loads(body)
        return
    # What stands behind the last blank line was cut off by a reader that went away.
    *events, _ = body.decode().split("\n\n")
    for text in events:
        event: dict[str, Any] = dict(line.split(": ", 1) for line in text.split("\n"))
        if event.get("event") in ("batch", "ping"):
            # As the description has it; the data of an error is text to it.
            event["data"] = json.loads(event["data"])
        yield event
