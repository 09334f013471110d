"""One request, with any content, on an account that is always the same: the answer is S2's.

Source: reference: control_plane §2.2, §3, §5.1, §5.3.
"""

import gzip
import json
from typing import Any

import pytest
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st

from s2mock import S2Mock
from tests.calls import Api, Reply, over_wsgi, stream_path
from tests.conftest import BASIN

pytestmark = pytest.mark.slow

STATUS_OF_CODE = {
    "bad_json": 400,
    "bad_path": 400,
    "invalid": 422,
    "resource_already_exists": 409,
}


def fresh() -> Api:
    """A new account with the basin `my-basin` and in it the stream `old`."""
    mock = S2Mock(basins=[BASIN])
    s2 = Api(over_wsgi(mock.wsgi_app), BASIN)
    # It lives as long: a token ends with its mock.
    s2.mock = mock
    s2.create_stream("old")
    return s2


def verdict(name: str) -> str | None:
    """What is wrong with a stream's name, `None` if nothing is."""
    if name == "":
        return "stream name must not be empty"
    if name in (".", ".."):
        return 'stream name must not be "." or ".."'
    if "\0" in name:
        return "stream name must not contain NUL bytes"
    if len(name.encode("utf-8", "surrogatepass")) > 512:
        return "stream name must not exceed 512 bytes in length"
    return None


@st.composite
def names(draw: st.DrawFn) -> str:
    """Any text, also around the limit, and also with what UTF-8 cannot encode."""
    text = draw(st.text(st.characters(), max_size=20))
    if draw(st.booleans()):
        filler = draw(st.sampled_from(["a", "é", "€", "😀"]))
        space = draw(st.integers(508, 516)) - len(text.encode("utf-8", "surrogatepass"))
        count, rest = divmod(max(space, 0), len(filler.encode()))
        text += filler * count + "a" * rest
    return text


@given(name=names(), escaped=st.booleans())
@example(name=".", escaped=False)
@example(name="..", escaped=True)
@example(name="\0", escaped=True)
@example(name="\0" * 513, escaped=True)
@example(name="\ud800", escaped=True)
@example(name="\ud83d\ude00", escaped=True)
def test_answer_to_a_stream_name_depends_on_its_bytes(name: str, escaped: bool) -> None:
    s2 = fresh()
    document = json.dumps({"stream": name}, ensure_ascii=escaped)
    # Two lone surrogates that make a pair are the character of that pair once they are escaped.
    name = json.loads(document)["stream"]
    fault = verdict(name)
    body = document.encode("utf-8", "surrogatepass")
    headers = {"content-type": "application/json"}
    reply = s2.call("POST", "/v1/streams", body=body, headers=headers)
    if any("\ud800" <= character <= "\udfff" for character in name):
        assert reply.error[:2] == (400, "bad_json")
    elif fault is not None:
        assert reply.refuses(400, "bad_json", fault)
    else:
        assert (reply.status, reply.json["name"]) == (201 if name != "old" else 409, name)
        path = stream_path(name)
        assert s2.call("PUT", path).result == "noop"
        assert s2.call("GET", path).status == 200
        assert s2.stream_names() == sorted({"old", name}, key=str.encode)
        assert s2.call("DELETE", path).status == 202
        assert name not in s2.stream_names()
        return
    assert s2.stream_names() == ["old"]
    if name:
        path = "/v1/streams/" + "".join(
            f"%{byte:02x}" for byte in name.encode("utf-8", "surrogatepass")
        )
        for method in ("PUT", "GET", "DELETE"):
            error = s2.call(method, path).error
            assert error[:2] == (400, "bad_path")
        assert s2.stream_names() == ["old"]


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(2**64 - 2, 2**64 + 2)
    | st.floats()
    | st.text(st.characters(), max_size=10)
    | st.sampled_from(["my-basin", "new-basin", "old", "arrival", "infinite", "aegis-256", "", "."])
)
WORDS = st.sampled_from(
    [
        "basin",
        "stream",
        "config",
        "location",
        "default_stream_config",
        "stream_cipher",
        "create_stream_on_append",
        "create_stream_on_read",
        "storage_class",
        "retention_policy",
        "age",
        "infinite",
        "timestamping",
        "mode",
        "uncapped",
        "delete_on_empty",
        "min_age_secs",
        "aegis-256",
        "arrival",
    ]
)
ANYTHING = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(WORDS | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=20,
)


