"""Answers in pieces: compressed ones, and those that begin and break off for a test."""

from s2mock.api.responses import S2Response
from s2mock.powers.faults import Cut
from s2mock.powers.outcomes import Dropped
from s2mock.runtime.conversation import Conversation, Head, Reset, Step


def shorten(response: S2Response, cut: Cut) -> None:
    """Note where the answer breaks off; one of records has noted that itself."""
    if response.cut_at is None:
        response.cut_at = cut.bytes
    if response.cut_at is None and response.session is None:
        # Counted in records, and there are none in it: an error.
        response.cut_at = len(response.body)


def bytes_before(whole: bytes, begun: bytes) -> int:
    """How much of an answer there is in the one that has only its first records."""
    limit = min(len(whole), len(begun))
    return next((at for at in range(limit) if whole[at] != begun[at]), limit)


def in_pieces(response: S2Response) -> Conversation:
    """An answer that breaks off, or one that is compressed, whose head does not say how long it is.

    The real server does not know the length of a compressed one when it sends the head.
    """
    if response.cut_at is not None:
        yield from _broken_off(response, response.cut_at)
    else:
        yield Head(response.status, response.headers)
        yield response.body


def _broken_off(response: S2Response, size: int) -> Conversation:
    """Send the head of the response and `size` bytes of its body, and then break off."""
    body, headers = response.body, response.headers
    if size < len(body):
        headers = [*headers, ("content-length", str(len(body)))]
    # Without a length, an answer that is all there is broken off too: its end is missing.
    yield Head(response.status, headers)
    if begun := body[:size]:
        yield begun
    yield Reset()


def cut_session(session: Conversation, size: int) -> Conversation:
    """Send `size` bytes of the body of a session, or all of it, and then raise `Dropped`."""
    left = size
    step = next(session, None)
    while step is not None and left > 0:
        if isinstance(step, bytes):
            step = step[:left]
            left -= len(step)
            if not left:
                yield step
                break
        try:
            value = yield step
        except GeneratorExit:
            session.close()
            raise
        except Exception as error:  # noqa: BLE001  # it is the session's
            step = _next(session, error, None)
        else:
            step = _next(session, None, value)
    session.close()
    raise Dropped


def _next(session: Conversation, error: Exception | None, value: object) -> Step | None:
    try:
        return session.send(value) if error is None else session.throw(error)
    except StopIteration:
        return None
