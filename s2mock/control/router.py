"""The router of a server with a control API: it sends each request to the account it is for."""

from collections.abc import Generator, Iterator
from contextlib import closing
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import unquote

from s2mock.control.guard import is_origin_of, objection
from s2mock.control.hosted_account import AccountEnded, HostedAccount, WaitOrEnd
from s2mock.control.hosted_accounts import HostedAccounts
from s2mock.control.request import PREFIX, ControlRequest, ControlRoute, require_account
from s2mock.control.response import ControlResponse, Refused
from s2mock.powers.errors import NotOnTarget, UpstreamUnreachable
from s2mock.registry.values.errors import StorageFailed
from s2mock.runtime import failures, mock_tokens
from s2mock.runtime.conversation import READ, Conversation, Head, Reset, RunInThread, Step
from s2mock.runtime.environ import bearer, path_of

if TYPE_CHECKING:
    from s2mock.control.hosted_account import CallOnServer, HostedMock
    from s2mock.control.settings import ControlSettings
    from s2mock.registry.engine.engine import Engine
    from s2mock.runtime.conversation import Wait

_DIRECT: Final = f"{PREFIX}/v1/"
# Where s2-lite has its page.
# The members of a document that have messages in them.
_SPELLED: Final = frozenset({"message", "complaint", "exchanges", "faults", "holds", "remarks"})
_DASHBOARD: Final = "/dashboard"
# Where a person looks for the page.
_PAGE_PATHS: Final = frozenset({"/", PREFIX})
_ENDED: Final = (
    "the access token is that of an account that has ended: by DELETE /_s2mock/accounts, with its "
    "attempt of a campaign, or since no request had used it for as long as --account-idle says"
)


class ControlRouter:
    """Answers `/_s2mock` itself, and passes every other request to the app of an account."""

    def __init__(
        self, first: "HostedMock", call_on_server: "CallOnServer", settings: "ControlSettings"
    ) -> None:
        self._token = settings.token
        self._has_dashboard = settings.has_dashboard
        self._leads_to_page = settings.leads_to_page
        self._origins = frozenset(settings.origins)
        self.accounts = HostedAccounts(first, call_on_server, settings)

    @cached_property
    def _routes(self) -> dict[str, dict[str, ControlRoute]]:
        """The routes by path and method."""
        # Loaded late: most servers are never asked for one of them.
        from s2mock.control.routes import ROUTES

        routes: dict[str, dict[str, ControlRoute]] = {}
        for route in ROUTES:
            routes.setdefault(route.path, {})[route.method] = route
        return routes

    @cached_property
    def _templates(self) -> list[tuple[list[str], dict[str, ControlRoute]]]:
        """The routes with parameters, by the parts of their paths."""
        return [
            (path.split("/"), by_method) for path, by_method in self._routes.items() if "{" in path
        ]

    def close(self) -> None:
        """End all accounts but the first, which its owner ends."""
        self.accounts.close()

    def drop_calls(self, engine: "Engine") -> None:
        """Drop the requests to that account that are under way."""
        for hosted in self.accounts.all:
            if hosted.engine is engine:
                hosted.drop_calls()

    def converse(self, environ: dict[str, Any]) -> Conversation:
        """Answer one request, step by step."""
        self.accounts.end_idle()
        target: str = environ["REQUEST_URI"]
        if self._leads_to_page and target in _PAGE_PATHS and _is_browser(environ):
            return _redirect_to_page()
        if PREFIX in target:
            path = path_of(target)
            if path == PREFIX or path.startswith(f"{PREFIX}/"):
                if self._origins and is_origin_of(environ, self._origins):
                    return self._control_from_page(environ, path)
                return self._control(environ, path)
        elif self._has_dashboard and target == _DASHBOARD:
            return _redirect_to_page()
        return self.accounts.of(bearer(environ)).converse(environ)

    def _control_from_page(self, environ: dict[str, Any], path: str) -> Conversation:
        """Answer a request of a page whose origin is one of `--control-origin`."""
        from s2mock.control import cross_origin  # loaded late: few servers are used by such pages

        if cross_origin.is_preflight(environ):
            return cross_origin.answer_preflight(environ)
        return cross_origin.let_page_read(environ, self._control(environ, path))

    def _control(self, environ: dict[str, Any], path: str) -> Conversation:
        hosted: HostedAccount | None = None
        request = None
        try:
            if (hosted := self._admit(environ, path)) is not None:
                hosted.begin_control()
            if path.startswith(_DIRECT):
                yield from _call_directly(environ, path, require_account(hosted))
                return
            route, parameters = self._match(environ["REQUEST_METHOD"], path)
            request = ControlRequest(environ, self.accounts, hosted, parameters)
            yield from request.read()
            response = yield from _handle(route, request, hosted)
        except AccountEnded:
            # An event stream has nothing more to send, and ends as one that is complete.
            is_answered = request is not None and request.is_answered
            response = None if is_answered else Refused(401, _ENDED).response
        except Refused as refused:
            # A response before the end of the body ends the connection, on which the client may
            # have sent its next request by then.
            while (yield READ):
                pass
            response = refused.response
        except (TimeoutError, NotOnTarget, UpstreamUnreachable) as error:
            response = Refused(_status_of(error), str(error)).response
        except (GeneratorExit, ConnectionError):
            raise
        except Exception as error:  # noqa: BLE001  # a failure of ours must reach the user as one
            failures.note(error)
            if request is not None and request.is_answered:
                # A second head would be part of the body that the first one announced.
                yield Reset()
                return
            response = Refused(500, f"s2mock failed, please report it: {error!r}").response
        finally:
            if hosted is not None:
                hosted.end_control()
        if response is not None:
            yield _in_spelling_of(environ, response).head

    def _admit(self, environ: dict[str, Any], path: str) -> HostedAccount | None:
        """Return the account that the request acts on, None without one. Raises `Refused`."""
        is_page = path == f"{PREFIX}/"
        if (text := objection(environ, self._token, self._origins, is_page=is_page)) is not None:
            raise Refused(403, text)
        token = bearer(environ)
        if mock_tokens.is_ended(token):
            raise Refused(401, _ENDED)
        return self.accounts.known(token)

    def _match(self, method: str, path: str) -> tuple[ControlRoute, dict[str, str]]:
        """Return the route, and the parameters in the path. Raises `Refused` (404, 405)."""
        rest = path.removeprefix(PREFIX)
        by_method, parameters = self._routes.get(rest), {}
        if by_method is None:
            found = next(self._find(rest), None)
            by_method, parameters = found or (None, {})
        if by_method is None:
            known = (str(route) for routes in self._routes.values() for route in routes.values())
            raise Refused(404, f"nothing is served at {path}: there are {', '.join(known)}")
        if (route := by_method.get(method)) is None:
            allow = ", ".join(by_method)
            raise Refused(405, f"{path} takes {allow}, not {method}", ("allow", allow))
        return route, parameters

    def _find(self, rest: str) -> Iterator[tuple[dict[str, ControlRoute], dict[str, str]]]:
        """Yield the routes with parameters that a path matches, and the parameters."""
        parts = rest.split("/")
        for names, by_method in self._templates:
            if len(names) != len(parts):
                continue
            pairs = list(zip(names, parts, strict=True))
            if all(name == part or (name[:1] == "{" and part) for name, part in pairs):
                given = {name[1:-1]: unquote(part) for name, part in pairs if name[:1] == "{"}
                yield by_method, given


