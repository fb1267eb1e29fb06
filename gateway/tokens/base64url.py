"""
Base64url with exactly one spelling per value: no padding, no other alphabet, no white space, no stray bits.

Lenient decoders let one signed token be written in several ways, which defeats caches and deny-lists keyed by the text.

Source: RFC 7515 section 2 and appendix C; RFC 4648 sections 3.5 and 5.
"""

from __future__ import annotations

import binascii

# Translation to the standard alphabet; characters outside base64url become ones that no decoder accepts.
TO_STANDARD = bytes.maketrans(b"-_+/=", b"+/!!!")
PADDING = (b"", b"", b"==", b"=")
# The 4 or 2 unused bits of a last character must be zero.
LAST: tuple[frozenset[int] | None, ...] = (None, frozenset(), frozenset(b"AQgw"), frozenset(b"AEIMQUYcgkosw048"))


def decode(part: bytes) -> bytes:
    """The bytes that *part* encodes. Raises ValueError."""
    over = len(part) % 4
    last = LAST[over]
    if last is not None and part[-1] not in last:
        raise ValueError("not base64url")
    try:
        return binascii.a2b_base64(part.translate(TO_STANDARD) + PADDING[over], strict_mode=True)
    except binascii.Error:
        raise ValueError("not base64url") from None


def decode_text(text: str) -> bytes:
    """``decode`` for text."""
    return decode(text.encode("ascii"))  # UnicodeEncodeError is a ValueError


def encode(raw: bytes) -> str:
    """The only encoding of *raw*."""
    return binascii.b2a_base64(raw, newline=False).rstrip(b"=").translate(bytes.maketrans(b"+/", b"-_")).decode()
