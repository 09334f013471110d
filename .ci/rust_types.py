"""Write the types of the control API in Rust, from its description: `make rust-types`.

    python .ci/rust_types.py [--check]

Each schema of `s2mock/control/openapi.json` becomes a struct or an enum, and each operation a
method of `Control`. The results are `types.rs` and `routes.rs` in `clients/rust/src`. With
`--check` nothing is written, and the exit status is 1 if they differ from what is there.
"""

import json
import re
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

ROOT: Final = Path(__file__).parent.parent
DESCRIPTION: Final = ROOT / "s2mock" / "control" / "openapi.json"
FOLDER: Final = ROOT / "clients" / "rust" / "src"
NOTE: Final = "//! {} `.ci/rust_types.py` writes this file.\n"
# Words of Rust that are no names of members without this mark.
KEYWORDS: Final = {"type", "use", "where", "move", "ref", "loop", "match", "in", "fn", "box"}
# A union with a value of another kind for "no end": a `Duration` is one, too.
SECONDS: Final = {"DelaySeconds": "Seconds", "AppendLatency": "LatencySeconds"}

Schema = Mapping[str, Any]


class Member(NamedTuple):
    """A member of an object: its name in JSON, its schema and type in Rust."""

    name: str
    schema: Schema
    type: str
    is_required: bool
    # An absent member and one that is null mean different things.
    is_null_meant: bool

    @property
    def field(self) -> str:
        """Return the name of the field in Rust."""
        return f"r#{self.name}" if self.name in KEYWORDS else self.name.replace("-", "_")


