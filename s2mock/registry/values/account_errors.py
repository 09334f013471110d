"""What access tokens, metrics and locations are refused with.

Source: reference: account_services.
"""

from s2mock.registry.values.s2error import Invalid, S2Error


class Authn(S2Error):
    """The request brings no access token that lives."""

    code = "authn"
    rule = "account_services §1.3"


class PermissionDenied(S2Error):
    """The access token does not give this: `explanation` says what would, and is not sent."""

    code = "permission_denied"
    rule = "account_services §1.3"

    def __init__(self, explanation: str) -> None:
        super().__init__("Operation not permitted")
        self.explanation = explanation


class InvalidToken(Invalid):
    """An access token that there cannot be."""

    rule = "account_services §1.1, §1.3"


class AccessTokenNotFound(S2Error):
    """There is no access token of that id."""

    code = "access_token_not_found"
    rule = "account_services §1.1"

    def __init__(self, token_id: str) -> None:
        super().__init__(f"access token `{token_id}` not found")


class InvalidLocation(Invalid):
    """A location that there is not, or where the basin is not."""

    rule = "account_services §3"

    def __init__(self, message: str, explanation: str | None = None) -> None:
        super().__init__(message)
        self.explanation = explanation


class InvalidMetrics(Invalid):
    """Metrics that there cannot be: of a period without a beginning, or of one to come."""

    rule = "account_services §2"
