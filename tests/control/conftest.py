"""A mock with a control API, and calls to it that are checked against its description."""

import json
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft4Validator

import s2mock.control
from s2mock import ManualClock, S2Mock
from tests.order import of_folder

BASIN = "my-basin"
SEEDS = [{"name": BASIN, "streams": [{"name": "log"}, {"name": "orders/eu"}]}]
PATIENCE = 30.0
DESCRIPTION: dict[str, Any] = json.loads(
    (Path(s2mock.control.__file__).parent / "openapi.json").read_text("utf-8")
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is served here is not S2's, and has a description of its own."""
    for item in of_folder(items, Path(__file__).parent):
        item.add_marker(pytest.mark.openapi_unchecked("faults answer what S2 does not"))


def described(method: str, path: str) -> dict[str, Any] | None:
    """What the description says of that operation."""
    for template, operations in DESCRIPTION["paths"].items():
        if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)), path):
            operation: dict[str, Any] | None = operations.get(method.lower())
            return operation
    return None


def resolved(part: dict[str, Any]) -> dict[str, Any]:
    """The part itself, where this refers to one."""
    if "$ref" not in part:
        return part
    found: Any = DESCRIPTION
    for name in part["$ref"].removeprefix("#/").split("/"):
        found = found[name]
    return dict(found)


def as_json_schema(part: Any) -> Any:
    """Return the schemas in a part of OpenAPI 3.0 as JSON Schema, which has no `nullable`."""
    if isinstance(part, list):
        return [as_json_schema(item) for item in part]
    if not isinstance(part, dict):
        return part
    converted = {name: as_json_schema(value) for name, value in part.items()}
    if converted.pop("nullable", False) is True:
        return {"anyOf": [converted, {"type": "null"}]}
    return converted


COMPONENTS: dict[str, Any] = as_json_schema(DESCRIPTION["components"])


def against(schema: dict[str, Any], document: Any) -> None:
    """Fails unless the document is as that schema says."""
    # The draft that the schemas of OpenAPI 3.0 are based on.
    Draft4Validator({**as_json_schema(schema), "components": COMPONENTS}).validate(document)


class Control:
    """Calls to the control API on one account; what comes back is as described."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = url
        self.token = token
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        # Nothing here is encrypted, and httpx takes 20 ms to load what it would verify with.
        self.http = httpx.Client(
            base_url=url, headers=headers, trust_env=False, verify=False, timeout=PATIENCE
        )
        self._others: list[Control] = []

    def close(self) -> None:
        for other in self._others:
            other.close()
        self.http.close()

    def as_(self, token: str) -> "Control":
        """Return a client that sends that token."""
        self._others.append(Control(self.url, token))
        return self._others[-1]

    def __call__(self, method: str, path: str, document: Any = ..., **more: Any) -> httpx.Response:
        path = f"/_s2mock{path}"
        if document is not ...:
            more["json"] = document
        answer = self.http.request(method, path, **more)
        operation = described(method, path.partition("?")[0])
        if operation is not None:
            said = operation["responses"].get(str(answer.status_code))
            assert said is not None, f"{method} {path}: {answer.status_code} {answer.text}"
            content = resolved(said).get("content", {})
            kind = answer.headers.get("content-type")
            assert (kind in content) if content else kind is None, answer
            if content and kind == "application/json":
                against(content[kind]["schema"], answer.json())
            if answer.is_success and document is not ...:
                against(operation["requestBody"]["content"]["application/json"]["schema"], document)
        assert not [name for name in answer.headers if name.startswith("access-control")]
        return answer

    def refused(self, method: str, path: str, document: Any = ..., **more: Any) -> tuple[int, str]:
        """Status and message of what must be an error."""
        answer = self(method, path, document, **more)
        assert answer.status_code >= 400, answer.text
        return answer.status_code, answer.json()["message"]

    def account(self, **options: Any) -> "Control":
        """A new account."""
        answer = self("POST", "/accounts", options) if options else self("POST", "/accounts")
        assert answer.status_code == 201, answer.text
        return self.as_(answer.json()["token"])

    def append(self, *bodies: str, stream: str = "log") -> httpx.Response:
        """Append over S2's own API."""
        return self.http.post(
            f"/v1/streams/{stream.replace('/', '%2F')}/records",
            json={"records": [{"body": body} for body in bodies]},
            headers={"s2-basin": BASIN},
        )

    def read(self, stream: str = "log") -> list[str]:
        """What is in a stream."""
        answer = self.http.get(
            f"/_s2mock/v1/streams/{stream.replace('/', '%2F')}/records",
            params={"seq_num": 0, "clamp": "true"},
            headers={"s2-basin": BASIN},
        )
        if answer.status_code == 416:
            return []
        return [record["body"] for record in answer.json()["records"]]


@pytest.fixture
def mock() -> Iterator[S2Mock]:
    with S2Mock(basins=SEEDS, control=True) as mock:
        yield mock


@pytest.fixture
def control(mock: S2Mock) -> Iterator[Control]:
    with closing(Control(mock.url)) as control:
        yield control


@pytest.fixture
def manual() -> Iterator[Control]:
    """One whose clock is turned by hand."""
    with (
        S2Mock(basins=SEEDS, control=True, clock=ManualClock()) as mock,
        closing(Control(mock.url)) as control,
    ):
        yield control
