"""Every shape of raw HTTP/1 gets the answer of the reference server."""

import json
from collections.abc import Iterator

import pytest

from s2mock.server.server import Server
from tests.server import shapes
from tests.server.toys import like_the_reference, serving

RECORDED = json.loads(shapes.RECORDED.read_text())


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(like_the_reference) as server:
        yield server


@pytest.mark.sample(6)
@pytest.mark.parametrize("name", shapes.SHAPES)
def test_shape(server: Server, name: str) -> None:
    assert shapes.answers(server.port, name) == RECORDED[name]


def test_nothing_is_recorded_that_is_not_tested() -> None:
    assert RECORDED.keys() == shapes.SHAPES.keys()