def to_snake(name: str) -> str:
    """Return a name in the spelling of functions."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def to_camel(name: str) -> str:
    """Return a name in the spelling of types."""
    words = re.findall(r"[A-Za-z0-9]+", name)
    return "".join(word[:1].upper() + word[1:] for word in words)


def to_variant(value: str) -> str:
    """Return the name of a variant for one of the values of an enum of texts."""
    return to_camel(value.replace("HTTP/", "http").replace(".", "_"))


def write_comment(text: str | None, indent: str = "") -> str:
    """Return the lines of a comment for a type, a field or a method."""
    lines = textwrap.wrap(text or "", 100 - len(indent)) if text else []
    return "".join(f"{indent}/// {line}\n" for line in lines)


class Types:
    """The types in Rust of all schemas of a description."""

    def __init__(self, document: Schema) -> None:
        self.document = document
        self.schemas: dict[str, Schema] = document["components"]["schemas"]
        # The name of an enum for its values: equal ones are one.
        self.enums: dict[tuple[str, ...], str] = {}
        self.inline: dict[str, Schema] = {}
        for name, schema in self.schemas.items():
            if schema.get("type") == "string" and "enum" in schema:
                self.enums.setdefault(tuple(schema["enum"]), name)
        # What a test makes itself: the bodies of requests, and all in them.
        self.given: set[str] = set()
        for methods in document["paths"].values():
            for operation in methods.values():
                self.add_given(operation.get("requestBody", {}))

    def add_given(self, schema: Any) -> None:
        """Add the names that a schema refers to, and those that they refer to."""
        for name in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(schema)):
            if name not in self.given:
                self.given.add(name)
                self.add_given(self.schemas[name])

    def resolve(self, schema: Schema) -> tuple[str | None, Schema]:
        """Return the name that a schema refers to, and the schema there."""
        if "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[1]
            return name, self.schemas[name]
        if list(schema.get("allOf", ())) and len(schema["allOf"]) == 1:
            return self.resolve(schema["allOf"][0])
        return None, schema

    def is_nullable(self, schema: Schema) -> bool:
        """True if null is a value of the schema."""
        return bool(schema.get("nullable") or self.resolve(schema)[1].get("nullable"))

    def type_of(self, schema: Schema, owner: str, member: str) -> str:
        """Return the type in Rust of a value that is not null."""
        name, found = self.resolve(schema)
        if name is not None:
            return name
        match found.get("type"):
            case "string" if "enum" in found:
                return self.enum_of(found, owner, member)
            case "string":
                return "String"
            case "boolean":
                return "bool"
            case "integer":
                return "u16" if member == "status" else "u64"
            case "number":
                return "f64"
            case "array":
                return self.array_of(found, owner, member)
            case "object" if "additionalProperties" in found and "properties" not in found:
                values = found["additionalProperties"]
                return f"BTreeMap<String, {self.type_of(values, owner, member)}>"
            case None if not set(found) - {"description", "nullable", "title"}:
                return "Value"
        raise ValueError(f"no type in Rust for {owner}.{member}: {json.dumps(found)}")

    def array_of(self, schema: Schema, owner: str, member: str) -> str:
        """Return the type in Rust of an array."""
        below = self.type_of(schema["items"], owner, member)
        if self.is_nullable(schema["items"]):
            below = f"Option<{below}>"
        low, high = schema.get("minItems"), schema.get("maxItems")
        return f"[{below}; {low}]" if low is not None and low == high else f"Vec<{below}>"

    def enum_of(self, schema: Schema, owner: str, member: str) -> str:
        """Return the name of an enum that is written where it is used."""
        values = tuple(value for value in schema["enum"] if value is not None)
        if values not in self.enums:
            name = to_camel(member)
            if name in self.schemas or name in self.inline:
                name = owner + name
            self.enums[values] = name
            self.inline[name] = {"type": "string", "enum": list(values)}
        return self.enums[values]

    def members_of(self, owner: str, schema: Schema) -> list[Member]:
        """Return the members of an object, the required ones first."""
        required = schema.get("required", ())
        members = [
            Member(
                name,
                below,
                self.type_of(below, owner, name),
                name in required,
                "nullable.Nullable" in below.get("x-go-type", ""),
            )
            for name, below in schema.get("properties", {}).items()
            if not is_constant(below)
        ]
        return [one for one in members if one.is_required] + [
            one for one in members if not one.is_required
        ]

    def write(self) -> Iterator[str]:
        """Write the file of the types."""
        yield NOTE.format("The types of the control API, with their names there.")
        yield "use std::collections::BTreeMap;\n\nuse serde::{Deserialize, Serialize};\n"
        yield "use serde_json::Value;\n"
        wrappers = {
            one["$ref"].rsplit("/", 1)[1]
            for schema in self.schemas.values()
            if self.is_tagged(schema)
            for one in schema["oneOf"]
        }
        for name, schema in self.schemas.items():
            # Serde's form of an enum has none of these.
            if name not in wrappers:
                yield from self.write_type(name, schema)
        # They were found on the way.
        for name, schema in self.inline.items():
            yield from self.write_type(name, schema)

    def write_type(self, name: str, schema: Schema) -> Iterator[str]:
        """Write one type, with what makes values of it."""
        yield "\n" + write_comment(schema.get("description"))
        if "oneOf" in schema:
            yield from self.write_union(name, schema)
        elif "properties" in schema:
            members = self.members_of(name, schema)
            yield from self.write_struct(name, members)
            if name in self.given:
                yield from self.write_methods(name, members)
        elif schema.get("type") == "string" and "enum" in schema:
            yield from write_enum(name, schema["enum"])
        else:
            yield f"pub type {name} = {self.type_of(schema, name, name)};\n"

    def write_struct(self, name: str, members: list[Member]) -> Iterator[str]:
        """Write a struct with the members of an object."""
        default = "" if any(one.is_required for one in members) else ", Default"
        yield f"#[derive(Clone, Debug, Deserialize, PartialEq, Serialize{default})]\n"
        yield f"pub struct {name} {{\n"
        for one in members:
            yield write_comment(one.schema.get("description"), "    ")
            yield from self.write_field(one)
        yield "}\n"

    def write_methods(self, name: str, members: list[Member]) -> Iterator[str]:
        """Write `new`, and a method for each optional member."""
        required = [one for one in members if one.is_required]
        optional = [one for one in members if not one.is_required]
        yield f"\nimpl {name} {{\n"
        arguments = ", ".join(f"{one.field}: {self.argument_of(one)}" for one in required)
        yield "    /// Return one with the required members alone.\n    #[must_use]\n"
        yield f"    pub fn new({arguments}) -> Self {{\n        Self {{\n"
        for one in members:
            yield f"            {one.field}: {self.value_of(one) if one.is_required else 'None'},\n"
        yield "        }\n    }\n"
        for one in optional:
            yield "\n" + write_comment(one.schema.get("description"), "    ")
            value = f"Some({self.value_of(one)})"
            yield "    #[must_use]\n"
            argument = f"{one.field}: {self.argument_of(one)}"
            value = f"Some({value})" if one.is_null_meant else value
            yield f"    pub fn {one.field}(mut self, {argument}) -> Self {{\n"
            yield f"        self.{one.field} = {value};\n"
            yield "        self\n    }\n"
        yield "}\n"

    def write_field(self, one: Member) -> Iterator[str]:
        """Write a field of a struct."""
        kind = one.type
        if one.is_required:
            if self.is_nullable(one.schema):
                kind = f"Option<{kind}>"
        elif one.is_null_meant:
            yield '    #[serde(default, deserialize_with = "crate::json::some", '
            yield 'skip_serializing_if = "Option::is_none")]\n'
            kind = f"Option<Option<{kind}>>"
        else:
            yield '    #[serde(default, skip_serializing_if = "Option::is_none")]\n'
            kind = f"Option<{kind}>"
        if one.field.removeprefix("r#") != one.name:
            yield f'    #[serde(rename = "{one.name}")]\n'
        yield f"    pub {one.field}: {kind},\n"

    def argument_of(self, one: Member) -> str:
        """Return the type of the argument for a member."""
        if one.is_required and self.is_nullable(one.schema):
            return f"Option<{one.type}>"
        if one.type.startswith("Vec<Option"):
            return one.type
        if one.type.startswith("Vec<"):
            return f"impl IntoIterator<Item = impl Into<{one.type[4:-1]}>>"
        if one.type in {"bool", "u64", "u16", "f64", "Value"} or one.type.startswith(
            ("[", "BTree")
        ):
            return one.type
        return f"impl Into<{one.type}>"

    def value_of(self, one: Member) -> str:
        """Return the value of a member, from its argument."""
        kind = self.argument_of(one)
        if kind.startswith("impl IntoIterator"):
            return f"{one.field}.into_iter().map(Into::into).collect()"
        return f"{one.field}.into()" if kind.startswith("impl") else one.field

    def write_union(self, name: str, schema: Schema) -> Iterator[str]:
        """Write an enum for a union of schemas."""
        names = [self.resolve(one)[0] or "" for one in schema["oneOf"]]
        found = [self.schemas[one] for one in names]
        derive = "#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]\n"
        if self.is_tagged(schema):
            kinds = {next(iter(one["properties"])): one.get("description") for one in found}
            yield f"{derive}pub enum {name} {{\n"
            yield from (f"    {kind}({kind}),\n" for kind in kinds)
            yield f"}}\n\nimpl {name} {{"
            for kind, text in kinds.items():
                yield from self.write_constructor(kind, text)
            yield "}\n"
            for kind in kinds:
                yield write_from(name, kind, kind)
            return
        tags = [tag_of(one) for one in found]
        if all(tags):
            yield f'{derive}#[serde(tag = "kind")]\npub enum {name} {{\n'
            for kind, tag in zip(names, tags, strict=True):
                yield f'    #[serde(rename = "{tag}")]\n    {to_camel(str(tag))}({kind}),\n'
            yield "}\n"
            for kind, tag in zip(names, tags, strict=True):
                yield write_from(name, to_camel(str(tag)), kind)
            return
        yield f"{derive}#[serde(untagged)]\npub enum {name} {{\n"
        yield from (f"    {kind}({kind}),\n" for kind in names)
        yield "}\n"
        for kind, below in zip(names, found, strict=True):
            yield write_from(name, kind, kind)
            yield from self.write_conversions(name, kind, below)

    def is_tagged(self, schema: Schema) -> bool:
        """True for a union of objects of one member, its name: Serde's usual form of an enum."""
        found = [self.resolve(one)[1] for one in schema.get("oneOf", ())]
        members = [list(one.get("properties", ())) for one in found]
        return len(found) > 2 and all(
            len(names) == 1 and names == one.get("required")
            for names, one in zip(members, found, strict=True)
        )

    def write_constructor(self, kind: str, text: str | None) -> Iterator[str]:
        """Write the function of an enum that makes one of its variants."""
        required = [one for one in self.members_of(kind, self.schemas[kind]) if one.is_required]
        arguments = ", ".join(f"{one.field}: {self.argument_of(one)}" for one in required)
        names = ", ".join(one.field for one in required)
        yield "\n" + write_comment(text, "    ")
        yield "    #[must_use]\n"
        yield f"    pub fn {to_snake(kind)}({arguments}) -> {kind} {{\n"
        yield f"        {kind}::new({names})\n    }}\n"

    def write_conversions(self, name: str, kind: str, schema: Schema) -> Iterator[str]:
        """Write what else becomes a variant of a union: texts, arrays, times."""
        if schema.get("type") == "string" and "enum" not in schema:
            yield write_from(name, kind, "&str", "value.to_owned()")
        if schema.get("type") == "array" and self.resolve(schema["items"])[0]:
            below = self.type_of(schema["items"], kind, kind)
            if not self.is_nullable(schema["items"]):
                yield write_from(name, kind, f"[{below}; N]", "value.into()", "<const N: usize>")
        if SECONDS.get(name) == kind:
            yield write_from(name, kind, "std::time::Duration", "value.as_secs_f64()")
            yield write_from(name, kind, "u32", "value.into()")


