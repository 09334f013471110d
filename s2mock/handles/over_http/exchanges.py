"""Exchanges from the JSON of the control API, and the journal that they are in."""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

from s2mock.handles.over_http.control import Control, ControlError
from s2mock.powers.exchange import Effect, Exchange, Request, Response
from s2mock.powers.faults import bytes_from_json, fault_from_json
from s2mock.powers.matching import Pattern
from s2mock.powers.operations import OPERATION_NAMES
from s2mock.runtime.arguments import check_number
from s2mock.runtime.notifier import PATIENCE, check_count, check_timeout


def exchange_from_json(form: dict[str, Any]) -> Exchange:
    """The exchange that this describes."""
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


# No exchange has so high a number.
_NEVER = 10**17
_PLAIN = (
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
    """The document with the bytes that it had."""
    if isinstance(form, dict):
        if list(form) == ["base64"]:
            return bytes_from_json("document", form)
        return {name: _document(value) for name, value in form.items()}
    if isinstance(form, list):
        return [_document(value) for value in form]
    return form


class RemoteJournal(Sequence[Exchange]):
    """As `Journal`, of an account of another process."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def __repr__(self) -> str:
        return f"<Journal of {len(self)} exchanges>"

    def _get(self, **query: Any) -> dict[str, Any]:
        document: dict[str, Any] = self._control("GET", "/journal", query=query)
        return document

    @property
    def dropped(self) -> int:
        """How many exchanges are gone for want of room, since the last `clear()`."""
        dropped: int = self._get(after=_NEVER)["dropped"]
        return dropped

    @property
    def limit(self) -> int:
        """How many exchanges are kept at most."""
        limit: int = self._get(after=_NEVER)["limit"]
        return limit

    @property
    def is_on(self) -> bool:
        """Whether anything is kept; also where the account is gone, of which nobody knows."""
        try:
            return self.limit > 0
        except (OSError, ControlError):
            return True

    @property
    def last_number(self) -> int:
        """The number of the latest exchange; 0 where the account is gone."""
        try:
            number: int = self._get(after=_NEVER)["last"]
        except (OSError, ControlError):
            return 0
        return number

    def since(self, number: int) -> tuple[Exchange, ...]:
        """The exchanges behind that number; none where the account is gone."""
        try:
            return _exchanges(self._get(after=number))
        except (OSError, ControlError):
            return ()

    def take_advised(self) -> tuple[Exchange, ...]:
        """Those with advice that nobody has been told of; none where the account is gone."""
        try:
            return _exchanges(self._control("POST", "/advice"))
        except (OSError, ControlError):
            return ()

    def __len__(self) -> int:
        return len(self._get()["exchanges"])

    @overload
    def __getitem__(self, index: int) -> Exchange: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Exchange, ...]: ...
    def __getitem__(self, index: int | slice) -> Exchange | tuple[Exchange, ...]:
        exchanges = _exchanges(self._get())
        try:
            return exchanges[index]
        except IndexError:
            raise IndexError(f"there is no exchange [{index}] in {self!r}") from None

    def __iter__(self) -> Iterator[Exchange]:
        return iter(_exchanges(self._get()))

    def of(
        self,
        operation: str | Iterable[str] | None = None,
        *,
        basin: str = "*",
        stream: str = "*",
        status: int | None = None,
    ) -> tuple[Exchange, ...]:
        """As `Journal.of`."""
        return _exchanges(self._get(**_filters(operation, basin, stream, status)))

    def wait_for(
        self,
        operation: str | Iterable[str] | None = None,
        count: int = 1,
        *,
        timeout: float = PATIENCE,
        basin: str = "*",
        stream: str = "*",
        status: int | None = None,
    ) -> tuple[Exchange, ...]:
        """As `Journal.wait_for`."""
        check_count("count", count)
        check_timeout(timeout)
        filters = _filters(operation, basin, stream, status)
        return _exchanges(self._get(**filters, count=count, wait=timeout))

    async def async_wait_for(self, *arguments: Any, **more: Any) -> tuple[Exchange, ...]:
        """As `wait_for`, for an event loop."""
        return await asyncio.to_thread(self.wait_for, *arguments, **more)

    def clear(self) -> None:
        """Forget all exchanges. Their numbers go on."""
        self._control("DELETE", "/journal")


def _exchanges(document: dict[str, Any]) -> tuple[Exchange, ...]:
    return tuple(map(exchange_from_json, document["exchanges"]))


def _filters(
    operation: str | Iterable[str] | None, basin: str, stream: str, status: int | None
) -> dict[str, Any]:
    """The parameters of a query. Raises `TypeError`, `ValueError`."""
    check_number("status", status)
    pattern = Pattern(OPERATION_NAMES if operation is None else operation, basin, stream)
    names = None if operation is None else pattern.names
    return {"operation": names, "basin": basin, "stream": stream, "status": status}
