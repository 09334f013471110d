"""Secrets, which are blacked out wherever an exchange is shown as text."""

from typing import Final

SECRET_HEADERS: Final = frozenset({"authorization", "s2-encryption-key"})
BLACKED_OUT: Final = "***"


def in_text(headers: dict[str, str]) -> dict[str, str]:
    """The headers as they may be shown: secrets blacked out."""
    return {
        name: BLACKED_OUT if name in SECRET_HEADERS else value for name, value in headers.items()
    }
