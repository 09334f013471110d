"""The interpretation of journal entries: documents of bodies, reasons for errors, advice.

It depends on the API, whose routes and body formats it knows, and is imported when a journal is
first read.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

from s2mock.api.wire.proto_records import input_to_proto
from s2mock.diagnostics.advice import find_advice, find_end_advice, find_open_advice
from s2mock.diagnostics.documents import decode_request, decode_response
from s2mock.diagnostics.reasons import explain_error
from s2mock.powers.advice_history import AdviceHistory, FullRead
from s2mock.powers.entry import AccountView, Entry
from s2mock.powers.exchange import Exchange, Request, Response
from s2mock.registry.values.records import AppendInput
from s2mock.registry.values.tokens import OWN_ID
from s2mock.runtime import failures


class ApiDiagnostics:
    """The diagnostics of one account: `s2mock.powers.entry.Diagnostics`.

    An exception in the search for a reason or for advice is a failure of s2mock itself: it fails
    the test, and the report is made without that text.
    """

    def __init__(self, account: AccountView) -> None:
        self._account = account

    def explain_error(
        self, entry: Entry, exchange: Exchange, before: Iterator[Entry]
    ) -> str | None:
        """Return why the exchange ended in an error.

        `before` are the entries before it, the latest first.
        """
        try:
            return explain_error(entry, exchange, self._account, before)
        except Exception as error:  # noqa: BLE001  # of any kind: the test reports it
            failures.note(error)
            return None

    def find_token_id(self, secret: str) -> str | None:
        """Return the id of the access token with that secret, or None."""
        account = self._account
        tokens = account.state.tokens
        if secret and secret == account.own_secret:
            return OWN_ID
        with account.lock.mutex:
            token = None if tokens is None else tokens.by_secret.get(secret)
        return None if token is None else token.id

    def find_advice(self, entry: Entry, history: AdviceHistory) -> tuple[str, ...]:
        """Return advice on an exchange that has ended, and add it to the history."""
        try:
            to_exchange = partial(entry.to_exchange_without_reason, self)
            return tuple(find_advice(entry, to_exchange, history, self._account))
        except Exception as error:  # noqa: BLE001  # as above
            failures.note(error)
            return ()

    def find_open_advice(self, entry: Entry) -> tuple[str, ...]:
        """Return advice on an exchange that is open at the end of the test."""
        try:
            return tuple(find_open_advice(entry))
        except Exception as error:  # noqa: BLE001  # as above
            failures.note(error)
            return ()

    def find_end_advice(
        self, entry: Entry, full: FullRead, history: AdviceHistory
    ) -> tuple[str, ...]:
        """Return advice on a full read that is only known at the end of the test."""
        try:
            return tuple(find_end_advice(entry, full, history, self._account))
        except Exception as error:  # noqa: BLE001  # as above
            failures.note(error)
            return ()

    def encode_batch(self, batch: AppendInput) -> bytes:
        """Return a batch as the message in its session's frame; its bytes may differ."""
        return input_to_proto(batch)

    def decode_request(self, operation: str | None, request: Request) -> Any:
        """Return the body of a request as a document."""
        headers = request.headers
        content_type, form = headers.get("content-type", ""), headers.get("s2-format", "raw")
        return decode_request(operation, content_type, form, request.body)

    def decode_response(self, operation: str | None, form: str, response: Response) -> Any:
        """Return the body of a response as a document, to a request with that `S2-Format`."""
        content_type = response.headers.get("content-type", "")
        return decode_response(operation, content_type, form, response.body)
