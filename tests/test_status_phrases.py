"""The words for a status are s2mock's own, the same in each version of Python."""

import ast
from http import HTTPStatus
from pathlib import Path

import pytest

import s2mock
from s2mock import Answer, S2Mock
from s2mock.powers.timeline import make_timeline
from s2mock.runtime.status_phrases import STATUS_PHRASES
from tests import own_token
from tests.conftest import BASIN
from tests.server.conftest import Raw, port_of

PACKAGE = Path(s2mock.__file__).parent
# Tables of others, in their own words.
FOREIGN = {"HTTPStatus", "HTTP_STATUS_CODES"}
# In the words that Python changes.
CHANGED = {
    413: "Payload Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Entity",
}


def foreign_names(path: Path) -> set[str]:
    """What a module of the package imports, or reads, of these tables."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.ImportFrom(module="http.client", names=imported):
                names |= {alias.name for alias in imported} & {"responses"}
            case ast.alias(name=name) | ast.Attribute(attr=name) | ast.Name(id=name):
                names |= {name} & FOREIGN
    return names


@pytest.mark.slow
def test_no_module_has_its_words_from_elsewhere() -> None:
    found = {path.name: foreign_names(path) for path in PACKAGE.rglob("*.py")}
    assert {name: names for name, names in found.items() if names} == {}


def test_the_judge_finds_such_a_module(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text("import http\nfrom http.client import responses\nhttp.HTTPStatus(200)\n")
    assert foreign_names(module) == {"responses", "HTTPStatus"}


def test_each_registered_status_has_words() -> None:
    assert {status.value for status in HTTPStatus} <= set(STATUS_PHRASES)


@pytest.mark.openapi_unchecked("a proxy in the way has sent it")
@pytest.mark.parametrize(("status", "phrase"), CHANGED.items())
def test_every_way_has_the_same_words(mock: S2Mock, status: int, phrase: str) -> None:
    mock.create_basin(BASIN)
    mock.inject(Answer(status), on="list-streams", times=2)
    raw = Raw(port_of(mock))
    with raw.socket:
        raw.send("GET /v1/streams HTTP/1.0", f"s2-basin: {BASIN}", *own_token.lines(mock.url))
        assert raw.receive().startswith(f"HTTP/1.0 {status} {phrase}\r\n".encode())
    called = mock.client.get("/v1/streams", headers={"s2-basin": BASIN})
    assert called.status == f"{status} {phrase.upper()}"
    assert phrase.lower() in make_timeline(mock.journal[:])
