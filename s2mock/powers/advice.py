"""What a test is told that S2 itself says nothing of."""


class S2Advice(UserWarning):
    """Something that S2 accepts, or refuses, and that the author of a test would want to know.

    A warning of the test that it came in: pytest's `filterwarnings` silences it, or makes it an
    error, as in `error::s2mock.S2Advice`.
    """
