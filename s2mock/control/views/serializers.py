"""Faults, holds and exchanges as JSON, for the control API.

An exchange has the members of `s2mock.Exchange`, under the same names. Bytes are text where they
are UTF-8, else `{"base64": ...}`.
"""

from dataclasses import asdict
from math import isfinite
from typing import Any

from s2mock.powers.exchange import Exchange, Request, Response
from s2mock.powers.faults import bytes_to_json, fault_to_json, faults_to_json
from s2mock.powers.hold import Hold
from s2mock.powers.injection import Injection


def injection_to_json(number: int, injection: Injection) -> dict[str, Any]:
    """Return an injected fault, and the exchanges that it has affected, as JSON."""
    arguments = injection.arguments
    return {
        "number": number,
        **arguments,
        "fault": faults_to_json(arguments["fault"]),
        "hits": injection.hits,
        "remaining": injection.remaining,
        "complaint": injection.complaint,
        "exchanges": [exchange_to_json(exchange) for exchange in injection.exchanges],
    }


def hold_to_json(number: int, hold: Hold) -> dict[str, Any]:
    """Return a hold, and the exchanges that it has held, as JSON."""
    exchanges = [exchange_to_json(exchange) for exchange in hold.exchanges]
    return {
        "number": number,
        **hold.arguments,
        "count": len(exchanges),
        "released": hold.is_over,
        "complaint": hold.complaint,
        "exchanges": exchanges,
    }


def exchange_to_json(exchange: Exchange) -> dict[str, Any]:
    """Return an exchange, with its request and its response, as JSON."""
    response = exchange.response
    return {
        "number": exchange.number,
        "operation": exchange.operation,
        "basin": exchange.basin,
        "stream": exchange.stream,
        "token_id": exchange.token_id,
        "request": _request_to_json(exchange.request),
        "response": None if response is None else _response_to_json(response),
        "effect": asdict(exchange.effect),
        "session": exchange.session,
        "protocol": exchange.protocol,
        "connection": exchange.connection,
        "at": exchange.at,
        "began": exchange.began,
        "ended": exchange.ended,
        "fault": None if exchange.fault is None else fault_to_json(exchange.fault),
        "reason": exchange.reason,
        "advice": list(exchange.advice),
        "curl": exchange.curl(),
    }


def _request_to_json(request: Request) -> dict[str, Any]:
    return {
        "method": request.method,
        "path": request.path,
        "query": request.query,
        "headers": request.headers,
        "body": None if request.body is None else bytes_to_json(request.body),
        "document": _plain(request.document),
    }


def _response_to_json(response: Response) -> dict[str, Any]:
    return {
        "status": response.status,
        "code": response.code,
        "message": response.message,
        "headers": response.headers,
        "body": None if response.body is None else bytes_to_json(response.body),
        "document": _plain(response.document),
    }


def _plain(document: Any) -> Any:
    """Return the document with bytes and numbers as JSON has them; 1e400 becomes text."""
    if isinstance(document, float) and not isfinite(document):
        return str(document)
    if isinstance(document, bytes):
        return bytes_to_json(document)
    if isinstance(document, dict):
        return {name: _plain(value) for name, value in document.items()}
    if isinstance(document, list | tuple):
        return [_plain(value) for value in document]
    return document
