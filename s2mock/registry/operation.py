"""Operations of S2 as values, and what decisions about them depend on.

An operation is a value: its name, the names that it is about, and its arguments. `decide` turns it,
in a context and at a moment, into a `Change`, or raises an `S2Error`. Source: reference:
account_services §1.2.
"""

from collections.abc import Generator
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, Protocol

from s2mock.registry.settings import Settings
from s2mock.registry.state import AccountState, Change, Effect
from s2mock.registry.usage.usage import Usage
from s2mock.registry.values.tokens import AccessToken
from s2mock.runtime.conversation import Wait

if TYPE_CHECKING:
    from s2mock.runtime.clock import Moment

Point = Literal["arrival", "commit", "answer"]
Waits = Generator[Wait, None, None]


class Needs(NamedTuple):
    """What a token must have for an operation: all of these, on all that the operation is about.

    `of` names the sets that must match: "basin", "stream", "access_token". With `by_batch` a
    batch needs those of the operations that it consists of, and the opening of a session, which
    has none yet, any one of them.
    """

    operations: tuple[str, ...] = ()
    of: tuple[str, ...] = ()
    by_batch: bool = False


class Caller(NamedTuple):
    """The caller of an operation: the secret of its token, and what the operation needs of it."""

    secret: str
    needs: Needs


class Context(NamedTuple):
    """What a decision depends on, beside the operation itself and the moment.

    `token` is the caller's access token, None if the caller may do everything. `caller` is None for
    a direct call of a test. Decisions only read `usage`.
    """

    state: AccountState
    settings: Settings
    usage: Usage
    caller: Caller | None
    token: AccessToken | None
    # The generation of the account's sessions.
    generation: int
    # The number of the basin or stream that the operation creates, if it creates one.
    next_incarnation: int
    # The owner of new parts of the state, see `state.py`.
    write_owner: object


class Operation:
    """What somebody asks of the account; `name` is S2's own (reference: account_services §1.2).

    `basin` and `stream` are the names that it is about, or None. `caller` is whoever asks for it,
    with what that needs; None may do everything. `request` is for whoever made it. `effect` is what
    it has changed, once it has, and `at` the moment of that, in nanoseconds since the epoch.
    `is_decided` is True once it was carried out, was refused, or was given up.
    `fault` is for whoever stands at points: what is to go wrong with it; `note` is for whoever
    takes notes. `is_batch` is whether it came in a session, and gets no answer of its own.
    """

    __slots__ = (
        "at",
        "basin",
        "caller",
        "effect",
        "error",
        "fault",
        "is_batch",
        "is_decided",
        "note",
        "request",
        "stream",
    )

    name: ClassVar[str]
    # True if its result is a `Waiting`.
    waits: ClassVar[bool] = False
    # The part of the account that is brought up to date before `decide` reads it.
    prepares: ClassVar[Literal["basins", "streams", "access_tokens", "usage"] | None] = None
    # Of a read: whether it goes on.
    is_session: bool
    # Of a batch: the operations that it consists of, as S2 calls them.
    parts: "frozenset[str] | None" = None

    def __init__(self, basin: str | None = None, stream: str | None = None) -> None:
        # Plain text, whatever checked it: it is looked up often.
        self.basin: str | None = basin and str(basin)
        self.stream: str | None = stream and str(stream)
        self.caller: Caller | None = None
        self.request: Any = None
        self.effect: Effect | None = None
        self.error: BaseException | None = None
        self.at: int = 0
        self.fault: Any = None
        self.is_batch: bool = False
        self.is_decided: bool = False
        self.note: Any = None

    def __repr__(self) -> str:
        return f"<{self.name} {self.basin or ''} {self.stream or ''}>"

    def check(self, moment: "Moment") -> None:
        """Check the arguments that depend on the moment, before permissions. Raises `S2Error`.

        `decide` checks them too, for callers without a token.
        """

    def decide(self, context: Context, moment: "Moment") -> Change:
        """Return what the operation would change and return. Changes nothing. Raises `S2Error`."""
        raise NotImplementedError


class Waiting(Protocol):
    """The result of an operation that has been carried out, and may wait for its answer."""

    def answer(self) -> Generator[Wait, None, Any]:
        """The answer, when there is one. Raises `S2Error`."""

    def close(self) -> None:
        """There will be no answer."""


class Observer(Protocol):
    """Somebody who stands at points."""

    def at(self, point: Point, operation: Operation) -> Waits | None:
        """An operation has come to a point.

        None lets it go on. A generator is run: each wait that it yields keeps the operation
        waiting, and an exception that it raises becomes the operation's outcome. This is called
        with the account's lock held where the point is `commit`, so it returns at once and calls
        nothing of the account; the generator may.
        """
