"""Injections and holds of an account of another process."""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Any, NoReturn, Self

from s2mock.handles.over_http.control import Control, NoSuchThing
from s2mock.handles.over_http.exchanges import exchange_from_json
from s2mock.powers.errors import UnusedFault
from s2mock.powers.exchange import Exchange
from s2mock.powers.faults import Fault, faults_to_json
from s2mock.powers.hold import Hold
from s2mock.powers.injection import Injection
from s2mock.powers.matching import Pattern
from s2mock.runtime.notifier import PATIENCE, check_count, check_timeout


def _unreachable(_: object) -> NoReturn:
    """Fail: an injection or a hold that is made to check its arguments affects no operation."""
    raise NotImplementedError


class _Numbered:
    """Something under a number at `path`."""

    _path: str

    def __init__(self, control: Control, form: dict[str, Any]) -> None:
        self._control = control
        self._form = form

    def _look(self, **query: Any) -> dict[str, Any]:
        """How it is now; once it is gone, as it was last."""
        path = f"{self._path}/{self._form['number']}"
        try:
            self._form = self._control("GET", path, query=query)
        except NoSuchThing:
            if query:
                raise
        return self._form

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """Those operations, in the order in which they came."""
        return _exchanges(self._look())


class RemoteInjection(_Numbered):
    """As `Injection`."""

    _path = "/faults"

    def __init__(
        self,
        control: Control,
        fault: Fault | Sequence[Fault | None],
        on: Any,
        basin: str,
        stream: str,
        **arguments: Any,
    ) -> None:
        pattern = Pattern(on, basin, stream)
        checked = Injection(
            fault, pattern, **arguments, exchange_of=_unreachable, on_end=_unreachable
        )
        self.text = checked.text
        """The call that made it."""
        given: dict[str, Any] = {"fault": faults_to_json(fault), "basin": basin, "stream": stream}
        given |= {"on": pattern.names, **arguments}
        if not isinstance(fault, Fault):
            # There is one for each operation.
            del given["times"]
        super().__init__(control, control("POST", "/faults", given))
        self._is_removed = False

    def __repr__(self) -> str:
        return f"<{self.text}: {self.hits} hits>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        complaint = None if self._is_removed else self._look()["complaint"]
        self.remove()
        if complaint is not None and kind is None:
            raise UnusedFault(complaint)

    @property
    def hits(self) -> int:
        """How many operations it has met with a fault."""
        hits: int = self._look()["hits"]
        return hits

    @property
    def remaining(self) -> int | None:
        """How many more operations it waits for; None where it is until removed."""
        remaining: int | None = self._look()["remaining"]
        return 0 if self._is_removed else remaining

    def wait(self, hits: int = 1, *, timeout: float = PATIENCE) -> tuple[Exchange, ...]:
        """As `Injection.wait`."""
        check_count("hits", hits)
        check_timeout(timeout)
        return _exchanges(self._look(hits=hits, wait=timeout))

    async def async_wait(self, hits: int = 1, **more: Any) -> tuple[Exchange, ...]:
        """As `wait`, for an event loop."""
        return await asyncio.to_thread(self.wait, hits, **more)

    def remove(self) -> None:
        """As `Injection.remove`."""
        if not self._is_removed:
            self._look()
            self._is_removed = True
            try:
                self._control("DELETE", f"/faults/{self._form['number']}")
            except NoSuchThing:
                # Its account has begun again.
                return


class RemoteHold(_Numbered):
    """As `Hold`."""

    _path = "/holds"

    def __init__(
        self,
        control: Control,
        on: Any,
        basin: str,
        stream: str,
        at: Any,
        told: set[int],
        **arguments: Any,
    ) -> None:
        pattern = Pattern(on, basin, stream)
        Hold(pattern, at, **arguments, exchange_of=_unreachable, on_end=_unreachable)
        given = {"on": pattern.names, "basin": basin, "stream": stream, "at": at, **arguments}
        super().__init__(control, control("POST", "/holds", given))
        # The numbers of those whose complaints were told.
        self._told = told

    def __repr__(self) -> str:
        return f"<hold of {'/'.join(self._form['on'])}: {self._look()['count']} held>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        number, complaint = self._form["number"], self._look()["complaint"]
        is_told = number in self._told
        self._told.add(number)
        self.release()
        if complaint is not None and not is_told and kind is None:
            raise UnusedFault(complaint)

    def wait(self, count: int = 1, *, timeout: float = PATIENCE) -> tuple[Exchange, ...]:
        """As `Hold.wait`."""
        check_count("count", count)
        check_timeout(timeout)
        return _exchanges(self._look(count=count, wait=timeout))

    async def async_wait(self, count: int = 1, **more: Any) -> tuple[Exchange, ...]:
        """As `wait`, for an event loop."""
        return await asyncio.to_thread(self.wait, count, **more)

    def release(self) -> None:
        """As `Hold.release`."""
        try:
            self._form = self._control("POST", f"/holds/{self._form['number']}/release")
        except NoSuchThing:
            # Its account has begun again.
            return


def _exchanges(form: dict[str, Any]) -> tuple[Exchange, ...]:
    return tuple(map(exchange_from_json, form["exchanges"]))
