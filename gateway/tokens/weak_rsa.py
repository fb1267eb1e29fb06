"""
RSA keys that anybody can break are refused when they are loaded.

Source: RFC 7518 section 3.3 (2,048 bits or larger), RFC 8725 section 3.5; CVE-2017-15361 (ROCA, Nemec et al. 2017);
CVE-2022-26320 (primes that lie close together fall to Fermat's factorisation).
"""

from __future__ import annotations

import math
from functools import lru_cache

MIN_RSA_BITS = 2_048
MAX_RSA_BITS = 8_192  # limits the time of one verification
MAX_EXPONENT_BITS = 64
FERMAT_ROUNDS = 100
SMALL_PRIMES = (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97)
ROCA_PRIMES = (*SMALL_PRIMES, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167)
PRIMORIAL = math.prod(SMALL_PRIMES)


@lru_cache(maxsize=4_096)  # a refresh checks the same keys again, and each check takes a millisecond
def refuse_weak_rsa(n: int, e: int, min_bits: int = MIN_RSA_BITS) -> None:
    """Raise ValueError, with the reason, for a modulus *n* or exponent *e* that provides no protection."""
    if not min_bits <= n.bit_length() <= MAX_RSA_BITS:
        raise ValueError(f"the RSA key has {n.bit_length()} bits; from {min_bits} to {MAX_RSA_BITS} are accepted")
    if e < 3 or e % 2 == 0 or e.bit_length() > MAX_EXPONENT_BITS:
        raise ValueError("the RSA key's exponent is 1, even or too large")
    for is_weak, message in KNOWN_WEAKNESSES:
        if is_weak(n):
            raise ValueError(message)


def _has_close_factors(n: int) -> bool:
    root = math.isqrt(n)
    for a in range(root, root + FERMAT_ROUNDS):
        square = a * a - n
        if square >= 0 and math.isqrt(square) ** 2 == square:
            return True
    return False


def _powers_of_65537(prime: int) -> frozenset[int]:
    # Primes of the flawed generator are powers of 65537 modulo each small prime, and so is their product.
    powers, value = set(), 1
    while value not in powers:
        powers.add(value)
        value = value * 65537 % prime
    return frozenset(powers)


ROCA_RESIDUES = tuple((prime, _powers_of_65537(prime)) for prime in ROCA_PRIMES)


def _is_roca(n: int) -> bool:
    return all(n % prime in residues for prime, residues in ROCA_RESIDUES)


def _has_small_factor(n: int) -> bool:
    return n % 2 == 0 or math.gcd(n, PRIMORIAL) != 1


KNOWN_WEAKNESSES = (
    (_has_small_factor, "the RSA key's modulus has a small factor"),
    (_has_close_factors, "the RSA key's factors lie close together (CVE-2022-26320)"),
    (_is_roca, "the RSA key has the fingerprint of CVE-2017-15361 (ROCA)"),
)