def is_constant(schema: Schema) -> bool:
    """True for the member `kind` of a union, which has one value."""
    return schema.get("type") == "string" and schema.get("enum") in (
        ["sweep"],
        ["orders"],
        ["crash"],
    )


def tag_of(schema: Schema) -> str | None:
    """Return the one value of the member `kind` of a schema, None without one."""
    kind = schema.get("properties", {}).get("kind", {})
    return str(kind["enum"][0]) if is_constant(kind) else None


def write_from(name: str, variant: str, kind: str, value: str = "value", given: str = "") -> str:
    """Return the conversion of a value into a variant of an enum."""
    return (
        f"\nimpl{given} From<{kind}> for {name} {{\n    fn from(value: {kind}) -> Self {{\n"
        f"        Self::{variant}({value})\n    }}\n}}\n"
    )


def write_enum(name: str, values: list[str]) -> Iterator[str]:
    """Write an enum of texts, which shows itself as that text."""
    yield "#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, "
    yield "Serialize)]\n"
    yield f"pub enum {name} {{\n"
    for value in values:
        yield f'    #[serde(rename = "{value}")]\n    {to_variant(value)},\n'
    yield f"}}\n\nimpl {name} {{\n    /// Return the text in JSON.\n    #[must_use]\n"
    yield "    pub fn as_str(self) -> &'static str {\n        match self {\n"
    yield from (f'            Self::{to_variant(value)} => "{value}",\n' for value in values)
    yield "        }\n    }\n}\n"
    yield f"\nimpl std::fmt::Display for {name} {{\n"
    yield "    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {\n"
    yield "        formatter.write_str(self.as_str())\n    }\n}\n"


