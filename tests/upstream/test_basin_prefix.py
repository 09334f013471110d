"""A prefix of the names of basins, which clients do not see."""

import json
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from s2mock import Drop, S2Mock
from tests.powers.conftest import BASIN, EVENTS, FRAMES, RECORDS, SEEDS, Way
from tests.powers.frames import append_frame

PREFIX = "ci-1-"


@pytest.fixture
def mock(real: S2Mock) -> Iterator[S2Mock]:
    with S2Mock(upstream=real.url, basins=SEEDS, basin_prefix=PREFIX) as mock:
        yield mock


def test_the_basins_of_the_mock_have_it_at_the_upstream(real: S2Mock, mock: S2Mock) -> None:
    assert real.basins == (PREFIX + BASIN,)
    assert mock.basins == (BASIN,)
    assert mock.basin(BASIN).info.name == BASIN


def test_a_client_creates_lists_and_deletes_by_its_own_names(
    real: S2Mock, mock: S2Mock, way: Way
) -> None:
    real.create_basin("of-others")
    created = way("POST", "/v1/basins", {"basin": "made-basin"})
    again = way("POST", "/v1/basins", {"basin": "made-basin"})
    ensured = way("PUT", "/v1/basins/other-basin")
    listed = way("GET", "/v1/basins")
    some = way("GET", "/v1/basins?prefix=ma&limit=1")
    later = way("GET", "/v1/basins?start_after=made-basin")
    config = way("GET", "/v1/basins/made-basin")
    deleted = way("DELETE", "/v1/basins/made-basin")

    assert (created.status, created.json["name"]) == (201, "made-basin")
    assert (again.status, PREFIX in again.body.decode()) == (409, False)
    assert ensured.json["name"] == "other-basin"
    assert [info["name"] for info in listed.json["basins"]] == [
        "made-basin",
        BASIN,
        "other-basin",
    ]
    assert [info["name"] for info in some.json["basins"]] == ["made-basin"]
    assert [info["name"] for info in later.json["basins"]] == [BASIN, "other-basin"]
    assert (config.status, deleted.status) == (200, 202)
    assert real.basins == (PREFIX + BASIN, PREFIX + "other-basin", "of-others")
    assert mock.journal.of("create-basin")[0].basin == "made-basin"


def test_records_are_in_the_basin_with_the_prefix(real: S2Mock, way: Way) -> None:
    way.append("unary")
    way.session(RECORDS, FRAMES, "POST", append_frame("in a session"))
    received, _ = way.session(f"{RECORDS}?seq_num=0&count=2", EVENTS)

    found = [record.body for record in real.stream(PREFIX + BASIN, "log").records]
    assert found == [b"unary", b"in a session"]
    assert b"in a session" in received


def test_messages_have_the_name_that_the_client_knows(way: Way) -> None:
    missing = way("GET", "/v1/basins/no-such-basin")
    stream = way("GET", "/v1/streams/missing")

    assert missing.status == 404
    assert "no-such-basin" in missing.json["message"]
    assert PREFIX not in missing.json["message"] + stream.json["message"]


def test_a_name_that_is_too_long_with_the_prefix_is_refused_here(real: S2Mock, way: Way) -> None:
    name = "b" * 48
    answers = [
        way("POST", "/v1/basins", {"basin": name}),
        way("PUT", f"/v1/basins/{name}"),
        way("GET", RECORDS, headers={"s2-basin": name}),
    ]

    assert [answer.status for answer in answers] == [422] * 3
    for answer in answers:
        assert answer.json["code"] == "invalid"
        assert f"has {48 + len(PREFIX)} bytes with the prefix `{PREFIX}`" in answer.json["message"]
    assert real.basins == (PREFIX + BASIN,)


