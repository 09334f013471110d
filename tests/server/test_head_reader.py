"""The reader of HTTP/1 request heads, which remembers the latest one."""

from s2mock.server.head import HeadReader

GET = b"GET /a HTTP/1.1\r\nhost: a\r\n\r\n"
POST = b"POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\n"


def test_each_head_is_read_as_it_was_sent_also_behind_an_equal_one() -> None:
    reader, buffer = HeadReader(), bytearray(GET + GET + POST + POST + GET)
    heads = [reader.next_head(buffer) for _ in range(5)]
    assert [(head.method, head.length) for head in heads if head is not None] == [
        ("GET", 0),
        ("GET", 0),
        ("POST", 3),
        ("POST", 3),
        ("GET", 0),
    ]
    assert reader.next_head(buffer) is None
