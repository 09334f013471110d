"""The JSON of exchanges, in both directions.

An exchange has the members of `Exchange`, under the same names. Bytes are text where they are
UTF-8, else `{"base64": ...}`.
"""

from dataclasses import asdict, fields
from math import isfinite
from typing import Any, Final

from s2mock.powers.exchange import Effect, Exchange, Request, Response
from s2mock.powers.faults import bytes_from_json, bytes_to_json, fault_from_json, fault_to_json

_MEMBERS: Final = tuple(member.name for member in fields(Exchange))


def exchange_to_json(exchange: Exchange) -> dict[str, Any]:
    """Return an exchange as JSON, with its request, its response and its curl command."""
    request, response, fault = exchange.request, exchange.response, exchange.fault
    # In the order of the members.
    return {name: getattr(exchange, name) for name in _MEMBERS} | {
        "request": {
            "method": request.method,
            "path": request.path,
            "query": request.query,
            "headers": request.headers,
            **_body_to_json(request),
        },
        "response": None
        if response is None
        else {
            "status": response.status,
            "code": response.code,
            "message": response.message,
            "headers": response.headers,
            **_body_to_json(response),
        },
        "effect": asdict(exchange.effect),
        "fault": None if fault is None else fault_to_json(fault),
        "advice": list(exchange.advice),
        "curl": exchange.curl(),
    }


def exchange_from_json(document: dict[str, Any]) -> Exchange:
    """Return the exchange that a JSON document describes."""
    request, response, fault = document["request"], document["response"], document["fault"]
    # A server of an earlier version may have fewer of those with defaults.
    members = {name: document[name] for name in _MEMBERS if name in document} | {
        "request": Request(
            request["method"],
            request["path"],
            request["query"],
            request["headers"],
            _body_from_json(request),
            lambda _: _document_from_json(request["document"]),
        ),
        "response": None
        if response is None
        else Response(
            response["status"],
            response["code"],
            response["message"],
            response["headers"],
            _body_from_json(response),
            lambda _: _document_from_json(response["document"]),
        ),
        "effect": Effect(**document["effect"]),
        "fault": None if fault is None else fault_from_json(fault),
        "advice": tuple(document["advice"]),
    }
    return Exchange(**members)


def _body_to_json(message: Request | Response) -> dict[str, Any]:
    return {
        "body": None if message.body is None else bytes_to_json(message.body),
        "document": _document_to_json(message.document),
    }


def _body_from_json(message: dict[str, Any]) -> bytes | None:
    return None if message["body"] is None else bytes_from_json("body", message["body"])


def _document_to_json(document: Any) -> Any:
    """Return a decoded body with bytes and numbers as JSON has them; 1e400 becomes text."""
    if isinstance(document, float) and not isfinite(document):
        return str(document)
    if isinstance(document, bytes):
        return bytes_to_json(document)
    if isinstance(document, dict):
        return {name: _document_to_json(value) for name, value in document.items()}
    if isinstance(document, list | tuple):
        return [_document_to_json(value) for value in document]
    return document


def _document_from_json(document: Any) -> Any:
    """Return a decoded body with its bytes."""
    if isinstance(document, dict):
        if list(document) == ["base64"]:
            return bytes_from_json("document", document)
        return {name: _document_from_json(value) for name, value in document.items()}
    if isinstance(document, list):
        return [_document_from_json(value) for value in document]
    return document
