"""What the notes of the journal mean: bodies as documents, and why a request was refused.

It stands above the api, whose routes and forms it knows, and is loaded when somebody looks.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

from s2mock.diagnostics.advice import advice
from s2mock.diagnostics.documents import encoded_batch, request_document, response_document
from s2mock.diagnostics.reasons import reason
from s2mock.powers.entry import AccountView, Entry
from s2mock.powers.exchange import Exchange, Request, Response
from s2mock.registry.values.records import AppendInput
from s2mock.registry.values.tokens import OWN_ID
from s2mock.runtime import failures


class ApiInsight:
    """What the notes of one account mean.

    Where one cannot be told, that is a failure of the fake, and the report goes on without it.
    """

    def __init__(self, engine: AccountView) -> None:
        self._engine = engine

    def reason(self, entry: Entry, exchange: Exchange, before: Iterator[Entry]) -> str | None:
        """Why the exchange ended in an error; `before` are those before it, the latest first."""
        try:
            return reason(entry, exchange, self._engine, before)
        except Exception as error:  # noqa: BLE001  # whatever it is, the test is told of it
            failures.note(error)
            return None

    def token_id(self, secret: str) -> str | None:
        """The id of the access token with that secret, None where it has none."""
        engine = self._engine
        tokens = engine.state.tokens
        if secret and secret == engine.own_secret:
            return OWN_ID
        with engine.lock.mutex:
            token = None if tokens is None else tokens.by_secret.get(secret)
        return None if token is None else token.id

    def advice(self, entry: Entry, lost: list[Any]) -> tuple[str, ...]:
        """What may have been meant otherwise in an exchange that is over."""
        try:
            return tuple(advice(entry, partial(entry.unexplained, self), lost, self._engine))
        except Exception as error:  # noqa: BLE001  # as above
            failures.note(error)
            return ()

    def encoded(self, batch: AppendInput) -> bytes:
        """A batch as its session has sent it: the same message, if not byte for byte."""
        return encoded_batch(batch)

    def request_document(self, operation: str | None, request: Request) -> Any:
        """What a request said."""
        headers = request.headers
        content_type, form = headers.get("content-type", ""), headers.get("s2-format", "raw")
        return request_document(operation, content_type, form, request.body)

    def response_document(self, operation: str | None, form: str, response: Response) -> Any:
        """What an answer said, to a request with that `S2-Format`."""
        content_type = response.headers.get("content-type", "")
        return response_document(operation, content_type, form, response.body)
