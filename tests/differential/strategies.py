"""Calls to draw: mostly sensible, so that sequences get somewhere, and odd ones of all kinds."""

import base64
import gzip
import json
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from s2mock.contract.exchange import Call
from tests.differential import edges
from tests.differential.batches import batch_as_json, batch_as_proto, batches, timestamps
from tests.differential.edges import now_and_then, rarely

STREAMS = ("a", "b", "logs/app", "日本", "a b+c%d?e#f&", ".x")
KEYS = tuple(base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))
TOKENS = ("", "t1", "t2", "x" * 36)

odd_values = st.sampled_from(
    [None, True, False, 0, -1, 1, 1.0, 1e3, 2**63, 2**64 - 1, 2**64, "", "x", "infinite", [], {}]
    + [{"age": 1}, {"infinite": {}}, [None], {"x": None}]
)
ages = st.sampled_from([{"age": 1000}, {"age": 604800}, {"infinite": {}}, {"age": 2**64 - 1}])


def rarely_odd(usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Once in a while something that does not belong there."""
    return rarely.flatmap(lambda odd: odd_values if odd else usual)


def some(**leaves: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with some of these leaves, some of them null or odd."""
    leaves = {
        name: rarely_odd(st.one_of(value, value, value, st.none()))
        for name, value in leaves.items()
    }
    return st.fixed_dictionaries({}, optional=leaves)


stream_configs = some(
    storage_class=st.sampled_from(["standard", "express", "other"]),
    retention_policy=rarely_odd(ages | st.just({"age": 0})),
    timestamping=some(
        mode=st.sampled_from(["client-prefer", "client-require", "arrival"]),
        uncapped=st.booleans(),
    ),
    # Never more than a day of emptiness: nothing is deleted while a sequence runs.
    delete_on_empty=some(min_age_secs=st.sampled_from([0, 3600, 86400])),
)
basin_configs = some(
    default_stream_config=stream_configs,
    stream_cipher=st.sampled_from([None, None, "aegis-256", "aes-256-gcm"]),
    create_stream_on_append=st.booleans(),
    create_stream_on_read=st.booleans(),
)


@st.composite
def json_calls(
    draw: st.DrawFn,
    method: str,
    path: str,
    documents: st.SearchStrategy[Any],
    headers: dict[str, str] | None = None,
    *,
    shape: str,
) -> Call:
    """A call with a JSON body; now and then with a body or a content type that is none."""
    if draw(now_and_then):
        body = draw(edges.documents_at_the_edge(documents, edges.SHAPES[shape]))
        if shape == "create-basin" and edges.names_a_basin_of_all(body):
            body = b"{}"
    else:
        body = json.dumps(draw(documents), ensure_ascii=draw(st.booleans())).encode()
    fields = {"content-type": "application/json", **(headers or {})}
    match draw(st.integers(0, 40)) - 20:
        case 0:
            body = body[: draw(st.integers(0, len(body)))]
        case 1:
            fields["content-type"] = draw(st.sampled_from(["text/json", "", "application/x+json"]))
        case 2:
            del fields["content-type"]
        case 3:
            body = gzip.compress(body, mtime=0)
            fields["content-encoding"] = draw(st.sampled_from(["gzip", "gzip", "zstd", "br"]))
        case 4:
            body = draw(st.binary(max_size=12))
        case 5:
            body = body.replace(b"{", b'{"unknown":[1,{}],', 1).replace(b",}", b"}")
    return Call(method, path, fields, body)


def _streams_headers(basin: str) -> st.SearchStrategy[dict[str, str]]:
    usual = st.just({"s2-basin": basin})
    odd = st.sampled_from(
        [{}, {"s2-basin": ""}, {"s2-basin": "Bad-Basin-Name"}, {"s2-basin": "missing-basin"}]
    )
    return st.integers(0, 39).flatmap(lambda n: odd if n == 23 else usual)


def stream_names() -> st.SearchStrategy[str]:
    """A name of the pool, or rarely any text."""
    usual = st.sampled_from((*STREAMS[:2] * 4, *STREAMS))
    return st.integers(0, 39).flatmap(
        lambda n: (
            st.one_of(
                st.sampled_from(["", ".", "..", "é" * 256, "é" * 257, "\0", "%zz"]),
                st.text(max_size=4),
            )
            if n == 23
            else usual
        )
    )


def segment(name: str) -> str:
    return quote(name, safe="", errors="replace")


@st.composite
def basin_calls(draw: st.DrawFn, basins: tuple[str, ...]) -> Call:
    """A call to `/v1/basins`."""
    name = draw(st.sampled_from(basins))
    if draw(st.integers(0, 19)) == 13:
        name = draw(st.sampled_from(["short", "-" + name, name + "-", name.upper(), "x" * 49]))
    match draw(st.integers(0, 5)):
        case 0 | 1:
            documents = st.fixed_dictionaries(
                # "infinite" would be a basin that all sequences share.
                {"basin": rarely_odd(st.just(name)).map(lambda n: n if n != "infinite" else name)},
                optional={
                    "config": st.none() | basin_configs,
                    "location": rarely_odd(st.just("aws:us-east-1")),
                },
            )
            token = draw(st.none() | st.sampled_from([*TOKENS, "x" * 37]))
            headers = {} if token is None else {"s2-request-token": token}
            return draw(json_calls("POST", "/v1/basins", documents, headers, shape="create-basin"))
        case 2:
            documents = st.fixed_dictionaries({}, optional={"config": st.none() | basin_configs})
            return draw(json_calls("PUT", f"/v1/basins/{name}", documents, shape="ensure-basin"))
        case 3:
            return draw(
                json_calls("PATCH", f"/v1/basins/{name}", basin_configs, shape="basin-config")
            )
        case 4:
            return Call("GET", f"/v1/basins/{name}")
        case _:
            query = draw(st.sampled_from(["", "&limit=1", "&limit=0", "&limit=x", "&limit="]))
            after = draw(st.sampled_from(["", f"&start_after={basins[0]}", "&start_after=-"]))
            return Call("GET", f"/v1/basins?prefix={basins[0][:-1]}{query}{after}")


@st.composite
def stream_calls(draw: st.DrawFn, basin: str) -> Call:
    """A call to `/v1/streams` that deletes nothing."""
    headers = draw(_streams_headers(basin))
    name = draw(stream_names())
    match draw(st.integers(0, 6)):
        case 0 | 1 | 2:
            documents = st.fixed_dictionaries(
                {"stream": rarely_odd(st.just(name))},
                optional={"config": st.none() | stream_configs},
            )
            token = draw(st.none() | st.sampled_from([*TOKENS, "é", "x" * 37]))
            if token is not None:
                headers = {**headers, "s2-request-token": token}
            return draw(
                json_calls("POST", "/v1/streams", documents, headers, shape="create-stream")
            )
        case 3:
            path = f"/v1/streams/{segment(name)}"
            return draw(json_calls("PUT", path, stream_configs, headers, shape="stream-config"))
        case 4:
            path = f"/v1/streams/{segment(name)}"
            return draw(json_calls("PATCH", path, stream_configs, headers, shape="stream-config"))
        case 5:
            return Call("GET", f"/v1/streams/{segment(name)}", headers)
        case _:
            pairs = draw(
                st.lists(
                    st.sampled_from(
                        ["limit=1", "limit=2", "limit=1000", "limit=-1", "limit=%2B2", "limit"]
                        + ["prefix=a", "prefix=%E6", "prefix=", "start_after=a", "start_after=b"]
                        + ["start_after=a%20b", "unknown=1", "prefix=.&prefix=a"]
                    ),
                    max_size=3,
                )
            )
            return Call("GET", "/v1/streams?" + "&".join(pairs), headers)


def in_a_header(text: bytes) -> str:
    """The text, but for what ends a header or the request."""
    return "".join(" " if chr(byte) < " " or byte == 0x7F else chr(byte) for byte in text)


@st.composite
def _record_headers(draw: st.DrawFn, basin: str) -> dict[str, str]:
    headers = dict(draw(_streams_headers(basin)))
    key = draw(st.sampled_from([None, *KEYS[:1] * 6, KEYS[1]]))
    if draw(rarely):
        key = draw(st.sampled_from(["", "AAAA", "!!!!", "A" * 44, "A" * 45]))
    if key is not None:
        headers["s2-encryption-key"] = key
    if draw(rarely):
        headers["s2-stream-config"] = draw(
            st.sampled_from(["{}", "", "null", "x", '{"storage_class":"other"}'])
            | st.just('{"retention_policy":{"age":0}}')
            | stream_configs.map(json.dumps)
            | edges.documents_at_the_edge(stream_configs, edges.SHAPES["stream-config"]).map(
                in_a_header
            )
        )
    if draw(st.integers(0, 7)) == 5:
        headers["accept-encoding"] = draw(
            st.sampled_from(["gzip", "zstd", "gzip, zstd", "zstd;q=0, gzip", "*", "identity;q=0"])
        )
    return headers


@st.composite
def append_calls(draw: st.DrawFn, basin: str) -> Call:
    """An append, in one of its forms, or a whole append session."""
    headers = draw(_record_headers(basin))
    path = f"/v1/streams/{segment(draw(stream_names()))}/records"
    if draw(st.booleans()):
        headers["accept"] = draw(
            st.sampled_from(
                ["application/protobuf", "application/json", "*/*", "text/event-stream"]
            )
        )
    match draw(st.integers(0, 5)):
        case 0 | 1:
            form = draw(st.sampled_from(["raw", "base64"]))
            if form == "base64" or draw(st.booleans()):
                headers["s2-format"] = form
            if draw(rarely):
                headers["s2-format"] = draw(st.sampled_from(["json", "json-binsafe", "RAW", ""]))
            documents = batches().map(lambda batch: batch_as_json(batch, form))
            return draw(json_calls("POST", path, rarely_odd(documents), headers, shape="append"))
        case 2 | 3:
            headers["content-type"] = draw(
                st.sampled_from(["application/protobuf", "application/x-protobuf"])
            )
            body = batch_as_proto(draw(batches()))
            if draw(rarely):
                body = draw(st.binary(max_size=8))
            elif draw(now_and_then):
                body = draw(edges.messages_at_the_edge(st.just(body)))
            return Call("POST", path, headers, body)
        case _:
            headers["content-type"] = "s2s/proto"
            inputs = batches().map(batch_as_proto)
            if draw(rarely):
                inputs = edges.messages_at_the_edge(inputs)
            frames = draw(st.lists(inputs, max_size=3))
            body = b"".join(
                _framed(frame, draw(st.sampled_from([0, 0x1F, 0x40]))) for frame in frames
            )
            if draw(rarely):
                body += draw(st.binary(max_size=6))
            return Call("POST", path, headers, body)


def _framed(message: bytes, flag: int) -> bytes:
    payload = gzip.compress(message, mtime=0) if flag & 0x40 else message
    return (len(payload) + 1).to_bytes(3, "big") + bytes([flag]) + payload


@st.composite
def read_calls(draw: st.DrawFn, basin: str) -> Call:
    """A tail check or a read that ends by itself."""
    headers = draw(_record_headers(basin))
    path = f"/v1/streams/{segment(draw(stream_names()))}/records"
    if draw(st.integers(0, 5)) == 3:
        return Call("GET", f"{path}/tail", headers)
    numbers = st.sampled_from([0, 1, 2, 3, 5, 1000, 2**64 - 1])
    pairs = []
    if draw(st.integers(0, 7)):
        kind = draw(st.sampled_from(["seq_num", "seq_num", "timestamp", "tail_offset"]))
        pairs.append(f"{kind}={draw(timestamps if kind == 'timestamp' else numbers)}")
    if draw(st.integers(0, 2)) == 1:
        pairs.append(f"clamp={draw(st.sampled_from(['true', 'true', 'false', '1']))}")
    ends = {
        "count": numbers,
        "bytes": st.sampled_from([0, 8, 9, 20, 60, 1000, 2**64 - 1]),
        "until": timestamps,
        "wait": st.just(0),
    }
    chosen = draw(st.lists(st.sampled_from(list(ends)), max_size=3, unique=True))
    pairs += [f"{name}={draw(ends[name])}" for name in chosen]
    if draw(rarely):
        pairs.append(
            draw(st.sampled_from(["count=", "wait=x", "seq_num=1", "count=1", "until=-1"]))
        )
    match draw(st.integers(0, 3)):
        case 0:
            headers["accept"] = draw(st.sampled_from(["application/protobuf", "*/*"]))
        case 1 | 2 as mode:
            if mode == 1:
                headers["accept"] = "text/event-stream"
            else:
                headers["content-type"] = "s2s/proto"
            if not chosen:
                # Without any bound it would go on for ever.
                pairs.append("wait=0")
            if mode == 1 and draw(st.integers(0, 3)) == 2:
                headers["last-event-id"] = draw(
                    st.sampled_from(["0,1,9", "1,2,30", "5,0,0", "x", "1", "1,2,", "1,2,3,4"])
                )
    if draw(st.integers(0, 3)) == 2:
        headers["s2-format"] = draw(st.sampled_from(["raw", "base64", "base64", "json", "x"]))
    return Call("GET", f"{path}?{'&'.join(pairs)}", headers)


@st.composite
def account_calls(draw: st.DrawFn) -> Call:
    """A call to one of the routes that check their bodies, and then are not served."""
    if draw(st.booleans()):
        location = rarely_odd(st.just("aws:us-east-1"))
        return draw(json_calls("PUT", "/v1/locations/default", location, shape="location"))
    permissions = some(read=st.booleans(), write=st.booleans())
    resources = some(exact=st.sampled_from(["", "abcdefgh"]), prefix=st.sampled_from(["", "a"]))
    scope = some(
        basins=resources,
        streams=resources,
        access_tokens=resources,
        op_groups=some(account=permissions, basin=permissions, stream=permissions),
        ops=st.lists(st.sampled_from(["append", "list-basins", "other"]), max_size=2),
    )
    documents = some(
        id=st.just("t"),
        expires_at=st.sampled_from(["2030-01-01T00:00:00Z", "2030-01-01", "x"]),
        auto_prefix_streams=st.booleans(),
        scope=scope,
    )
    return draw(json_calls("POST", "/v1/access-tokens", documents, shape="issue-token"))


@st.composite
def any_calls(draw: st.DrawFn) -> Call:
    """A call to somewhere else."""
    method = draw(st.sampled_from(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]))
    path = draw(
        st.sampled_from(
            [
                "/",
                "/v1",
                "/v1/",
                "/v1/basins/",
                "/v1/streams/",
                "/v1/streams//records",
                "/v2/basins",
            ]
            + ["/v1/basins/a/b", "//v1/basins", "/v1/streams/a/records/", "/v1/streams/a/records/x"]
            + ["/v1/streams/%FF", "/v1/basins/%2E", "/v1/locations", "/v1/metrics", "/ping"]
        )
    )
    headers = draw(
        st.sampled_from([{}, {"origin": "http://x"}, {"content-encoding": "br"}, {"s2-basin": "x"}])
    )
    if method in ("POST", "PUT", "PATCH"):
        return Call(method, path, headers, b"")
    return Call(method, path, headers)
