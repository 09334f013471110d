"""The front of a server with a control API: it sends each request to the account it is for."""

import json
import re
from collections.abc import Callable, Generator
from contextlib import closing
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from s2mock.control.accounts import Accounts, begin_outage, end_outage, reset
from s2mock.control.answers import Answer, Refused
from s2mock.control.guard import objection
from s2mock.control.hosted_account import AccountEnded, HostedAccount, WaitOrEnd
from s2mock.control.request import ControlRequest, seat_of
from s2mock.runtime import failures, mock_tokens
from s2mock.runtime.conversation import READ, Conversation, Head, Reset, Step
from s2mock.runtime.environ import bearer, path_of

if TYPE_CHECKING:
    from s2mock.mock import S2Mock
    from s2mock.registry.engine.engine import Engine
    from s2mock.runtime.conversation import Wait
    from s2mock.server.lazy_server import LazyServer

PREFIX: Final = "/_s2mock"
_DIRECT: Final = f"{PREFIX}/v1/"
# Where s2-lite has its page.
_DASHBOARD: Final = "/dashboard"


class ControlRoute(NamedTuple):
    """What is asked for here: `{number}` stands for a segment."""

    method: str
    path: str
    handler: Callable[[ControlRequest], Any]

    def __str__(self) -> str:
        return f"{self.method} {PREFIX}{self.path}"


class ControlRouter:
    """Answers `/_s2mock` itself, and leaves all else to the app of an account.

    With a `token` it is served to whoever brings that too, from anywhere.
    """

    def __init__(self, first: "S2Mock", listening: "LazyServer", token: str | None) -> None:
        self._token = token
        self.has_dashboard = True
        self.accounts = Accounts(first, listening)

    @cached_property
    def rows(self) -> tuple[ControlRoute, ...]:
        """What is served, with its handlers, which most servers are never asked for."""
        from s2mock.control import (
            clock,
            direct_calls,
            faults,
            history,
            journal,
            overview,
            page,
            rows,
            status,
        )

        accounts = self.accounts
        return (
            ControlRoute("GET", "", self._index),
            ControlRoute("GET", "/", page.get_page),
            ControlRoute("GET", "/openapi.json", _description),
            ControlRoute("GET", "/accounts", accounts.tell),
            ControlRoute("POST", "/accounts", accounts.make),
            ControlRoute("DELETE", "/accounts", accounts.end),
            ControlRoute("POST", "/fork", accounts.fork),
            ControlRoute("POST", "/reset", reset),
            ControlRoute("GET", "/faults", faults.list_faults),
            ControlRoute("POST", "/faults", faults.inject),
            ControlRoute("GET", "/faults/{number}", faults.get_fault),
            ControlRoute("DELETE", "/faults/{number}", faults.remove_fault),
            ControlRoute("GET", "/holds", faults.list_holds),
            ControlRoute("POST", "/holds", faults.hold),
            ControlRoute("GET", "/holds/{number}", faults.get_hold),
            ControlRoute("POST", "/holds/{number}/release", faults.release),
            ControlRoute("GET", "/journal", journal.read_journal),
            ControlRoute("DELETE", "/journal", journal.clear_journal),
            ControlRoute("POST", "/advice", journal.take_advice),
            ControlRoute("GET", "/journal/{number}", rows.get_exchange),
            ControlRoute("GET", "/timeline", rows.read_timeline),
            ControlRoute("GET", "/status", status.read_status),
            ControlRoute("GET", "/streams", overview.read_streams),
            ControlRoute("GET", "/streams/records", history.read_records),
            ControlRoute("GET", "/report", page.get_report),
            ControlRoute("GET", "/coverage", journal.read_coverage),
            ControlRoute("GET", "/clock", clock.read_clock),
            ControlRoute("POST", "/clock/advance", clock.advance),
            ControlRoute("GET", "/readers", clock.read_readers),
            ControlRoute("GET", "/look/basin", direct_calls.look_at_basin),
            ControlRoute("GET", "/look/stream", direct_calls.look_at_stream),
            ControlRoute("GET", "/look/records", direct_calls.look_at_records),
            ControlRoute("GET", "/look/token", direct_calls.look_at_token),
            ControlRoute("POST", "/snapshots", accounts.take_snapshot),
            ControlRoute("GET", "/snapshots/{number}", accounts.get_snapshot),
            ControlRoute("DELETE", "/snapshots/{number}", accounts.forget_snapshot),
            ControlRoute("POST", "/snapshots/{number}/restore", accounts.restore),
            ControlRoute("POST", "/outage", begin_outage),
            ControlRoute("DELETE", "/outage", end_outage),
        )

    @cached_property
    def _routes(self) -> dict[str, dict[str, ControlRoute]]:
        routes: dict[str, dict[str, ControlRoute]] = {}
        for row in self.rows:
            routes.setdefault(row.path, {})[row.method] = row
        return routes

    def close(self) -> None:
        """End all accounts but the first, which ends by itself."""
        for mock in self.accounts.mocks:
            mock.close()

    def drop_calls(self, engine: "Engine") -> None:
        """Drop the requests to that account that are under way."""
        for seat in self.accounts.all:
            if seat.mock.account.engine is engine:
                seat.drop_calls()

    def converse(self, environ: dict[str, Any]) -> Conversation:
        """Answer one request, step by step."""
        self.accounts.end_idle()
        target: str = environ["REQUEST_URI"]
        if PREFIX in target:
            path = path_of(target)
            if path == PREFIX or path.startswith(f"{PREFIX}/"):
                return self._control(environ, path)
        elif self.has_dashboard and target == _DASHBOARD:
            return _to_the_page()
        return self.accounts.of(bearer(environ)).converse(environ)

    def _control(self, environ: dict[str, Any], path: str) -> Conversation:
        seat: HostedAccount | None = None
        asked = None
        try:
            if (seat := self._admit(environ, path)) is not None:
                seat.begin_control()
            if path.startswith(_DIRECT):
                yield from _direct(environ, path, seat_of(seat))
                return
            row, number = self._row(environ["REQUEST_METHOD"], path)
            asked = ControlRequest(environ, seat, number)
            yield from asked.read()
            answer = yield from _carried_out(row, asked, seat)
        except AccountEnded:
            # An event stream has nothing more to send, and ends as one that is complete.
            answer = (
                None if asked is not None and asked.is_answered else Refused(401, _ENDED).answer
            )
        except Refused as refused:
            # An answer before the end of the body ends the connection, on which the client may
            # have sent its next request by then.
            while (yield READ):
                pass
            answer = refused.answer
        except TimeoutError as error:
            answer = Refused(408, str(error)).answer
        except (GeneratorExit, ConnectionError):
            raise
        except Exception as error:  # noqa: BLE001  # a fault of ours must reach the user as one
            failures.note(error)
            if asked is not None and asked.is_answered:
                # A second head would be part of the body that the first one announced.
                yield Reset()
                return
            answer = Refused(500, f"s2mock failed, please report it: {error!r}").answer
        finally:
            if seat is not None:
                seat.end_control()
        if answer is not None:
            yield answer.head

    def _admit(self, environ: dict[str, Any], path: str) -> HostedAccount | None:
        """Return the account that the request acts on, None without one. Raises `Refused`."""
        is_page = path == f"{PREFIX}/"
        if (text := objection(environ, self._token, is_page=is_page)) is not None:
            raise Refused(403, text)
        token = bearer(environ)
        if mock_tokens.is_ended(token):
            raise Refused(401, _ENDED)
        return self.accounts.known(token)

    def _row(self, method: str, path: str) -> tuple[ControlRoute, str | None]:
        rest, number = path.removeprefix(PREFIX), None
        rows = self._routes.get(rest)
        if rows is None and (found := _NUMBERED.fullmatch(rest)) is not None:
            number = found[2]
            rows = self._routes.get(f"{found[1]}{{number}}{found[3]}")
        if rows is None:
            raise Refused(404, f"nothing is served at {path}: there are {_listed(self.rows)}")
        if (row := rows.get(method)) is None:
            allow = ", ".join(rows)
            raise Refused(405, f"{path} takes {allow}, not {method}", ("allow", allow))
        return row, number

    def _index(self, asked: ControlRequest) -> Answer:
        """What is served here."""
        from importlib.metadata import version

        asked.query(())
        return Answer(
            200,
            {
                "name": "s2mock",
                "version": version("s2mock"),
                "description": f"{PREFIX}/openapi.json",
                "serves": [*map(str, self.rows), f"* {_DIRECT}... as S2, unseen by the powers"],
            },
        )


