"""What all errors of S2 have: a code, an HTTP status, a message.

Sources: reference: control_plane §3, data_plane §3.2.
"""

from typing import Any, ClassVar

from s2mock.registry.values.codes import CODES


class S2Error(Exception):
    """An answer of S2 that is not a success.

    `status` is the HTTP status; `code` and `message` are the two members of S2's error envelope.
    The two answers that S2 sends without them have the code `""`. `rule` is where the rule that
    decided stands in the reference. `explanation` is what would have been right, where S2 does not
    say it and s2mock does.
    """

    code: ClassVar[str]
    status: ClassVar[int]
    rule: str = ""
    explanation: str | None = None

    def __init_subclass__(cls) -> None:
        if "code" in cls.__dict__ and cls.code:
            cls.status = CODES[cls.code].status

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def body(self) -> dict[str, Any]:
        """The JSON document that S2 sends for this error."""
        return {"code": self.code, "message": self.message}


class Invalid(S2Error):
    """Well formed, but not a value that S2 accepts."""

    code = "invalid"
    rule = "data_plane §3.2"
