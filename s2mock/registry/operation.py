"""Operations of S2 as values, and what decisions about them depend on.

An operation is a value: its name, the names that it is about, and its arguments. `decide` turns it,
in a context and at a moment, into a `Change`, or raises an `S2Error`. Source: reference:
account_services §1.2.
"""

from collections.abc import Generator
from copy import copy
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, NamedTuple, Protocol, Self

from s2mock.registry.settings import Settings
from s2mock.registry.state import AccountState, Change, Effect
from s2mock.registry.usage.usage import Usage
from s2mock.registry.values.tokens import AccessToken
from s2mock.runtime.conversation import Reset, Wait

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
    """An operation of S2, as a value; `name` is S2's own (reference: account_services §1.2).

    `basin` and `stream` are the names that it is about, or None. Its arguments are public
    attributes, and none is assigned after `__init__`: what becomes of an operation is part of its
    `Call`.
    """

    __slots__ = ("basin", "stream")

    name: ClassVar[str]
    # True if its result is a `Waiting`.
    waits: ClassVar[bool] = False
    # The part of the account that is brought up to date before `decide` reads it.
    prepares: ClassVar[Literal["basins", "streams", "access_tokens", "usage"] | None] = None
    # Of a batch: the operations that it consists of, as S2 names them.
    parts: "frozenset[str] | None" = None

    def __init__(self, basin: str | None = None, stream: str | None = None) -> None:
        # Plain text, since a checked name hashes slower.
        self.basin: str | None = basin and str(basin)
        self.stream: str | None = stream and str(stream)

    def __repr__(self) -> str:
        return f"<{self.name} {self.basin or ''} {self.stream or ''}>"

    def replace(self, **arguments: Any) -> Self:
        """Return a copy with other values of these attributes, which are not checked."""
        replaced = copy(self)
        for name, value in arguments.items():
            setattr(replaced, name, value)
        return replaced

    def check(self, moment: "Moment") -> None:
        """Check the arguments that depend on the moment, before permissions. Raises `S2Error`.

        `decide` checks them too, for callers without a token.
        """

    def decide(self, context: Context, moment: "Moment") -> Change:
        """Return what the operation would change and return. Changes nothing. Raises `S2Error`."""
        raise NotImplementedError


class Call:
    """One call of an operation, and what became of it, which the engine fills in.

    `caller` is None for a caller that may do everything. `connection` is the number of the
    connection that it was received from, None for a call within the process. `at` is the moment of
    the decision, in nanoseconds since the epoch, `effect` what was changed, `error` why nothing
    was. `is_decided` is True once the operation was carried out, was refused, or was given up.
    """

    # Defaults of the class cost a call nothing.
    at: int = 0
    effect: Effect | None = None
    error: BaseException | None = None
    is_decided: bool = False

    def __init__(
        self,
        operation: Operation,
        caller: Caller | None = None,
        connection: int | None = None,
    ) -> None:
        self.operation: Final = operation
        self.caller: Final = caller
        self.connection: Final = connection

    def __repr__(self) -> str:
        return f"<call of {self.operation!r}>"


_RESET: Final = Reset()


class Interrupted(Exception):  # no error: what the client gets is decided elsewhere
    """The end of a call without an answer of S2, raised by an observer."""


class Dropped(Interrupted):
    """The end of a call, or of its response, as by a broken connection: see `Reset`."""

    def __init__(self, reset: Reset = _RESET) -> None:
        super().__init__("dropped")
        self.reset: Final = reset
        """The step by which the server ends the response."""


class Waiting(Protocol):
    """The result of an operation that was carried out, and may wait for its answer."""

    def answer(self) -> Generator[Wait, None, Any]:
        """Yield waits and return the answer. Raises `S2Error`."""

    def close(self) -> None:
        """Release it, where its answer is not wanted."""


class Observer(Protocol):
    """A part outside of the engine that sees each call at its points, and may keep it waiting."""

    def at(self, point: Point, call: Call) -> Waits | None:
        """Return None to let the call continue, or a generator of waits.

        The generator is run: each wait that it yields keeps the call waiting, and an exception
        that it raises becomes the call's outcome. This is called with the account's lock held where
        the point is `commit`, so it returns at once and calls nothing of the account; the generator
        may.
        """
