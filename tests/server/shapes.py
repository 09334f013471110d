# ruff: noqa: E501
"""Raw bytes of HTTP/1, decent and not, and what the reference server makes of them.

`python -m tests.server.shapes PORT` asks the server on that port and writes down its answers in
`shapes.json`. The toy in `toys.py` answers as that server does where it is not about HTTP: nothing
is found but `/health`, and what reads a body does not like what is in it.
"""

import json
import re
import socket
import sys
from pathlib import Path

RECORDED = Path(__file__).with_name("shapes.json")
# Reads its body, and refuses any.
READING = b"/v1/basins"

_H = b"Host: x\r\n"
_G = b"GET /nowhere HTTP/1.1\r\n"
_P = b"POST /nowhere HTTP/1.1\r\n" + _H
_R = b"POST " + READING + b" HTTP/1.1\r\n" + _H + b"content-type: application/json\r\n"
_C = _R + b"transfer-encoding: chunked\r\n\r\n"
_END = b"0\r\n\r\n"
# Comes after each of them. What it is depends on what is before it.
_LAST = b"GET /last HTTP/1.1\r\nconnection: close\r\n\r\n"

# Names: e, the answer comes before the body; r, the body is read; c, chunks.
SHAPES = {
    "plain": _G + _H + b"\r\n",
    "http10": b"GET /nowhere HTTP/1.0\r\n\r\n",
    "http10ka": b"GET /nowhere HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "http11close": _G + _H + b"Connection: close\r\n\r\n",
    "http11CLOSE": _G + _H + b"Connection: Close, foo\r\n\r\n",
    "http11close2": _G + _H + b"Connection: foo\r\nConnection: close\r\n\r\n",
    "http12": b"GET /nowhere HTTP/1.2\r\n\r\n",
    "http20": b"GET /nowhere HTTP/2.0\r\n\r\n",
    "http09": b"GET /nowhere\r\n\r\n",
    "http11nohost": _G + b"\r\n",
    "twohosts": _G + _H + _H + b"\r\n",
    "lfonly": b"GET /nowhere HTTP/1.1\nHost: x\n\n",
    "crlf_before": b"\r\n\r\n" + _G + _H + b"\r\n",
    "lf_before": b"\n" + _G + _H + b"\r\n",
    "space_before": b" " + _G + _H + b"\r\n",
    "lower": b"get /nowhere HTTP/1.1\r\n\r\n",
    "foo": b"FOO /nowhere HTTP/1.1\r\n\r\n",
    "foochars": b"F!#$%&'*+-.^_`|~O /nowhere HTTP/1.1\r\n\r\n",
    "badmethod": b"F(O /nowhere HTTP/1.1\r\n\r\n",
    "badmethod2": b"F\xe9O /nowhere HTTP/1.1\r\n\r\n",
    "head": b"HEAD /health HTTP/1.1\r\n\r\n",
    "health": b"GET /health HTTP/1.1\r\n\r\n",
    "connect": b"CONNECT x:1 HTTP/1.1\r\n\r\n",
    "connectpath": b"CONNECT /nowhere HTTP/1.1\r\n\r\n",
    "options*": b"OPTIONS * HTTP/1.1\r\n\r\n",
    "get*": b"GET * HTTP/1.1\r\n\r\n",
    "absolute": b"GET http://x/health HTTP/1.1\r\n\r\n",
    "absolutenopath": b"GET http://x HTTP/1.1\r\n\r\n",
    "absolutehttps": b"GET https://x/health HTTP/1.1\r\n\r\n",
    "absolutequery": b"GET http://x?a HTTP/1.1\r\n\r\n",
    "absoluteweird": b"GET foo://x/health HTTP/1.1\r\n\r\n",
    "authority": b"GET x:80 HTTP/1.1\r\n\r\n",
    "noslash": b"GET health HTTP/1.1\r\n\r\n",
    "noslash2": b"GET health/x HTTP/1.1\r\n\r\n",
    "userinfo": b"GET http://a@x/health HTTP/1.1\r\n\r\n",
    "badport": b"GET http://x:99999/health HTTP/1.1\r\n\r\n",
    "dslash": b"GET //health HTTP/1.1\r\n\r\n",
    "query": b"GET ?a HTTP/1.1\r\n\r\n",
    "fragment": b"GET /health#x HTTP/1.1\r\n\r\n",
    "fragmentq": b"GET /health?a#x HTTP/1.1\r\n\r\n",
    "utf8target": b"GET /h\xc3\xa9 HTTP/1.1\r\n\r\n",
    "badutf8target": b"GET /h\xe9 HTTP/1.1\r\n\r\n",
    "ffq": b"GET /health?\xff HTTP/1.1\r\n\r\n",
    "utf8q": b"GET /health?\xc3\xa9 HTTP/1.1\r\n\r\n",
    "del": b"GET /h\x7f HTTP/1.1\r\n\r\n",
    "tab": b"GET /h\t HTTP/1.1\r\n\r\n",
    "spaceintarget": b"GET /h x HTTP/1.1\r\n\r\n",
    "twospaces": b"GET  /health HTTP/1.1\r\n\r\n",
    "twospaces2": b"GET /health  HTTP/1.1\r\n\r\n",
    "trailspace": b"GET /health HTTP/1.1 \r\n\r\n",
    "lower_http": b"GET /health http/1.1\r\n\r\n",
    "emptytarget": b"GET  HTTP/1.1\r\n\r\n",
    "notarget": b"GET HTTP/1.1\r\n\r\n",
    "obsfold": _G + _H + b"a: b\r\n c\r\n\r\n",
    "obsfoldtab": _G + _H + b"a: b\r\n\tc\r\n\r\n",
    "foldfirst": _G + b" a: b\r\n\r\n",
    "spacecolon": _G + b"a : b\r\n\r\n",
    "noname": _G + b": b\r\n\r\n",
    "nocolon": _G + b"abc\r\n\r\n",
    "emptyvalue": _G + b"a:\r\n\r\n",
    "nulvalue": _G + b"a: b\0c\r\n\r\n",
    "ctlvalue": _G + b"a: b\1c\r\n\r\n",
    "delvalue": _G + b"a: b\x7fc\r\n\r\n",
    "tabvalue": _G + b"a: b\tc\r\n\r\n",
    "crvalue": _G + b"a: b\rc\r\n\r\n",
    "obstext": _G + b"a: b\xffc\r\n\r\n",
    "badname": _G + b"a(b: c\r\n\r\n",
    "badname2": _G + b"a\xe9b: c\r\n\r\n",
    "namechars": _G + b"a!#$%&'*+-.^_`|~z: c\r\n\r\n",
    "mixedends": _G + b"a: c\nb: d\r\n\n",
    "crcrlf": _G + b"a: c\r\r\n\r\n",
    "garbage": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "garbage2": b"hello world\r\n\r\n",
    "h100": _G + b"".join(b"a%d: b\r\n" % i for i in range(100)) + b"\r\n",
    "h101": _G + b"".join(b"a%d: b\r\n" % i for i in range(101)) + b"\r\n",
    "h102bad": _G + b"".join(b"a%d: b\r\n" % i for i in range(101)) + b"(bad: x\r\n\r\n",
    "t65534": b"GET /" + b"a" * 65533 + b" HTTP/1.1\r\n\r\n",
    "t65535": b"GET /" + b"a" * 65534 + b" HTTP/1.1\r\n\r\n",
    "t65535q": b"GET /?" + b"a" * 65533 + b" HTTP/1.1\r\n\r\n",
    "h300k": _G + b"a: " + b"b" * 300000 + b"\r\n\r\n",
    "partial": _G + b"a: b",
    "upgradeh2c": b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n",
    "upgradews": b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
    "upgradebody": _P.replace(b"/nowhere", b"/health")
    + b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nab",
    "pipeline": _G + _H + b"\r\n" + b"GET /health HTTP/1.1\r\n\r\n",
    "pipelinebad": _G + _H + b"\r\n" + b"BAD\r\n\r\n",
    "pipelineclose": _G + b"Connection: close\r\n\r\n" + b"GET /health HTTP/1.1\r\n\r\n",
    "e_cl_all": _P + b"content-length: 5\r\n\r\nabcde",
    "e_cl_all_pipe": _P + b"content-length: 5\r\n\r\nabcdeGET /health HTTP/1.1\r\n\r\n",
    "e_ch_all": _P + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "e_ch_all_pipe": _P
    + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET /health HTTP/1.1\r\n\r\n",
    "e_ch_2": _P + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\nabc\r\n0\r\n\r\n",
    "e_ch_bad": _P + b"transfer-encoding: chunked\r\n\r\nxyz\r\n",
    "e_ch_empty": _P + b"transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "e_expectall": _P + b"expect: 100-continue\r\ncontent-length: 5\r\n\r\nabcde",
    "get_cl": _G + b"content-length: 5\r\n\r\nabcde",
    "get_cl_pipe": b"GET /health HTTP/1.1\r\ncontent-length: 5\r\n\r\nabcdeGET /health HTTP/1.1\r\n\r\n",
    "get_ch_pipe": b"GET /health HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET /health HTTP/1.1\r\n\r\n",
    "e_cl_10": b"POST /nowhere HTTP/1.0\r\nconnection: keep-alive\r\ncontent-length: 5\r\n\r\nabcde",
    "r_cl": _R + b"content-length: 2\r\n\r\n{}",
    "r_none": _R + b"\r\n",
    "r_clshort": _R + b"content-length: 5\r\n\r\n{}",
    "r_clplus": _R + b"content-length: +2\r\n\r\n{}",
    "r_clneg": _R + b"content-length: -2\r\n\r\n{}",
    "r_cl00": _R + b"content-length: 002\r\n\r\n{}",
    "r_clhex": _R + b"content-length: 0x2\r\n\r\n{}",
    "r_clempty": _R + b"content-length: \r\n\r\n{}",
    "r_clcomma": _R + b"content-length: 2, 2\r\n\r\n{}",
    "r_cldup": _R + b"content-length: 2\r\ncontent-length: 2\r\n\r\n{}",
    "r_cldup2": _R + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}",
    "r_clhuge": _R + b"content-length: 99999999999999999999\r\n\r\n{}",
    "r_clu64": _R + b"content-length: 18446744073709551615\r\n\r\n{}",
    "r_clte": _R + b"content-length: 2\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "r_tecl": _R + b"transfer-encoding: chunked\r\ncontent-length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "r_te_clbad": _R
    + b"transfer-encoding: chunked\r\ncontent-length: x\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "r_te": _C + b"2\r\n{}\r\n0\r\n\r\n",
    "r_te_pipe": _C + b"2\r\n{}\r\n0\r\n\r\nGET /health HTTP/1.1\r\n\r\n",
    "r_teupper": _R + b"Transfer-Encoding: Chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "r_tegzip": _R + b"Transfer-Encoding: gzip\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "r_tegzipch": _R + b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "r_techgzip": _R + b"Transfer-Encoding: chunked, gzip\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "r_techch": _R + b"Transfer-Encoding: chunked, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "r_te2": _R
    + b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "r_te2r": _R
    + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "r_teid": _R + b"Transfer-Encoding: identity\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "r_tex": _R + b"Transfer-Encoding: xchunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "r_teempty": _R + b"Transfer-Encoding:\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "r_te10": _R.replace(b"1.1", b"1.0")
    + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "r_cl10": _R.replace(b"1.1", b"1.0") + b"content-length: 2\r\n\r\n{}",
    "c_ext": _C + b"2;a=b\r\n{}\r\n0;x\r\n\r\n",
    "c_extq": _C + b'2;a="b\r\n{}\r\n0\r\n\r\n',
    "c_spacesize": _C + b"2 \r\n{}\r\n0\r\n\r\n",
    "c_tabsize": _C + b"2\t;x\r\n{}\r\n0\r\n\r\n",
    "c_spacefirst": _C + b" 2\r\n{}\r\n0\r\n\r\n",
    "c_lf": _C + b"2\n{}\r\n0\r\n\r\n",
    "c_lfdata": _C + b"2\r\n{}\n0\r\n\r\n",
    "c_nocrlf": _C + b"2\r\n{}0\r\n\r\n",
    "c_long": _C + b"2\r\n{}x\r\n0\r\n\r\n",
    "c_upperhex": _C + b"A\r\n{         \r\n1\r\n}\r\n0\r\n\r\n",
    "c_0x": _C + b"0x2\r\n{}\r\n0\r\n\r\n",
    "c_zeros": _C + b"0000000000002\r\n{}\r\n00000\r\n\r\n",
    "c_manyzeros": _C + b"" + b"0" * 1000 + b"2\r\n{}\r\n0\r\n\r\n",
    "c_neg": _C + b"-2\r\n{}\r\n0\r\n\r\n",
    "c_empty": _C + b"\r\n{}\r\n0\r\n\r\n",
    "c_huge": _C + b"fffffffffffffffff\r\n{}\r\n0\r\n\r\n",
    "c_extlong": _C + b"2;" + b"x" * 20000 + b"\r\n{}\r\n0\r\n\r\n",
    "c_ext16k": _C + b"2;" + b"x" * 16380 + b"\r\n{}\r\n0\r\n\r\n",
    "c_trailer": _C + b"2\r\n{}\r\n0\r\na: b\r\n\r\n",
    "c_trailerbad": _C + b"2\r\n{}\r\n0\r\nab\r\n\r\n",
    "c_trailerbadname": _C + b"2\r\n{}\r\n0\r\na(: b\r\n\r\n",
    "c_trailerlong": _C + b"2\r\n{}\r\n0\r\na: " + b"b" * 20000 + b"\r\n\r\n",
    "c_trailer20": _C + b"2\r\n{}\r\n0\r\n" + b"a: b\r\n" * 1500 + b"\r\n",
    "c_trailermany": _C + b"2\r\n{}\r\n0\r\n" + b"a: b\r\n" * 3500 + b"\r\n",
    "c_nolast": _C + b"2\r\n{}\r\n",
    "c_extctl": _C + b"2;\x01\r\n{}\r\n0\r\n\r\n",
    "c_extlf": _C + b"2;a\nb\r\n{}\r\n0\r\n\r\n",
    "c_extcr": _C + b"2;a\rb\r\n{}\r\n0\r\n\r\n",
    "r_expectall": _R + b"expect: 100-continue\r\ncontent-length: 2\r\n\r\n{}",
    "r_expectnobody": _R + b"expect: 100-continue\r\n\r\n",
    "r_10ka": _R.replace(b"1.1", b"1.0") + b"connection: keep-alive\r\ncontent-length: 2\r\n\r\n{}",
    "head_health": b"HEAD /health HTTP/1.1\r\n\r\n",
    "options": b"OPTIONS /health HTTP/1.1\r\n\r\n",
    "nullbyte": b"\0",
    "onlycr": b"\r",
    "crx": b"\rGET /health HTTP/1.1\r\n\r\n",
    "manycrlf": b"\r\n" * 1000 + b"GET /health HTTP/1.1\r\n\r\n",
    "prefacebad": b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n",
    "pri11": b"PRI * HTTP/1.1\r\n\r\n",
    "proxyconn": _G + b"proxy-connection: close\r\n\r\n",
    "connka11": _G + b"connection: keep-alive\r\n\r\n",
    "conncloseka": _G + b"connection: keep-alive, close\r\n\r\n",
    "badversion": b"GET /health HTTP/1.\r\n\r\n",
    "badversion3": b"GET /health HTTP/11.1\r\n\r\n",
}  # fmt: skip

