"""Names: value types that cannot hold an invalid value.

Lengths are counted in bytes of UTF-8. Sources: reference: control_plane §4.1 (basins),
§5.1 (streams), §2.1 (request tokens), §6.1 (access tokens).
"""

from string import ascii_letters, ascii_lowercase, digits
from typing import Self

from s2mock.registry.values.errors import InvalidName

_ALNUM = frozenset(ascii_lowercase + digits)
_BASIN_ALPHABET = _ALNUM | {"-"}

_LOCATION_ALPHABET = frozenset(ascii_letters + digits + ":.-")

MAX_BASIN_NAME_BYTES = 48
MIN_BASIN_NAME_BYTES = 8
MAX_STREAM_NAME_BYTES = 512
MAX_REQUEST_TOKEN_BYTES = 36
MAX_LOCATION_NAME_CHARACTERS = 64
MAX_ACCESS_TOKEN_ID_BYTES = 96


def utf8_length(text: str) -> int:
    """Length in bytes of UTF-8.

    Raises `InvalidName` for a string that UTF-8 cannot encode (a lone surrogate).
    """
    if text.isascii():
        return len(text)
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        surrogate = text[error.start]
        raise InvalidName(f"not a Unicode string: lone surrogate {surrogate!a}") from None


def _check_basin(text: str, what: str) -> None:
    length = utf8_length(text)
    if length > MAX_BASIN_NAME_BYTES:
        raise InvalidName(f"basin {what} must not exceed {MAX_BASIN_NAME_BYTES} bytes in length")
    if what == "name" and length < MIN_BASIN_NAME_BYTES:
        raise InvalidName(f"basin {what} should be at least {MIN_BASIN_NAME_BYTES} bytes in length")
    if text and text[0] not in _ALNUM:
        raise InvalidName(f"basin {what} must begin with a lowercase letter or number")
    if what == "name" and text[-1] not in _ALNUM:
        raise InvalidName(f"basin {what} must end with a lowercase letter or number")
    if not _BASIN_ALPHABET.issuperset(text):
        raise InvalidName(f"basin {what} must comprise lowercase letters, numbers, and hyphens")


def _check_free(kind: str, text: str, what: str, maximum: int) -> None:
    """The rules of names that may hold anything but NUL."""
    length = utf8_length(text)
    if what in ("name", "id"):
        if not text:
            raise InvalidName(f"{kind} {what} must not be empty")
        if text in (".", ".."):
            raise InvalidName(f'{kind} {what} must not be "." or ".."')
    if "\0" in text:
        raise InvalidName(f"{kind} {what} must not contain NUL bytes")
    if length > maximum:
        raise InvalidName(f"{kind} {what} must not exceed {maximum} bytes in length")


def _check_stream(text: str, what: str) -> None:
    _check_free("stream", text, what, MAX_STREAM_NAME_BYTES)


def _check_access_token(text: str, what: str) -> None:
    _check_free("access token", text, what, MAX_ACCESS_TOKEN_ID_BYTES)


class BasinName(str):
    """A basin's name: 8 to 48 bytes of `[a-z0-9-]` that begin and end with a letter or digit.

    Raises `InvalidName`. Source: reference: control_plane §4.1.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """The checked name."""
        if isinstance(text, cls):
            return text
        _check_basin(text, "name")
        return super().__new__(cls, text)

    @staticmethod
    def check_filter(text: str, what: str) -> str:
        """Check a `prefix` or `start-after` of a listing; `what` is the word in the error."""
        _check_basin(text, what)
        return text


def is_basin_prefix(text: str) -> bool:
    """True if names of basins can begin with the text, which is not empty."""
    try:
        return bool(BasinName.check_filter(text, "prefix"))
    except InvalidName:
        return False


class StreamName(str):
    """A stream's name: 1 to 512 bytes of UTF-8 without NUL, neither `.` nor `..`.

    Raises `InvalidName`. Source: reference: control_plane §5.1.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """The checked name."""
        if isinstance(text, cls):
            return text
        _check_stream(text, "name")
        return super().__new__(cls, text)

    @staticmethod
    def check_filter(text: str, what: str) -> str:
        """Check a `prefix` or `start-after` of a listing; `what` is the word in the error."""
        _check_stream(text, what)
        return text


class RequestToken(str):
    """An idempotency token: 0 to 36 bytes. The empty token is a token like any other.

    Raises `InvalidName`. Source: reference: control_plane §2.1.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """The checked name."""
        if isinstance(text, cls):
            return text
        length = utf8_length(text)
        if length > MAX_REQUEST_TOKEN_BYTES:
            raise InvalidName(
                f"request token was longer than {MAX_REQUEST_TOKEN_BYTES} bytes in length: {length}"
            )
        return super().__new__(cls, text)


class LocationName(str):
    """A location's name: 1 to 64 ASCII letters, digits, colons, hyphens and periods.

    Raises `InvalidName`. Source: reference: control_plane §4.2.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """The checked name."""
        if isinstance(text, cls):
            return text
        if not text:
            raise InvalidName("location name must be at least 1 character in length")
        if len(text) > MAX_LOCATION_NAME_CHARACTERS:
            raise InvalidName(
                f"location name must be at most {MAX_LOCATION_NAME_CHARACTERS} characters in length"
            )
        if not _LOCATION_ALPHABET.issuperset(text):
            raise InvalidName(
                "location name must comprise ASCII letters, numbers, colons, hyphens, and periods"
            )
        return super().__new__(cls, text)


class AccessTokenId(str):
    """An access token's id: 1 to 96 bytes of UTF-8 without NUL, neither `.` nor `..`.

    Raises `InvalidName`. Source: reference: control_plane §6.1.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """The checked id."""
        _check_access_token(text, "id")
        return super().__new__(cls, text)

    @staticmethod
    def check_filter(text: str, what: str) -> str:
        """Check a `prefix` or `start-after` of a listing; `what` is the word in the error."""
        _check_access_token(text, what)
        return text
