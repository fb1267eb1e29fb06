"""Whole responses in the cache: what cache-store keeps and cache-lookup answers with."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.value_cache.codec import Codec, CodecError

_CODEC = Codec()


@dataclass(frozen=True, slots=True)
class CachedResponse:
    """
    A response, complete.

    Attributes:
        headers: Name and value of each field line, in order.
        stored_at: Seconds since the epoch; for ``Age``.
    """

    status_code: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    stored_at: float = 0.0

    def to_bytes(self) -> bytes:
        """The form in which it is kept."""
        headers = [list(line) for line in self.headers]
        return _CODEC.encode([self.status_code, self.reason, headers, self.body, float(self.stored_at)])

    @classmethod
    def from_bytes(cls, data: bytes) -> CachedResponse:
        """The response in *data*. Raises CodecError for anything else."""
        match _CODEC.decode(data):
            case [int(status_code), str(reason), list(lines), bytes(body), float(stored_at)]:
                return cls(status_code, reason, tuple(_line(line) for line in lines), body, stored_at)
        raise CodecError("the cached bytes are not a response")


def _line(line: object) -> tuple[str, str]:
    match line:
        case [str(name), str(value)]:
            return name, value
    raise CodecError("the cached bytes are not a response")