def optional(**values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with any of these fields."""
    return st.fixed_dictionaries({}, optional=values)


def mostly(good: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """That, and now and then something else: one fault does not hide behind ten others."""
    return st.integers(0, 9).flatmap(lambda die: ANYTHING | st.just(0) if die == 0 else good)


U64 = st.integers(1, 2**64 - 1)


def stream_configs(leaf: Any) -> st.SearchStrategy[Any]:
    """Stream configurations whose parts are what `leaf` makes of the good ones."""
    return optional(
        storage_class=leaf(st.none() | st.text(max_size=8)),
        retention_policy=leaf(
            st.none()
            | st.fixed_dictionaries({"age": leaf(U64)})
            | st.fixed_dictionaries({"infinite": leaf(st.just({}))})
        ),
        timestamping=leaf(
            st.none()
            | optional(
                mode=leaf(
                    st.none() | st.sampled_from(["client-prefer", "client-require", "arrival"])
                ),
                uncapped=leaf(st.none() | st.booleans()),
            )
        ),
        delete_on_empty=leaf(st.none() | optional(min_age_secs=leaf(U64 | st.just(0)))),
    )


def basin_configs(leaf: Any) -> st.SearchStrategy[Any]:
    """The same for basins."""
    return optional(
        default_stream_config=leaf(st.none() | stream_configs(leaf)),
        stream_cipher=leaf(st.none() | st.sampled_from(["aegis-256", "aes-256-gcm"])),
        create_stream_on_append=leaf(st.booleans()),
        create_stream_on_read=leaf(st.booleans()),
    )


STREAM_CONFIGS, BASIN_CONFIGS = stream_configs(mostly), basin_configs(mostly)
NAMES = mostly(st.sampled_from(["new", "new-basin", "my-basin", "old"]))

# Each call with a body, and bodies that are mostly what it takes.
CALLS: list[tuple[str, str, st.SearchStrategy[Any]]] = [
    (
        "POST",
        "/v1/basins",
        optional(basin=NAMES, config=BASIN_CONFIGS, location=mostly(st.none())),
    ),
    ("PUT", "/v1/basins/new-basin", optional(config=BASIN_CONFIGS)),
    ("PATCH", f"/v1/basins/{BASIN}", BASIN_CONFIGS),
    ("POST", "/v1/streams", optional(stream=NAMES, config=STREAM_CONFIGS)),
    ("PUT", "/v1/streams/new", STREAM_CONFIGS),
    ("PATCH", "/v1/streams/old", STREAM_CONFIGS),
]
calls = st.sampled_from(CALLS)


def is_decent(reply: Reply, method: str) -> bool:
    """Whether this is the call's success, or else an error that S2 may have for it."""
    if reply.status == (200 if method == "PATCH" else 201):
        return list(reply.json) != ["code", "message"]
    status, code, message = reply.error
    return STATUS_OF_CODE[code] == status and bool(message)


@given(calls.flatmap(lambda call: st.tuples(st.just(call[:2]), call[2] | ANYTHING)), st.booleans())
@settings(max_examples=250)
def test_any_json_value_gets_a_decent_answer(
    request: tuple[tuple[str, str], Any], escaped: bool
) -> None:
    (method, path), document = request
    s2 = fresh()
    before = s2.everything()
    body = json.dumps(document, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
    headers = {"content-type": "application/json"}
    reply = s2.call(method, path, body=body, headers=headers)
    assert is_decent(reply, method), reply
    if reply.status >= 400:
        assert s2.everything() == before


@given(
    call=calls,
    body=st.binary(max_size=200)
    | st.text(alphabet='{}[]":,.0123456789eE+-\\u tfn\x00\ud800', max_size=60).map(
        lambda text: text.encode("utf-8", "surrogatepass")
    ),
    start=st.sampled_from([b"", b'{"stream":"s",', b'{"basin":"new-basin","config":{', b"[", b"{"]),
    coding=st.sampled_from([None, "identity", "gzip", "zstd"]),
    really=st.booleans(),
)
@settings(max_examples=250)
def test_any_bytes_get_a_decent_answer(
    call: tuple[str, str, Any], body: bytes, start: bytes, coding: str | None, really: bool
) -> None:
    method, path, _ = call
    s2 = fresh()
    before = s2.everything()
    body = start + body
    if really and coding == "gzip":
        body = gzip.compress(body)
    elif really and coding == "zstd":
        body = zstandard.ZstdCompressor().compress(body)
    headers = {"content-type": "application/json", "content-encoding": coding}
    reply = s2.call(method, path, body=body, headers=headers)
    assert is_decent(reply, method), reply
    if reply.status >= 400:
        assert s2.everything() == before


def as_it_is(good: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return good


def set_leaves(document: Any, path: str = "") -> dict[str, Any]:
    """The leaves of a configuration that are not null, by their paths."""
    if document is None:
        return {}
    if not isinstance(document, dict) or path.endswith("retention_policy"):
        return {path: document}
    found: dict[str, Any] = {}
    for name, value in document.items():
        found |= set_leaves(value, f"{path}/{name}")
    if document == {} and path.endswith("delete_on_empty"):
        # The one empty object that says something.
        found[f"{path}/min_age_secs"] = 0
    return found


@given(config=stream_configs(as_it_is), defaults=stream_configs(as_it_is))
def test_accepted_stream_config_round_trips(
    config: dict[str, Any], defaults: dict[str, Any]
) -> None:
    s2 = fresh()
    s2.call("PUT", f"/v1/basins/{BASIN}", {"config": {"default_stream_config": defaults}})
    s2.create_stream("s", config, token="t")
    stored = s2.stream_config("s")
    system = s2.within(None)
    system.create_basin("plain-basin")
    system.within("plain-basin").create_stream("s")
    expected = set_leaves(system.within("plain-basin").stream_config("s"))
    expected |= set_leaves(defaults) | set_leaves(config)
    assert set_leaves(stored) == expected
    assert s2.call("PUT", "/v1/streams/s", stored).result == "noop"
    assert s2.call("PATCH", "/v1/streams/s", stored).json == stored
    assert s2.call("PUT", "/v1/streams/s", config).result == "noop"
    assert s2.create_stream("s", config, token="t").result == "noop"
    assert s2.stream_config("s") == stored


@given(config=basin_configs(as_it_is))
def test_accepted_basin_config_round_trips(config: dict[str, Any]) -> None:
    s2 = fresh()
    s2.create_basin("new-basin", config, token="t")
    stored = s2.basin_config("new-basin")
    flags = {"/create_stream_on_append": False, "/create_stream_on_read": False}
    assert set_leaves(stored) == flags | set_leaves(config)
    assert s2.call("PUT", "/v1/basins/new-basin", {"config": stored}).result == "noop"
    assert s2.call("PATCH", "/v1/basins/new-basin", stored).json == stored
    assert s2.call("PUT", "/v1/basins/new-basin", {"config": config}).result == "noop"
    assert s2.create_basin("new-basin", config, token="t").result == "noop"
