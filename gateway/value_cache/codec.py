"""
Values as bytes and back: msgpack, with forms for further types.

Only data comes out, never code: write access to the cache's server must not be enough to run anything here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgpack

from gateway.errors import GatewayError

_FAILURES = (ValueError, TypeError, OverflowError, RecursionError, msgpack.UnpackException)


class CodecError(GatewayError):
    """A value cannot be cached, or the cached bytes are not from here. The message never holds the value."""


@dataclass(frozen=True, slots=True)
class ValueForm:
    """
    How one further type is kept.

    Attributes:
        code: 0 to 127; it is in the stored bytes, so it never changes its meaning.
        type: Exactly this type; subclasses need forms of their own.
        dump, load: To plain data or types with forms, and back; ValueError or TypeError when that fails.
    """

    code: int
    type: type
    dump: Callable[[Any], object]
    load: Callable[[Any], object]


class Codec:
    """
    Plain values (None, bool, int of 64 bits, float, str, bytes, list, dict) and those with a ValueForm.

    Types are kept exactly: a subclass of ``int`` without a form is refused, not turned into ``int``.
    """

    def __init__(self, forms: Sequence[ValueForm] = ()) -> None:
        self._by_type = {form.type: form for form in forms}
        self._by_code = {form.code: form for form in forms}

    def encode(self, value: object) -> bytes:
        """*value* as bytes. Raises CodecError."""
        try:
            return self._pack(value)
        except _FAILURES as error:
            raise CodecError(f"a value of type {type(value).__name__} cannot be cached") from error

    def decode(self, data: bytes) -> object:
        """The value of *data*. Raises CodecError: treat it as a miss."""
        try:
            return self._unpack(data)
        except _FAILURES as error:
            raise CodecError("the cached bytes are not a value") from error

    def _pack(self, value: object) -> bytes:
        packed = msgpack.packb(value, default=self._extend, strict_types=True, unicode_errors="surrogatepass")
        return bytes(packed)

    def _unpack(self, data: bytes) -> object:
        return msgpack.unpackb(data, ext_hook=self._restore, strict_map_key=False, unicode_errors="surrogatepass")

    def _extend(self, value: object) -> msgpack.ExtType:
        form = self._by_type.get(type(value))
        if form is None:
            raise TypeError(type(value).__name__)
        return msgpack.ExtType(form.code, self._pack(form.dump(value)))

    def _restore(self, code: int, data: bytes) -> object:
        form = self._by_code.get(code)
        if form is None:
            raise ValueError(f"unknown form {code}")
        return form.load(self._unpack(data))
