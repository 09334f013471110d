"""Exchanges from the JSON of the control API."""

from typing import Any, Final

from s2mock.powers.exchange import Effect, Exchange, Request, Response
from s2mock.powers.faults import bytes_from_json, fault_from_json


def exchange_from_json(form: dict[str, Any]) -> Exchange:
    """Return the exchange that a document describes."""
    asked, said = form["request"], form["response"]
    rest = {name: form[name] for name in _PLAIN}
    return Exchange(
        **rest,
        request=Request(
            asked["method"],
            asked["path"],
            asked["query"],
            asked["headers"],
            _body(asked["body"]),
            lambda _: _document(asked["document"]),
        ),
        response=None
        if said is None
        else Response(
            said["status"],
            said["code"],
            said["message"],
            said["headers"],
            _body(said["body"]),
            lambda _: _document(said["document"]),
        ),
        effect=Effect(**form["effect"]),
        fault=None if form["fault"] is None else fault_from_json(form["fault"]),
        advice=tuple(form["advice"]),
    )


_PLAIN: Final = (
    "number",
    "operation",
    "basin",
    "stream",
    "token_id",
    "session",
    "protocol",
    "connection",
    "at",
    "began",
    "ended",
    "reason",
)


def _body(form: Any) -> bytes | None:
    return None if form is None else bytes_from_json("body", form)


def _document(form: Any) -> Any:
    """Return the decoded body with its bytes."""
    if isinstance(form, dict):
        if list(form) == ["base64"]:
            return bytes_from_json("document", form)
        return {name: _document(value) for name, value in form.items()}
    if isinstance(form, list):
        return [_document(value) for value in form]
    return form
