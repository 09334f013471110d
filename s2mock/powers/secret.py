"""Secrets, which are blacked out wherever an exchange is shown as text."""

import re
from typing import Final

SECRET_HEADERS: Final = frozenset({"authorization", "s2-encryption-key"})
BLACKED_OUT: Final = "***"


_ISSUED: Final = re.compile("s2_[0-9A-Za-z]{43}")


def without_issued(text: str) -> str:
    """The text with the secrets of issued access tokens blacked out."""
    return _ISSUED.sub(BLACKED_OUT, text)


def in_text(headers: dict[str, str]) -> dict[str, str]:
    """The headers as they may be shown: secrets blacked out."""
    return {
        name: BLACKED_OUT if name in SECRET_HEADERS else value for name, value in headers.items()
    }
