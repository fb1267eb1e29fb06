"""RSA keys that anybody can break never load."""

from __future__ import annotations

import math

import pytest

from gateway.tokens.weak_rsa import ROCA_PRIMES, refuse_weak_rsa
from tests.tokens.minting import rsa_key

GOOD = rsa_key().public_key().public_numbers().n
# Two primes with a difference of 2**40, found once; their product falls to Fermat's method at once.
P = 2**1024 + 643


def _next_prime_like(start: int) -> int:
    candidate = start | 1
    while math.gcd(candidate, math.prod(ROCA_PRIMES)) != 1:
        candidate += 2
    return candidate


CLOSE = _next_prime_like(P) * _next_prime_like(P + 2**40)
PRODUCT = math.prod(ROCA_PRIMES)
ROCA = next(n for n in (pow(65537, 1234, PRODUCT) + (2**1850 + k) * PRODUCT for k in (0, 1)) if n % 2)


@pytest.mark.parametrize(
    ("n", "e", "why"),
    [
        (GOOD >> 1024, 65537, "bits"),
        (GOOD << 8192, 65537, "bits"),
        (GOOD, 1, "exponent"),
        (GOOD, 0, "exponent"),
        (GOOD, 2, "exponent"),
        (GOOD, 65536, "exponent"),
        (GOOD, 2**64 + 1, "exponent"),
        (GOOD - 1, 65537, "small factor"),
        (GOOD - GOOD % 97, 65537, "small factor"),
        (CLOSE, 65537, "close together"),
        (_next_prime_like(P) ** 2, 65537, "close together"),
        (ROCA, 65537, "ROCA"),
    ],
    ids=["short", "long", "e=1", "e=0", "e=2", "e even", "e huge", "even", "97", "close", "square", "ROCA"],
)
def test_refused(n: int, e: int, why: str) -> None:
    """Size, exponent, small factors, close factors and the ROCA fingerprint are each named."""
    with pytest.raises(ValueError, match=why):
        refuse_weak_rsa(n, e)


@pytest.mark.parametrize("e", [3, 17, 65537])
def test_good_keys_pass(e: int) -> None:
    """A random 2,048-bit modulus passes with any usual exponent."""
    refuse_weak_rsa(GOOD, e)


def test_lower_limit_is_a_setting() -> None:
    """1,024 bits, the limit of APIM's library, can be configured."""
    n = rsa_key("small", 1024).public_key().public_numbers().n
    with pytest.raises(ValueError, match="1024 bits"):
        refuse_weak_rsa(n, 65537)
    refuse_weak_rsa(n, 65537, 1024)