def _in_spelling_of(environ: dict[str, Any], response: ControlResponse) -> ControlResponse:
    """Return a response with messages in the spelling of its client, which is JSON's by default."""
    document = response.document
    if not isinstance(document, dict) or not _SPELLED & document.keys():
        return response
    if environ.get("HTTP_S2MOCK_SPELLING") == "python":
        return response
    from s2mock.control.json_spelling import spell_document  # loaded late: few have such messages

    return response._replace(document=spell_document(document))


def _handle(
    route: ControlRoute, request: ControlRequest, hosted: HostedAccount | None
) -> Generator[Step, Any, ControlResponse | None]:
    """Call the handler, and carry out its steps while the account lasts.

    Raises `AccountEnded`, `Refused`.
    """
    try:
        return (yield from _call(route, request, hosted))
    except StorageFailed as error:
        raise Refused(500, error.message) from None


def _call(
    route: ControlRoute, request: ControlRequest, hosted: HostedAccount | None
) -> Generator[Step, Any, ControlResponse | None]:
    """As `_handle`. Raises `StorageFailed`, too."""
    if hosted is not None and hosted.is_in_front_of_upstream:
        # It may ask the upstream.
        result = yield RunInThread(lambda: route.handler(request))
    else:
        result = route.handler(request)
    if isinstance(result, ControlResponse):
        return result
    value: Any = None
    error: Exception | None = None
    with closing(result):
        while True:
            try:
                step = result.send(value) if error is None else result.throw(error)
            except StopIteration as done:
                response: ControlResponse | None = done.value
                return response
            value = error = None
            request.is_answered |= type(step) is Head
            try:
                value = yield from _carry_out(step, hosted)
            except Exception as raised:  # noqa: BLE001  # the handler is to see each of them
                error = raised
            if hosted is not None and hosted.is_ended:
                raise AccountEnded


def _carry_out(step: Step, hosted: HostedAccount | None) -> Generator[Step, Any, Any]:
    """Carry out one step; a wait ends with the account, too."""
    if hosted is None or not hasattr(step, "subscribe"):
        return (yield step)
    wait = WaitOrEnd(cast("Wait", step))
    hosted.waits.add(wait)
    try:
        yield wait
    finally:
        hosted.waits.discard(wait)


def _call_directly(environ: dict[str, Any], path: str, hosted: HostedAccount) -> Conversation:
    """Answer a request to S2's API below `/_s2mock` as a direct call of a test."""
    query = environ.get("QUERY_STRING", "")
    rest = path.removeprefix(PREFIX)
    inner = {**environ, "REQUEST_URI": f"{rest}?{query}" if query else rest, "PATH_INFO": rest}
    return hosted.mock._converse_directly(inner)  # noqa: SLF001  # made for this


def _is_browser(environ: dict[str, Any]) -> bool:
    """True if a browser opens an address: what it accepts begins with HTML."""
    accept: str = environ.get("HTTP_ACCEPT", "")
    return environ["REQUEST_METHOD"] == "GET" and accept.startswith("text/html")


def _redirect_to_page() -> Conversation:
    while (yield READ):
        pass
    yield Head(302, [("location", f"{PREFIX}/")], b"")


def _status_of(error: TimeoutError | NotOnTarget | UpstreamUnreachable) -> int:
    if isinstance(error, TimeoutError):
        return 408
    return 501 if isinstance(error, NotOnTarget) else 502
