"""An exchange as the source of a test that sends the same request, to paste and to extend."""

from s2mock.powers.exchange import Exchange
from s2mock.powers.redaction import redact_headers, redact_target

# Headers that the client sends by itself, or that the test is not about.
_OWN = frozenset(
    {
        "accept-encoding",
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "host",
        "te",
        "transfer-encoding",
        "user-agent",
    }
)
_MAKES_BASIN = ("create-basin", "ensure-basin")
_MAKES_STREAM = ("create-stream", "ensure-stream")


def snippet(exchange: Exchange) -> str:
    """Return the source of a test with the fixture `s2_mock`."""
    request, response, fault = exchange.request, exchange.response, exchange.fault
    lines = ["import pytest"]
    if fault is not None:
        lines.append(f"from s2mock import {type(fault).__name__}")
    lines += ["", ""]
    if (basins := _basins_before(exchange)) is not None:
        lines.append(f"@pytest.mark.s2_mock(basins={basins})")
    lines.append(f"def test_exchange_{exchange.number}(s2_mock):")
    if fault is not None:
        lines.append(f"    s2_mock.inject({fault!r}, on={exchange.operation!r})")
    from pprint import pformat  # loaded late: it takes time, and snippets are rare

    target = redact_target(request.path, request.query)
    shown = redact_headers(request.headers)
    headers = {name: value for name, value in shown.items() if name not in _OWN}
    call = ["s2_mock.client.open(", f"    {target!r},", f"    method={request.method!r},"]
    if headers:
        call.append(f"    headers={_indented(pformat(headers, sort_dicts=False))},")
    if request.body:
        call.append(f"    data={_indented(pformat(request.body))},")
    call.append(")")
    if response is None:
        lines.append("    with pytest.raises(ConnectionError):")
        lines += [f"        {line}" for line in _lines(call)]
    else:
        call[0] = f"answer = {call[0]}"
        lines += [f"    {line}" for line in _lines(call)]
        lines.append(f"    assert answer.status_code == {response.status}")
    return "\n".join(lines) + "\n"


def _basins_before(exchange: Exchange) -> str | None:
    """Return the argument `basins` of the test: what was there before the exchange, or None."""
    code = exchange.response and exchange.response.code
    is_made = exchange.operation in _MAKES_BASIN and code is None
    if exchange.basin is None or is_made or code == "basin_not_found":
        return None
    is_made = exchange.operation in _MAKES_STREAM and code is None
    if exchange.stream is None or is_made or code == "stream_not_found":
        return repr([exchange.basin])
    return repr([{"name": exchange.basin, "streams": [exchange.stream]}])


def _indented(text: str) -> str:
    return text.replace("\n", "\n    ")


def _lines(parts: list[str]) -> list[str]:
    return "\n".join(parts).split("\n")
