"""The watch notices what is not as described, and lets pass what is."""

from collections.abc import Mapping
from typing import Any

import pytest
from werkzeug.test import Client

from s2mock import S2Mock
from s2mock.api import basins
from tests.openapi.watch import Watch


@pytest.fixture
def watch(mock: S2Mock) -> Watch:
    watch = Watch()
    mock.create_basin("my-basin").create_stream("s").append(["x"])
    return watch


def get(watch: Watch, mock: S2Mock, path: str, **headers: str) -> bytes:
    def app(environ: Any, start_response: Any) -> Any:
        return watch.watched(mock.wsgi_app, environ, start_response)

    response = Client(app).get(path, headers={"s2-basin": "my-basin", **headers})
    return response.data


@pytest.mark.parametrize(
    "path", ["/v1/basins", "/v1/basins/missing1", "/v1/streams/s/records?seq_num=0", "/v1/nothing"]
)
def test_good_responses(watch: Watch, mock: S2Mock, path: str) -> None:
    get(watch, mock, path)
    assert not watch.deviations


def test_known_gaps(watch: Watch, mock: S2Mock) -> None:
    body = get(watch, mock, "/v1/streams/s/records?seq_num=0&count=9", accept="text/event-stream")
    assert body.endswith(b"data: [DONE]\n\n")
    assert not watch.deviations


@pytest.mark.broken_fake
def test_a_missing_field(watch: Watch, mock: S2Mock, monkeypatch: pytest.MonkeyPatch) -> None:
    def incomplete(_: object) -> Mapping[str, object]:
        return {"name": "my-basin"}

    monkeypatch.setattr(basins, "basin_info_to_json", incomplete)
    get(watch, mock, "/v1/basins")
    [deviation] = watch.deviations
    assert deviation.operation == "GET /basins"
    assert deviation.what == "$.basins[0]: 'created_at' is a required property"


def test_a_test_with_a_deviation_fails(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("from tests.conftest import pytest_configure")
    pytester.makepyfile(
        """
        import pytest
        from s2mock.api import basins

        def ask(s2_mock, monkeypatch):
            s2_mock.create_basin("my-basin")
            monkeypatch.setattr(basins, "basin_info_to_json", lambda _: {})
            assert s2_mock.client.get("/v1/basins").data

        def test_broken(s2_mock, monkeypatch):
            ask(s2_mock, monkeypatch)

        def test_good(s2_mock):
            assert s2_mock.client.get("/v1/basins").data

        @pytest.mark.broken_fake
        def test_broken_on_purpose(s2_mock, monkeypatch):
            ask(s2_mock, monkeypatch)
        """
    )
    # Of its own, since what is loaded here is watched already.
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*GET /basins*'name' is a required property*"])
