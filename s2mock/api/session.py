"""Sessions: responses that go on, as a stream of typed pieces.

A read or append session yields pieces, which are values, and the steps that it needs between them.
Middleware sees and changes pieces; a `Form` encodes them last. Sources: reference: data_plane §5
(SSE), §6 (S2S).
"""

from collections.abc import Callable, Generator
from typing import Any, Final, NamedTuple, Protocol

from s2mock.registry.log.batch import Batch
from s2mock.registry.operation import Call, Interrupted
from s2mock.registry.values.errors import S2Error
from s2mock.runtime.conversation import CloseAfterResponse, Conversation, Step

# The largest number of acknowledgements that are sent together.
_MAX_TOGETHER: Final = 50


class Delivered(NamedTuple):
    """A batch of records for the client of a read session, or a heartbeat.

    With `data`, these bytes are sent in place of its encoding.
    """

    batch: Batch
    data: bytes | None = None


class Acknowledged(NamedTuple):
    """The acknowledgement of a batch, as a protobuf message, for the client of an append session.

    With `data`, these bytes are sent in place of its frame.
    """

    call: Call
    ack: bytes
    data: bytes | None = None


Piece = Delivered | Acknowledged
Pieces = Generator[Piece | Step, Any, None]
"""Pieces, and the steps that a session needs. An `S2Error` that it raises is sent as its end."""


class Form(Protocol):
    """The form in which a session is sent: server-sent events or S2S frames."""

    can_advise: bool
    """True if a piece can carry the advice to reconnect."""

    def encode(self, piece: Piece, *, advises_reconnect: bool = False) -> bytes:
        """Return the bytes of a piece."""

    def encode_error(self, error: S2Error) -> bytes:
        """Return the bytes of the error that ends the session."""

    def encode_end(self) -> bytes:
        """Return the bytes of an end without an error."""


class Session:
    """A session that was opened, and the form in which its pieces are sent.

    A middleware may replace `pieces` by a generator over them.
    """

    def __init__(
        self, pieces: Pieces, form: Form, on_close: Callable[[], object] | None = None
    ) -> None:
        self.pieces: Pieces = pieces
        self.form: Form = form
        self._callbacks: list[Callable[[], object]] = [] if on_close is None else [on_close]

    def call_on_close(self, callback: Callable[[], object]) -> None:
        """Call the function when the session has ended, or is closed before it began."""
        self._callbacks.append(callback)

    def close(self) -> None:
        """End the session."""
        self.pieces.close()
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def steps(self) -> Conversation:
        """Yield the steps of the session, its pieces encoded.

        Acknowledgements are sent together until the session waits. Raises `Interrupted`.
        """
        pieces, form = self.pieces, self.form
        acks: list[bytes] = []
        value: Any = None
        failure: Exception | None = None
        try:
            while True:
                piece = pieces.send(value) if failure is None else pieces.throw(failure)
                value = failure = None
                if type(piece) is Acknowledged:
                    acks.append(form.encode(piece) if piece.data is None else piece.data)
                    if len(acks) < _MAX_TOGETHER:
                        continue
                elif type(piece) is Delivered:
                    yield form.encode(piece) if piece.data is None else piece.data
                    continue
                if acks:
                    yield b"".join(acks)
                    acks = []
                if type(piece) is Acknowledged:
                    continue
                try:
                    value = yield piece  # type: ignore[misc]  # a step, since it is no piece
                except Exception as error:  # noqa: BLE001  # it is the session's
                    failure = error
        except StopIteration:
            acks.append(form.encode_end())
        except S2Error as error:
            if error.ends_connection:
                yield CloseAfterResponse()
            acks.append(form.encode_error(error))
        except Interrupted:
            yield b"".join(acks)
            raise
        if last := b"".join(acks):
            yield last