class Routes:
    """The operations of a description, each a method of `Control`."""

    def __init__(self, types: Types) -> None:
        self.types = types

    def write(self) -> Iterator[str]:
        """Write the file of the operations."""
        operations = [
            (method.upper(), path, operation)
            for path, methods in self.types.document["paths"].items()
            for method, operation in methods.items()
        ]
        yield NOTE.format("Each operation of the control API.")
        yield "use crate::{\n    Result,\n    control::{Control, Events, Request},\n"
        yield "    types::*,\n};\n"
        for _, _, operation in operations:
            yield from self.write_parameters(operation)
        yield "\nimpl Control {"
        for method, path, operation in operations:
            yield from self.write_methods(method, path, operation)
        yield "}\n"

    def members_of(self, operation: Schema) -> list[Member]:
        """Return the parameters of an operation that are not in its path."""
        owner = to_camel(operation["operationId"])
        found = [one for one in operation.get("parameters", ()) if one["in"] != "path"]
        members = [
            Member(
                one["name"],
                {**one["schema"], "description": one.get("description")},
                self.types.type_of(one["schema"], owner, one["name"]),
                one.get("required", False),
                is_null_meant=False,
            )
            for one in found
        ]
        return sorted(members, key=lambda one: not one.is_required)

    def write_parameters(self, operation: Schema) -> Iterator[str]:
        """Write a struct for the parameters of an operation, if there are any."""
        members = self.members_of(operation)
        if not members:
            return
        name = f"{to_camel(operation['operationId'])}Query"
        yield f"\n/// The parameters of [`Control::{to_snake(operation['operationId'])}`].\n"
        text = "".join(
            [*self.types.write_struct(name, members), *self.types.write_methods(name, members)]
        )
        text = re.sub(r"    #\[serde\(.*\n", "", text)
        text = text.replace("Deserialize, ", "").replace(", Serialize", "")
        yield text
        places = {one["name"]: one["in"] for one in operation["parameters"]}
        yield f"\nimpl {name} {{\n    fn add_to(&self, request: Request) -> Request {{\n"
        yield "        request"
        for one in members:
            way = "header" if places[one.name] == "header" else "query"
            many = "_all" if one.type.startswith("Vec<") else ""
            given = f"Some(&self.{one.field})" if one.is_required else f"self.{one.field}.as_ref()"
            yield f'\n            .{way}{many}("{one.name}", {given})'
        yield "\n    }\n}\n"

    def write_methods(self, method: str, path: str, operation: Schema) -> Iterator[str]:
        """Write a method for each form of the response of an operation."""
        forms: dict[str, str | None] = {}
        has_no_content = False
        for status, response in operation["responses"].items():
            if status.startswith("2"):
                contents = response.get("content", {})
                has_no_content |= not contents
                for kind, content in contents.items():
                    forms[kind] = self.types.resolve(content["schema"])[0]
        if not forms:
            yield from self.write_method(method, path, operation, "", "()", "nothing")
        for number, (kind, schema) in enumerate(forms.items()):
            if kind == "application/json":
                json_type = f"Option<{schema}>" if has_no_content else str(schema)
                end = "json_or_nothing" if has_no_content else "json"
                yield from self.write_method(method, path, operation, "", json_type, end)
            elif kind == "text/event-stream":
                yield from self.write_method(method, path, operation, "_events", "Events", "events")
            else:
                suffix = "_text" if number else ""
                accept = kind.partition(";")[0]
                yield from self.write_method(
                    method, path, operation, suffix, "String", f'text("{accept}")'
                )

    def write_method(
        self, method: str, path: str, operation: Schema, suffix: str, kind: str, end: str
    ) -> Iterator[str]:
        """Write one method."""
        name = to_snake(operation["operationId"]) + suffix
        places = [one for one in operation.get("parameters", ()) if one["in"] == "path"]
        arguments = [
            f"{one['name']}: {'u64' if one['schema']['type'] == 'integer' else '&str'}"
            for one in places
        ]
        calls = []
        body = operation.get("requestBody")
        if body:
            schema = self.types.resolve(body["content"]["application/json"]["schema"])[0]
            is_text = self.types.schemas[str(schema)].get("type") == "string"
            arguments.append("body: Option<&str>" if is_text else f"body: &{schema}")
            calls.append(".body_text(body)" if is_text else ".body(body)")
        path = path.removeprefix("/_s2mock")
        target = f'&format!("{path}")' if places else f'"{path}"'
        yield "\n" + write_comment(operation.get("summary"), "    ")
        members = self.members_of(operation)
        if members:
            arguments.append(f"query: &{to_camel(operation['operationId'])}Query")
        given = "".join(f", {one}" for one in arguments)
        yield f"    pub async fn {name}(&self{given}) -> Result<{kind}> {{\n"
        for one in places:
            if one["schema"]["type"] != "integer":
                yield f"        let {one['name']} = crate::control::encode({one['name']});\n"
        request = f'Request::new("{method}", {target}){"".join(calls)}'
        if members:
            request = f"query.add_to({request})"
        call = end if end.endswith(")") else f"{end}()"
        yield f"        self.send({request}).{call}.await\n    }}\n"


def main(arguments: list[str]) -> int:
    """Write both files, or compare them, and return the exit status."""
    types = Types(json.loads(DESCRIPTION.read_text()))
    # The parameters are written first, since they may have enums of their own.
    routes = "".join(Routes(types).write())
    texts = {"types.rs": "".join(types.write()), "routes.rs": routes}
    differing = [name for name, text in texts.items() if read(FOLDER / name) != text]
    if arguments == ["--check"]:
        for name in differing:
            print(f"clients/rust/src/{name} is not what the description says: make rust-types")
        return int(bool(differing))
    for name in differing:
        (FOLDER / name).write_text(texts[name])
    return 0


def read(path: Path) -> str | None:
    """Return the text of a file, None if there is none."""
    return path.read_text() if path.exists() else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
