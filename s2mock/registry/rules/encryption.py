"""Encryption as a client sees it: each request carries a key, which must be the right one.

That needs no cryptography: a record keeps a digest of the key that it was appended with.
Source: reference: data_plane §9.
"""

import base64
import binascii

from s2mock.registry.values.config import Cipher
from s2mock.registry.values.errors import BadHeader

MAX_KEY_CHARACTERS = 44
_KEY_BYTES = 32


def strict_base64(text: str) -> bytes:
    """Decode base64 with padding, without white space or stray bits. Raises `ValueError`."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("invalid base64") from None
    if base64.b64encode(data).decode() != text:
        raise ValueError("invalid base64")
    return data


def key_digest(cipher: Cipher | None, key: str | None) -> bytes | None:
    """Return the digest of a key, base64 of 32 bytes; None on a stream without a cipher.

    Raises `BadHeader` if the stream has a cipher and the key is missing or malformed.
    """
    if cipher is None:
        return None
    if key is None:
        raise BadHeader(f"missing encryption key for stream cipher '{cipher}'")
    try:
        secret = strict_base64(key)
    except ValueError as error:
        raise BadHeader(f"invalid encryption key for stream cipher '{cipher}': {error}") from None
    if len(secret) != _KEY_BYTES:
        raise BadHeader(
            f"invalid encryption key length for stream cipher '{cipher}': {len(secret)}"
        )
    import hashlib  # it takes time to load, and few streams are encrypted

    return hashlib.sha256(secret).digest()
