"""The entries of the control API in the reference, made from its OpenAPI description."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import s2mock
from docs.markdown import table

DESCRIPTION = Path(s2mock.__file__).parent / "control" / "openapi.json"


@cache
def description() -> Any:
    """Return the OpenAPI description of the control API."""
    return json.loads(DESCRIPTION.read_text("utf-8"))


def resolve(schema: Any) -> Any:
    """Return what a reference leads to, or the thing itself."""
    if "$ref" not in schema:
        return schema
    found = description()
    for part in schema["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return found


def name_of(schema: Any) -> str:
    """Return the type of a schema as Markdown, with a link to its entry if it has one."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        target = resolve(schema)
        return f"[{name}](#{name.lower()})" if has_entry(target) else name_of(target)
    if "allOf" in schema:
        text = name_of(schema["allOf"][0])
    elif "oneOf" in schema:
        text = " or ".join(dict.fromkeys(name_of(one) for one in schema["oneOf"]))
    elif "enum" in schema:
        text = " or ".join(f"`{json.dumps(one)}`" for one in schema["enum"])
    elif schema.get("type") == "array":
        text = f"array of {name_of(schema['items'])}" if "items" in schema else "array"
    else:
        text = schema.get("type", "any JSON")
    return f"{text} or null" if schema.get("nullable") else text


def has_entry(schema: Any) -> bool:
    """True for a schema that has an entry of its own: objects, unions and long lists of texts."""
    return bool(schema.get("properties")) or "oneOf" in schema or len(schema.get("enum", ())) > 4


def routes() -> list[str]:
    """Return an entry for each method of each path."""
    lines: list[str] = []
    for path, methods in description()["paths"].items():
        for method, operation in methods.items():
            if method != "parameters":
                lines += route(f"{method.upper()} {path}", operation)
    return lines


def route(title: str, operation: Any) -> list[str]:
    """Return the entry of one route: parameters, body, answers and errors."""
    lines = [f"### `{title}`", "", operation["summary"], ""]
    parameters = [
        [f"`{one['name']}`", parameter_type(one), one.get("description", "in the path")]
        for one in map(resolve, operation.get("parameters", ()))
    ]
    if parameters:
        lines += [*table(("parameter", "type", "what it is"), parameters), ""]
    if body := operation.get("requestBody"):
        forms = [
            f"{name_of(content['schema'])} as `{kind}`" for kind, content in body["content"].items()
        ]
        optional = "" if body.get("required") else ", which may be left out"
        lines += [f"Body: {', or '.join(forms)}{optional}.", ""]
    answers = operation["responses"]
    lines += [
        f"- {status}: {answer['description']}{shown_content(answer)}"
        for status, answer in answers.items()
        if "$ref" not in answer
    ]
    shared = [f"[{status}](#statuses)" for status, answer in answers.items() if "$ref" in answer]
    return [*lines, *([f"- Errors: {', '.join(shared)}."] if shared else []), ""]


def statuses() -> list[str]:
    """Return the errors that several routes answer with."""
    used = {
        (status, answer["$ref"])
        for methods in description()["paths"].values()
        for operation in methods.values()
        if "responses" in operation
        for status, answer in operation["responses"].items()
        if "$ref" in answer
    }
    rows = [[status, resolve({"$ref": one})["description"]] for status, one in sorted(used)]
    return table(("status", "when"), rows)


def parameter_type(parameter: Any) -> str:
    """Return type and default of a parameter."""
    schema = resolve(parameter["schema"])
    default = f", default `{json.dumps(schema['default'])}`" if "default" in schema else ""
    return name_of(parameter["schema"]) + default


def shown_content(answer: Any) -> str:
    """Return the form of the body of an answer. That of an error is said once, on the page."""
    forms = []
    for kind, content in answer.get("content", {}).items():
        schema = content.get("schema", {})
        if schema.get("$ref", "").endswith("/Error"):
            continue
        form = name_of(schema)
        forms.append(form if kind == "application/json" else f"{form} as `{kind}`")
    return f" Body: {', or '.join(forms)}." if forms else ""


def schemas() -> list[str]:
    """Return an entry for each schema that has members or values."""
    return [line for name in description()["components"]["schemas"] for line in schema_entry(name)]


def schema_entry(name: str) -> Iterator[str]:
    """Yield the entry of a schema."""
    schema = description()["components"]["schemas"][name]
    if not has_entry(schema):
        return
    yield from (f"### `{name}`", "")
    if text := schema.get("description"):
        yield from (text, "")
    if "properties" in schema:
        required = schema.get("required", ())
        rows = [
            [
                f"`{member}`" + ("" if member in required else ", optional"),
                name_of(given),
                given.get("description") or resolve(given).get("description", ""),
            ]
            for member, given in schema["properties"].items()
        ]
        yield from (*table(("member", "type", "what it is"), rows), "")
    elif "oneOf" in schema:
        yield from (f"One of: {', '.join(name_of(one) for one in schema['oneOf'])}.", "")
    else:
        yield from (f"One of: {', '.join(f'`{one}`' for one in schema['enum'])}.", "")
