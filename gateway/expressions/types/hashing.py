"""Hashes, HMAC and random bytes."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Callable

from cryptography.hazmat.primitives import hashes

from gateway.expressions.clr import Type
from gateway.expressions.formatting.text import TEXT
from gateway.expressions.limits import charge
from gateway.expressions.operators import declare_comparison
from gateway.expressions.runtime import represent
from gateway.expressions.signatures import define
from gateway.expressions.thrown import argument_null, thrown
from gateway.expressions.types.ranges import part

_C = "System.Security.Cryptography"
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "MD5": hashes.MD5(),  # noqa: S303
    "SHA1": hashes.SHA1(),  # noqa: S303
    "SHA256": hashes.SHA256(),
    "SHA384": hashes.SHA384(),
    "SHA512": hashes.SHA512(),
}


class HashName(str):
    """``HashAlgorithmName``."""

    __slots__ = ()


def algorithm(name: str) -> hashes.HashAlgorithm:
    """The algorithm of a HashAlgorithmName."""
    hash_algorithm = _HASHES.get(name.upper().replace("-", ""))
    if hash_algorithm is None:
        raise thrown("CryptographicException", f"'{name}' is not a known hash algorithm.")
    return hash_algorithm


class Hasher:
    """A hash or, with a key, an HMAC."""

    __slots__ = ("clr_type", "hashed", "key", "name")

    def __init__(self, name: str, key: bytes | None = None, clr_type: Type | None = None) -> None:
        self.name = name
        self.key = key
        self.clr_type = clr_type
        self.hashed: bytes | None = None

    def digest(self, data: object, *bounds: int) -> bytearray:
        """``ComputeHash``."""
        if data is None:
            raise argument_null("buffer")
        raw = bytes(data)  # type: ignore[call-overload]
        if bounds:
            part(raw, bounds[0], bounds[1])
            raw = raw[bounds[0] : bounds[0] + bounds[1]]
        name = self.name.lower()
        plain = hashlib.new(name, raw, usedforsecurity=False) if self.key is None else hmac.new(self.key, raw, name)
        self.hashed = plain.digest()
        return bytearray(self.hashed)


NAME = define(f"{_C}.HashAlgorithmName", {
    **{f"static HashAlgorithmName {name}": lambda name=name: HashName(name) for name in _HASHES},
    "new(string name)": HashName,
    "string Name": str.__str__,
}, kind="struct")  # fmt: skip
declare_comparison(NAME, ordered=False)
represent(HashName, NAME)
TEXT[HashName] = str.__str__
define(f"{_C}.HashAlgorithm", {
    "byte[] ComputeHash(byte[] buffer)": Hasher.digest,
    "byte[] ComputeHash(byte[] buffer, int offset, int count)": Hasher.digest,
    "byte[] Hash": lambda hasher: None if hasher.hashed is None else bytearray(hasher.hashed),
    "int HashSize": lambda hasher: hashlib.new(hasher.name.lower(), usedforsecurity=False).digest_size * 8,
    "void Clear()": lambda _hasher: None,
    "void Initialize()": lambda _hasher: None,
    "static HashAlgorithm Create(string hashName)": lambda name: _by_name(name),
}, parents=("IDisposable",))  # fmt: skip
define(f"{_C}.KeyedHashAlgorithm", {
    "byte[] Key": (lambda hasher: bytearray(hasher.key), lambda hasher, key: setattr(hasher, "key", bytes(key))),
}, parents=("HashAlgorithm",))  # fmt: skip
define(f"{_C}.HMAC", {"string HashName": lambda hasher: hasher.name}, parents=("KeyedHashAlgorithm",))


def _keyed(name: str) -> Callable[[object], Hasher]:
    def create(key: object) -> Hasher:
        if key is None:
            raise argument_null("key")
        return Hasher(name, bytes(key))  # type: ignore[call-overload]

    return create


def _random_key(name: str) -> Callable[[], Hasher]:
    return lambda: Hasher(name, os.urandom(64 if name in ("MD5", "SHA1", "SHA256") else 128))


def _plain(name: str, clr_type: Type) -> Callable[[], Hasher]:
    return lambda: Hasher(name, clr_type=clr_type)


def _by_name(name: str | None) -> Hasher | None:
    """``HashAlgorithm.Create(name)``; null for a name that it does not know."""
    if name is None:
        raise argument_null("name")
    known = name.rpartition(".")[2].upper().replace("-", "").removesuffix("MANAGED")
    if known.removeprefix("HMAC") not in _HASHES:
        return None
    return _random_key(known[4:])() if known.startswith("HMAC") else Hasher(known)


def _static(name: str) -> Callable[[object], bytearray]:
    return lambda data: Hasher(name).digest(data)


_TYPES: dict[tuple[str, bool], Type] = {}
for _name in _HASHES:
    _bits = hashlib.new(_name.lower(), usedforsecurity=False).digest_size * 8
    _sizes = {"const int HashSizeInBits": _bits, "const int HashSizeInBytes": _bits // 8}
    define(f"{_C}.{_name}", {**_sizes, "static byte[] HashData(byte[] source)": _static(_name)},
           parents=("HashAlgorithm",))  # fmt: skip
    # What Create gives is of a class that is inside of the abstract one.
    _TYPES[_name, False] = define(f"{_C}.{_name}+Implementation", parents=(_name,))
    define(f"{_C}.{_name}", {f"static {_name} Create()": _plain(_name, _TYPES[_name, False])})
    for _suffix in ("Managed", "CryptoServiceProvider", "Cng"):
        _made = define(f"{_C}.{_name}{_suffix}", parents=(_name,))
        define(f"{_C}.{_name}{_suffix}", {"new()": _plain(_name, _made)})
    _TYPES[_name, True] = define(f"{_C}.HMAC{_name}", {
        **_sizes,
        "new()": _random_key(_name),
        "new(byte[] key)": _keyed(_name),
        "static byte[] HashData(byte[] key, byte[] source)":
            lambda key, data, name=_name: Hasher(name, bytes(key)).digest(data),
    }, parents=("HMAC",))  # fmt: skip
represent(Hasher, lambda hasher: hasher.clr_type or _TYPES[hasher.name, hasher.key is not None])


class RandomBytes:
    """``RandomNumberGenerator``."""

    __slots__ = ()


def _fill(_generator: RandomBytes, data: bytearray) -> None:
    data[:] = os.urandom(len(data))


def _bytes(count: int) -> bytearray:
    charge(count)
    return bytearray(os.urandom(count))


def _int32(low: int, high: int | None = None) -> int:
    import secrets

    first, last = (0, low) if high is None else (low, high)
    if last <= first:
        raise thrown("ArgumentException", "Range of random number does not contain at least one possibility.")
    return first + secrets.randbelow(last - first)


GENERATOR = define(f"{_C}.RandomNumberGenerator", {
    "static RandomNumberGenerator Create()": RandomBytes,
    "void GetBytes(byte[] data)": _fill,
    "void GetNonZeroBytes(byte[] data)": lambda _g, data: data.__setitem__(
        slice(None), bytes(byte % 255 + 1 for byte in os.urandom(len(data)))
    ),
    "static byte[] GetBytes(int count)": _bytes,
    "static void Fill(byte[] data)": lambda data: _fill(RandomBytes(), data),
    "static int GetInt32(int toExclusive)": _int32,
    "static int GetInt32(int fromInclusive, int toExclusive)": _int32,
}, parents=("IDisposable",))  # fmt: skip
define(f"{_C}.RNGCryptoServiceProvider", {"new()": RandomBytes}, parents=("RandomNumberGenerator",))
represent(RandomBytes, GENERATOR)
define(f"{_C}.CryptographicOperations", {
    "static bool FixedTimeEquals(byte[] left, byte[] right)":
        lambda left, right: hmac.compare_digest(bytes(left), bytes(right)),
}, kind="static")  # fmt: skip
