"""The failure and the warning of a test that uses the powers.

Apart from everything else, since pytest imports this module at its start for a filter such as
`error::s2mock.S2Advice`.
"""


class UnusedFault(AssertionError):  # the name that a failed test shows
    """You injected a fault or made a hold, and no operation that matches it arrived."""


class NotOnTarget(AttributeError):
    """A power that a real server does not have; `hasattr` answers `False` for it.

    The server is that of `--s2mock-target`, or the upstream of a mock.
    """


class UpstreamUnreachable(RuntimeError):
    """The upstream did not answer a direct call of the test, or not as S2 does."""


def raise_at_end(raised: BaseException | None, complaints: list[str]) -> None:
    """Raise what a hook has raised, or `UnusedFault` with the complaints, if there are any."""
    text = "\n".join(complaints)
    if raised is not None:
        if text:
            raised.add_note(text)
        raise raised
    if text:
        raise UnusedFault(text)


class S2Advice(UserWarning):
    """A likely mistake in a request that S2 accepts, or advice on one that it refused.

    It is a warning of the test that sent the request: pytest's `filterwarnings` silences it, or
    makes it an error, as in `error::s2mock.S2Advice`.
    """
