"""Tests that the suite can run with `auth="required"`, and detects requests without a token."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.own_token import NOT_SO, VARIABLE

REPO = Path(__file__).parent.parent

MODULE = """
from werkzeug.test import EnvironBuilder, run_wsgi_app

from s2mock import S2Mock

BASINS = "/v1/basins"


def environ(**headers):
    return EnvironBuilder(BASINS, headers=headers).get_environ()


def test_brought_by_a_client():
    with S2Mock() as mock:
        assert mock.client.get(BASINS).status_code == 200
        assert mock.fork().client.get(BASINS).status_code == 200


def test_brought_by_hand():
    with S2Mock() as mock:
        brought = environ(authorization=f"Bearer {mock.token}")
        assert run_wsgi_app(mock.wsgi_app, brought)[1] == "200 OK"


def test_not_brought():
    with S2Mock() as mock:
        assert run_wsgi_app(mock.wsgi_app, environ())[1] == "401 UNAUTHORIZED"


def test_that_says_auth():
    with S2Mock(auth="open") as mock:
        assert run_wsgi_app(mock.wsgi_app, environ())[1] == "200 OK"
    with S2Mock(auth="required") as mock:
        assert mock.client.get(BASINS).status_code == 401
"""


@pytest.mark.slow
def test_what_comes_without_a_token_fails_its_test(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(MODULE)
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "-p", "tests.own_token"]
        + ["-p", "no:cacheprovider", "-p", "no:schemathesis", str(tmp_path / "test_it.py")],
        cwd=REPO,
        env=os.environ | {VARIABLE: "required"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 failed, 3 passed" in ran.stdout, ran.stdout
    assert "came without a token: GET /v1/basins" in ran.stdout
    assert "::test_not_brought" in ran.stdout


def test_each_excepted_test_exists() -> None:
    names = [(name, *name.split("::")) for name in NOT_SO]
    assert names
    assert [
        name
        for name, path, *_, function in names
        if f"def {function}(" not in (REPO / path).read_text("utf-8")
    ] == []