_ENDED: Final = (
    "the access token is that of an account that has ended: by DELETE /_s2mock/accounts, or since "
    "no request had used it for as long as --account-idle says"
)
_NUMBERED: Final = re.compile(r"(/[a-z]+/)([^/]+)(/[a-z]+|)")


def _carried_out(row: ControlRoute, asked: ControlRequest, seat: HostedAccount | None) -> Any:
    answer = row.handler(asked)
    if answer is None or isinstance(answer, Answer):
        return answer
    return (yield from _until_end(asked, seat, answer))


def _until_end(
    asked: ControlRequest, seat: HostedAccount | None, steps: Generator[Step, Any, Any]
) -> Generator[Step, Any, Any]:
    """Carry out these steps while the account, if any, lasts. Raises `AccountEnded`."""
    value: Any = None
    error: Exception | None = None
    with closing(steps):
        while True:
            try:
                step = steps.send(value) if error is None else steps.throw(error)
            except StopIteration as done:
                return done.value
            value = error = None
            asked.is_answered |= type(step) is Head
            try:
                value = yield from _step(step, seat)
            except Exception as raised:  # noqa: BLE001  # each is for the steps to handle
                error = raised
            if seat is not None and seat.is_ended:
                raise AccountEnded


def _step(step: Step, seat: HostedAccount | None) -> Generator[Step, Any, Any]:
    if seat is None or not hasattr(step, "subscribe"):
        return (yield step)
    wait = WaitOrEnd(cast("Wait", step))
    seat.waits.add(wait)
    try:
        yield wait
    finally:
        seat.waits.discard(wait)


def _listed(rows: tuple[ControlRoute, ...]) -> str:
    return ", ".join(map(str, rows))


def _direct(environ: dict[str, Any], path: str, seat: HostedAccount) -> Conversation:
    """S2's API as a direct call of the test would have it."""
    query = environ.get("QUERY_STRING", "")
    rest = path.removeprefix(PREFIX)
    again = {**environ, "REQUEST_URI": f"{rest}?{query}" if query else rest, "PATH_INFO": rest}
    return seat.direct(again)


def _to_the_page() -> Conversation:
    while (yield READ):
        pass
    yield Head(302, [("location", f"{PREFIX}/")], b"")


def _description(asked: ControlRequest) -> Answer:
    """The OpenAPI description of what is served here."""
    asked.query(())
    text = (Path(__file__).parent / "openapi.json").read_text("utf-8")
    return Answer(200, json.loads(text))