# Targets, each in a request of its own.
TARGETS = [
    *(b"/health?a%cb" % c for c in b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
    *(b"/a%cb" % c for c in b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
    *(b"a%cb" % c for c in b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
    *(b"http://a%cb/health" % c for c in b"!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
    *(b"/health#a%cb" % c for c in b"\"<>`{}"),
    b"a@", b"@a", b"a@b@c", b"[::1]", b"[::1", b"::1]", b"a:", b"a:b", b"a:1:2", b"a%20b",
    b"a%20@b", b"http:///x", b"http://a@/x", b"http://:80/x", b"http://[::1]:80/health",
    b"1a://x/health", b"a+-.://x/health", b"a_b://x/health", b"http:/x", b"http:x",
    b"HTTP://x/health", b"a" * 64 + b"://x/health", b"a" * 65 + b"://x/health",
    b"http://x/health?a=/b#c", b"/health?a#b?c", b"*x", b"**", b"/*", b"http://x*",
    b"http://[]/health", b"http://[a]b/health", b"http://[:]:1:2/health",
]  # fmt: skip
SHAPES |= {
    "target_" + repr(target[-40:])[2:-1]: b"GET " + target + b" HTTP/1.1\r\n\r\n"
    for target in TARGETS
}


def answers(port: int, name: str) -> list[str]:
    """Version, status and connection header of each answer, until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(SHAPES[name] + _LAST)
        received = b""
        while data := client.recv(65536):
            received += data
    heads = re.findall(rb"(HTTP/1\.[01] \d+)[^\r]*\r\n((?:[^\r\n]+\r\n)*)", received)
    return [_summary(line, fields) for line, fields in heads]


def _summary(line: bytes, fields: bytes) -> str:
    found = re.search(rb"connection: [^\r]*", fields)
    return (line + (b" " + found[0] if found else b"")).decode()


if __name__ == "__main__":
    recorded = {name: answers(int(sys.argv[1]), name) for name in SHAPES}
    RECORDED.write_text(json.dumps(recorded, indent=0) + "\n")
