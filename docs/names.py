"""The entries of the public names of Python in the reference, made from signatures and docstrings.

A public name without a group, and a member without a docstring, is a `LookupError`.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import s2mock
from docs.markdown import search_words

PACKAGE = Path(s2mock.__file__).parent

# The public names, by the block of the reference that has their entries, in order.
GROUPS = {
    "names_mock": ("S2Mock", "RemoteS2Mock", "Account", "NotOnTarget", "TargetError"),
    "names_streams": (
        *("Basin", "Stream", "BasinConfig", "StreamConfig", "AppendRecord", "AppendAck"),
        *("SequencedRecord", "StreamPosition", "BasinInfo", "StreamInfo", "Page"),
    ),
    "names_tokens": ("Token", "TokenInfo", "Scope", "ResourceSet"),
    "names_faults": (
        *("Fail", "Drop", "Cut", "Delay", "Late", "Silence", "Slow", "Answer", "Drain", "Fault"),
        *("Injection", "Hold", "Hook", "FaultPlan", "PlannedFault", "UnusedFault"),
    ),
    "names_journal": ("Journal", "Exchange", "Request", "Response", "Effect", "S2Advice"),
    "names_clocks": ("ManualClock", "SystemClock", "Clock"),
    "names_snapshots": ("Snapshot",),
    "names_campaigns": ("Sweep", "Orders", "Run", "Actor", "Crashes", "CampaignReport"),
    "names_errors": ("S2Error", "StaleHandle"),
}
# These have a row each in the table of exceptions.
IN_TABLE = tuple(
    name
    for name in s2mock.__all__
    if isinstance(kind := getattr(s2mock, name), type)
    and issubclass(kind, s2mock.S2Error)
    and name not in GROUPS["names_errors"]
)
MODULES = {
    "names_strategies": ("s2mock.strategies", PACKAGE / "strategies"),
    "names_simulation": ("s2mock.simulation", PACKAGE / "simulation"),
}
# Members that are for s2mock itself, or those of a tuple or an exception.
INTERNAL = {
    *("add_note", "args", "with_traceback", "name", "obj", "count", "index"),
    *("body", "headers", "ends_connection"),
}
INTERNAL_OF = {
    "AppendRecord": {"command", "metered_bytes"},
    "BasinConfig": {"creates_stream_on", "reconfigure"},
    "CampaignReport": {"groups", "notes"},
    "ResourceSet": {"is_within", "matches"},
    "Scope": {"first_beyond"},
    "Snapshot": {"from_bytes", "to_bytes"},
    "StreamConfig": {"merge", "reconfigure"},
}
# Objects that s2mock makes, so their constructors are not part of the API.
NOT_MADE_BY_USERS = {
    *("Account", "Actor", "Basin", "CampaignReport", "Effect", "Exchange", "Fault", "Hold", "Hook"),
    *("Injection", "Journal", "Request", "Response", "Run", "Snapshot", "Stream", "Token"),
    *("NotOnTarget", "S2Advice", "S2Error", "StaleHandle", "TargetError", "UnusedFault", "Clock"),
    *("AppendAck", "BasinInfo", "Page", "Scope", "ResourceSet", "SequencedRecord"),
    *("StreamInfo", "StreamPosition", "TokenInfo"),
}
# Attributes, which have no docstring.
ATTRIBUTES = {
    "S2Mock": {
        "account": "`account: Account`: the account behind the mock, which can also list basins in "
        "pages.",
        "clock": "`clock: Clock`: the clock that all times come from.",
        "token": "`token: str`: the account's own access token, another one in each test.",
    },
    "Actor": {
        "name": "`name: str`: the name that `run.actor` gave it.",
        "token": "`token: str`: the access token of the actor.",
    },
    "S2Error": {
        "status": "`status: int`: the HTTP status.",
        "code": "`code: str`: S2's error code.",
        "message": "`message: str`: the message that S2 sends.",
    },
}
# Names that only the source knows, and what a user may write or reads there.
ALIASES = {
    "PATIENCE": "5",
    "U64_MAX": "2**64 - 1",
    "ProfileName": 'Literal["real", "documented"]',
    "Auth": 'Literal["open", "required"]',
    "Point": 'Literal["arrival", "commit", "answer"]',
    "Function": "Callable[[Exchange], Fault | None]",
    "Names": "str | Mapping[str, str] | None",
    "MonkeyPatch": "pytest.MonkeyPatch",
    "AccountClock": "Clock",
    "TimestampingMode": 'Literal["client-prefer", "client-require", "arrival"]',
    "Cipher": 'Literal["aegis-256", "aes-256-gcm"]',
    "Header": "tuple[bytes, bytes]",
    "LIMIT": "1000",
    "MAX_PAGE": "1000",
    "RetentionPolicy": 'int | Literal["infinite"]',
    "UNSET": "StreamConfig()",
    "When": 'Literal["before", "after"]',
    "WsgiApp": "WSGIApplication",
}
# The same, of whole annotations and defaults.
TEXTS = {
    'DEFAULTS["max_runs"]': "1000",
    'DEFAULTS["settle"]': "1.0",
    "_DATA_PLANE": '("append", "read", "check-tail", "append-session")',
    "_NO_FAULTS": "{}",
    "MappingProxyType({})": "{}",
    "64 * 1024 * 1024": "67_108_864",
    "Unpack[BasinConfigChanges]": "Any",
    "Unpack[StreamConfigChanges]": "Any",
    "Iterator[None]": "AbstractContextManager[None]",
}
LINE = 88


def entries(names: tuple[str, ...]) -> list[str]:
    """Return the entries of these public names, as lines of Markdown."""
    return [line for name in names for line in entry(name)]


def entry(name: str) -> list[str]:
    """Return the entry of a public name: its signature, its docstring and its members."""
    kind = getattr(s2mock, name)
    lines = [f"## `{name}`", ""]
    if (signature := made_with(name, kind)) is not None:
        lines += [*code(signature), ""]
    elif fields := fields_of(kind):
        lines += [*code([f"{name}: {type_}" for name, type_, _ in fields]), ""]
    lines += [*text_of(name, kind), ""]
    return lines + members(name, kind)


def made_with(name: str, kind: type) -> list[str] | None:
    """Return the call that makes such an object, or None if users do not make it."""
    if name in NOT_MADE_BY_USERS:
        return None
    if "__init__" in vars(kind) and not hasattr(kind, "__dataclass_fields__"):
        return call(name, node_of(vars(kind)["__init__"]), skip=1)
    parameters, is_keyword = [], False
    for field, type_, given in fields_of(kind):
        default = given
        if (default or "").startswith("field("):
            found = re.fullmatch(
                r"field\((?:default=(.*?))?(?:, )?(kw_only=True)?\)", default or ""
            )
            assert found, default
            default = found[1]
            if found[2] and not is_keyword:
                is_keyword = True
                parameters.append("*")
        default = ALIASES.get(default or "", default)
        parameters.append(f"{field}: {type_}" + (f" = {default}" if default else ""))
    return wrapped(name, parameters, "")


def fields_of(kind: type) -> list[tuple[str, str, str | None]]:
    """Return name, type and default of each public field of a dataclass or a named tuple."""
    if not (hasattr(kind, "__dataclass_fields__") or hasattr(kind, "_fields")):
        return []
    source = textwrap.dedent(inspect.getsource(kind))
    [node] = ast.parse(source).body
    assert isinstance(node, ast.ClassDef)
    return [
        (
            one.target.id,
            type_text(source, one.annotation),
            ast.get_source_segment(source, one.value) if one.value is not None else None,
        )
        for one in node.body
        if isinstance(one, ast.AnnAssign)
        and isinstance(one.target, ast.Name)
        and not one.target.id.startswith("_")
        and "ClassVar" not in ast.unparse(one.annotation)
        and one.target.id not in INTERNAL_OF.get(kind.__name__, ())
        and "init=False" not in (ast.unparse(one.value) if one.value else "")
    ]


def members(name: str, kind: type) -> list[str]:
    """Return the entries of the public members: attributes and properties, then methods."""
    if name == "RemoteS2Mock":
        # Those of `S2Mock`, as its docstring says.
        return []
    own = {field for field, _, _ in fields_of(kind)}
    properties, methods = list(ATTRIBUTES.get(name, {}).values()), []
    for member in sorted(dir(kind)):
        hidden = INTERNAL - own | INTERNAL_OF.get(name, set())
        # What `dir()` leaves out of an object.
        hidden |= getattr(kind, "_for_s2mock", frozenset())
        if kind.__module__.startswith("s2mock.handles"):
            hidden -= {"name"}
        if member.startswith("_") or member in own or member in hidden:
            continue
        value = inspect.getattr_static(kind, member)
        if isinstance(value, property):
            assert value.fget is not None
            source, node = node_of(value.fget)
            type_ = type_text(source, node.returns) if node.returns else ""
            properties.append(f"`{member}: {type_}`: {one_line(text_of(member, value.fget))}")
        elif callable(function := getattr(value, "__func__", value)):
            methods += [f"### `{name}.{member}`", "", search_words(member), ""]
            is_static = isinstance(value, staticmethod)
            shown = call(member, node_of(function), skip=0 if is_static else 1)
            methods += [*code(shown), "", *text_of(member, function), ""]
    return [*(f"- {text}" for text in properties), *([""] if properties else []), *methods]


def module_entries(name: str, folder: Path) -> list[str]:
    """Return the entries of the functions of a module, which need not be importable here."""
    public = public_names(folder / "__init__.py")
    lines = []
    for one in public:
        source, node = find(folder, one)
        lines += [f"## `{name}.{one}`", ""]
        if isinstance(node, ast.ClassDef):
            fields = [
                f"{ast.unparse(part.target)}: {type_text(source, part.annotation)}"
                for part in node.body
                if isinstance(part, ast.AnnAssign)
            ]
            lines += [*code(fields), ""]
        else:
            lines += [*code(call(one, (source, node), skip=0)), ""]
        lines += [*paragraphs(ast.get_docstring(node) or missing(one)), ""]
    return lines


def public_names(file: Path) -> list[str]:
    """Return `__all__` of a module, which is not imported."""
    for node in ast.parse(file.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    raise LookupError(f"docs/names.py: {file} has no __all__")


Definition = ast.FunctionDef | ast.AsyncFunctionDef


def find(folder: Path, name: str) -> tuple[str, Any]:
    """Return source and node of a function or class in a folder. Raises `LookupError`."""
    for file in sorted(folder.glob("*.py")):
        source = file.read_text("utf-8")
        for node in ast.parse(source).body:
            if getattr(node, "name", None) == name and isinstance(node, Definition | ast.ClassDef):
                return source, node
    raise LookupError(f"docs/names.py: {folder} has no {name}")


def node_of(function: Any) -> tuple[str, Definition]:
    """Return source and node of a function."""
    source = textwrap.dedent(inspect.getsource(inspect.unwrap(function)))
    [node] = ast.parse(source).body
    assert isinstance(node, Definition)
    return source, node


def call(name: str, definition: tuple[str, Definition], *, skip: int) -> list[str]:
    """Return how a function is called, with types and defaults, without its first parameters."""
    source, node = definition
    given = node.args
    positional = [*given.posonlyargs, *given.args]
    defaults: list[ast.expr | None] = [None] * (len(positional) - len(given.defaults))
    parameters = [
        parameter(source, one, default)
        for one, default in zip(positional, [*defaults, *given.defaults], strict=True)
    ][skip:]
    if given.vararg:
        parameters.append("*" + parameter(source, given.vararg, None))
    elif given.kwonlyargs:
        parameters.append("*")
    parameters += [
        parameter(source, one, default)
        for one, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)
        # Of the plugin.
        if one.arg != "listening"
    ]
    if given.kwarg:
        parameters.append("**" + parameter(source, given.kwarg, None))
    result = type_text(source, node.returns) if node.returns and node.name != "__init__" else ""
    prefix = "await " if isinstance(node, ast.AsyncFunctionDef) else ""
    return wrapped(prefix + name, parameters, result)


def parameter(source: str, one: ast.arg, default: ast.expr | None) -> str:
    """Return a parameter with its type and its default."""
    text = one.arg
    if one.annotation is not None:
        text += f": {type_text(source, one.annotation)}"
    if default is None:
        return text
    value = ast.get_source_segment(source, default) or ""
    return f"{text} = {ALIASES.get(value) or TEXTS.get(value, value)}"


def type_text(source: str, node: ast.expr) -> str:
    """Return an annotation as the source has it, without its quotes and the names of modules."""
    text = ast.get_source_segment(source, node) or ast.unparse(node)
    text = " ".join(text.split())
    # A whole annotation in quotes, or a name in quotes, is one that is resolved later.
    text = re.sub(r"^[\"'](.*)[\"']$", r"\1", text) if "Literal" not in text else text
    text = re.sub(r"(?<!\[)\"([\w.]+(?:\[[^\"]*\])?)\"(?![,\]])", r"\1", text)
    text = re.sub(r"\b(?:st|np)\.", "", text)
    text = re.sub(r"\w+", lambda word: ALIASES.get(word[0], word[0]), text)
    return TEXTS.get(text, text)


def wrapped(name: str, parameters: list[str], result: str) -> list[str]:
    """Return a call on one line, or with a line for each parameter if that is too long."""
    end = f") -> {result}" if result else ")"
    line = f"{name}({', '.join(parameters)}{end}"
    if len(line) <= LINE:
        return [line]
    return [f"{name}(", *(f"    {one}," for one in parameters), end]


def one_line(lines: list[str]) -> str:
    """Return the text of some lines without its line breaks."""
    return " ".join(" ".join(lines).split())


def code(lines: list[str]) -> list[str]:
    """Return a block that is shown, and not run by the tests."""
    return ["```{code-block} python", *lines, "```"]


def text_of(name: str, thing: Any) -> list[str]:
    """Return the docstring as lines of Markdown. Raises `LookupError`."""
    return list(paragraphs(inspect.cleandoc(thing.__doc__ or missing(name))))


def missing(name: str) -> str:
    """Raise the error of a name without a docstring."""
    raise LookupError(f"docs/names.py: {name} has no docstring")


def paragraphs(docstring: str) -> Iterator[str]:
    """Yield the lines of a docstring, without the place of its rule in the reference."""
    text = re.sub(r"\s*\bSources?: reference: [^.]*?(?:§[\d.]*\d)\.?", "", docstring)
    text = re.sub(r"\s\(reference:\s[^)]*\)", "", text)
    yield from text.rstrip().split("\n")


def check_groups() -> None:
    """Check that each public name is in exactly one group. Raises `LookupError`."""
    grouped = [name for names in GROUPS.values() for name in names] + list(IN_TABLE)
    if left := sorted(set(s2mock.__all__) ^ set(grouped)):
        raise LookupError(f"docs/names.py: {', '.join(left)}: public, and in no group")
    for module, folder in MODULES.values():
        if module != "s2mock.simulation":
            assert public_names(folder / "__init__.py") == import_module(module).__all__
