"""
How long does one verification take, per algorithm, in full and from the cache?

Run: ``.venv/bin/python -m benchmarks.bench_tokens``. Prints microseconds of processor time per call, the best of five
runs: processor time, so that a busy machine blurs little.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from gateway.tokens.cache import TokenCache
from gateway.tokens.keys import Key, public_key, secret_key
from gateway.tokens.rules import RequiredClaim, TokenRules
from gateway.tokens.validator import KeySources, TokenValidator
from tests.tokens import minting

ALGORITHMS = ("RS256", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA", "HS256", "HS512")
RUNS = 5
# An Entra access token has about this much beside the claims that rules read.
ENTRA_SIZED = {
    "aio": "A" * 120,
    "azp": minting.TENANT,
    "azpacr": "1",
    "rh": "0." + "A" * 48,
    "uti": "ZQMAaXC8q028-QpMeA5UAA",
    "roles": ["Batch.Start", "Batch.Read"],
}
RULES = TokenRules(
    issuers=frozenset({minting.V2}),
    audiences=frozenset({"api"}),
    required_claims=(RequiredClaim("roles", ("Batch.Start",), "any"),),
)


def microseconds(call: Callable[[], object], times: int) -> float:
    """Best of several runs, per call."""
    best = float("inf")
    for _ in range(RUNS):
        begun = time.process_time()
        for _ in range(times):
            call()
        best = min(best, time.process_time() - begun)
    return best / times * 1e6


def inline_key(algorithm: str) -> Key:
    """The verifying key for *algorithm*."""
    material = minting.public_part(minting.private_key(algorithm))
    return secret_key(material, "k1") if isinstance(material, bytes) else public_key(material, "k1")


def measure(algorithm: str, times: int = 2_000) -> tuple[float, float]:
    """(in full, from the cache) in microseconds."""
    keys = KeySources(inline=(inline_key(algorithm),))
    token = minting.token(algorithm, **ENTRA_SIZED)
    cold, warm = TokenValidator(RULES, keys), TokenValidator(RULES, keys, TokenCache())
    full = microseconds(lambda: cold.verify(token, minting.NOW), times)
    return full, microseconds(lambda: warm.verify(token, minting.NOW), times * 10)


def main() -> None:
    """Print the table."""
    print(f"token: {len(minting.token(**ENTRA_SIZED))} characters (RS256)")
    print("algorithm   in full   cached")
    for algorithm in ALGORITHMS:
        full, cached = measure(algorithm)
        print(f"{algorithm:9} {full:9.1f} {cached:8.2f}")


if __name__ == "__main__":
    main()