@pytest.mark.parametrize("name", ["UPPER-CASE", "short", "-hyphen-first", "b" * 49])
def test_a_name_that_s2_refuses_anyhow_is_refused_by_s2(real: S2Mock, way: Way, name: str) -> None:
    """A short one, too, which were long enough with the prefix."""
    requests = [
        ("POST", "/v1/basins", {"basin": name}, None),
        ("PUT", f"/v1/basins/{name}", None, None),
        ("GET", RECORDS, None, {"s2-basin": name}),
    ]
    for method, path, document, headers in requests:
        with closing(Way("http1", real)) as straight:
            expected = straight(method, path, document, headers=headers)
        answer = way(method, path, document, headers=headers)
        assert answer.status >= 400
        assert (answer.status, answer.json) == (expected.status, expected.json)


def test_metrics_of_the_account_are_those_of_its_basins(real: S2Mock, way: Way) -> None:
    real.create_basin("of-others").create_stream("log")
    with closing(Way("http1", real)) as straight:
        document = {"records": [{"body": "a"}]}
        straight("POST", RECORDS, document, headers={"s2-basin": "of-others"})
    way.append("a")
    now = int(time.time())
    query = f"set=active-basins&start={now - 3600}&end={now + 60}"
    [metric] = way("GET", f"/v1/metrics?{query}").json["values"]
    storage = way("GET", f"/v1/metrics/{BASIN}?{query.replace('active-basins', 'storage')}")

    assert metric["label"]["values"] == [BASIN]
    assert storage.status == 200


def test_two_mocks_with_random_letters_do_not_meet(real: S2Mock) -> None:
    options = {"upstream": real.url, "basins": SEEDS, "basin_prefix": "ci-*-"}
    with S2Mock(**options) as one, S2Mock(**options) as two:  # type: ignore[arg-type]
        one.stream(BASIN, "log").append(["of one"])
        one.create_basin("made-basin")
        assert two.stream(BASIN, "log").bodies == ()
        assert two.basins == (BASIN,)
        assert len(real.basins) == 3
        assert all(name.startswith("ci-") for name in real.basins)

    # No other client knows of them.
    assert len(real.basins) == 0


def test_a_reset_begins_anew_under_other_letters(real: S2Mock) -> None:
    with S2Mock(upstream=real.url, basins=SEEDS, basin_prefix="ci-*-") as mock:
        before = real.basins
        mock.inject(Drop(), on="append", required=False)
        with closing(Way("http1", mock)) as way:
            way("GET", "/v1/basins")
            mock.reset()
        assert (mock.basins, len(mock.journal)) == ((BASIN,), 0)
        assert real.basins != before
        assert len(real.basins) == 1


def test_the_body_of_a_create_may_be_in_any_form(real: S2Mock, mock: S2Mock) -> None:
    import gzip

    with closing(Way("http1", mock)) as way:
        content = gzip.compress(json.dumps({"basin": "packed-basin"}).encode())
        fields = {"content-type": "application/json", "content-encoding": "gzip"}
        answer = way("POST", "/v1/basins", content=content, headers=fields)

    assert answer.status == 201
    assert PREFIX + "packed-basin" in real.basins


def test_the_scope_of_a_token_is_about_the_basins_of_the_mock(real: S2Mock, way: Way) -> None:
    sets = [{"exact": BASIN}, {"prefix": "ab"}, {"prefix": ""}, {"exact": ""}, None]
    for number, basins in enumerate(sets):
        scope = {"ops": ["read"], **({} if basins is None else {"basins": basins})}
        issued = way("POST", "/v1/access-tokens", {"id": f"token-{number}", "scope": scope})
        assert issued.status == 201
    listed = way("GET", "/v1/access-tokens?prefix=token-").json["access_tokens"]
    with closing(Way("http1", real)) as straight:
        there = straight("GET", "/v1/access-tokens?prefix=token-").json["access_tokens"]

    # An empty exact name is the same as none.
    assert [token["scope"].get("basins") for token in listed] == [*sets[:3], None, None]
    assert [token["scope"].get("basins") for token in there] == [
        {"exact": PREFIX + BASIN},
        {"prefix": f"{PREFIX}ab"},
        {"prefix": PREFIX},
        None,
        None,
    ]
