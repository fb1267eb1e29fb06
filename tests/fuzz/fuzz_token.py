"""
Fuzzes everything that reads what strangers send: tokens, key sets, metadata.

Run (atheris is no dependency of the project):

    .venv/bin/uv pip install atheris
    .venv/bin/python -m tests.fuzz.fuzz_token -max_total_time=600 [CORPUS_FOLDER]

``check`` is also run on a few hundred inputs by tests/fuzz/test_fuzz_token.py.
"""

from __future__ import annotations

import importlib
import json
import math
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from gateway.errors import KeysUnavailable, TokenError
from gateway.tokens.base64url import encode
from gateway.tokens.compact import Jws, parse
from gateway.tokens.decrypt import decryption_key_from_private, decryption_key_from_secret
from gateway.tokens.discovery import DiscoveryRules, parse_metadata
from gateway.tokens.explain import explain
from gateway.tokens.issuer_error import IssuerError
from gateway.tokens.jwk import published_keys
from gateway.tokens.jwt import Jwt, read_unverified
from gateway.tokens.keys import public_key, secret_key
from gateway.tokens.registry import IssuerRegistry
from gateway.tokens.rules import RequiredClaim, TokenRules
from gateway.tokens.strict_json import parse_object
from gateway.tokens.validator import KeySources, TokenValidator
from tests.tokens.minting import METADATA_URL, NOW, SECRET, V2, Site, claims, metadata, part, rsa_key, token

RULES = TokenRules(
    issuers=frozenset({V2}),
    audiences=frozenset({"api"}),
    required_claims=(RequiredClaim("roles", ("A",), "any"),),
)


@cache
def good_tokens() -> tuple[str, ...]:
    """The only texts that may ever be accepted: each kind of signature."""
    return (token(roles=["A"]), token("HS256", roles=["A", "B"], header={"kid": None}))


@cache
def validator() -> TokenValidator:
    """Keys of each kind, so that confusions between them have a chance."""
    inline = (public_key(rsa_key().public_key(), "k1"), secret_key(SECRET, "h1"))
    keys = (decryption_key_from_secret("A" * 22 + "=="), decryption_key_from_private(rsa_key("enc")))
    return TokenValidator(RULES, KeySources(inline=inline, decryption=keys))


@cache
def waiting() -> TokenValidator:
    """An issuer that is down, and not due for another attempt."""
    issuer = IssuerRegistry(Site()).issuer(METADATA_URL)
    issuer.due = math.inf
    return TokenValidator(RULES, KeySources(issuers=(issuer,)))


def check(data: bytes) -> None:
    """One input: the first byte says how the rest is used. Raises AssertionError, or whatever should never escape."""
    if data:
        TARGETS[data[0] % len(TARGETS)](data[1:])


def _token_text(data: bytes) -> None:
    _judge(data.decode("latin-1"))


def _payload(data: bytes) -> None:
    head, _, signature = _pieces(data)
    _judge(f"{head}.{encode(data)}.{signature}")


def _header(data: bytes) -> None:
    _, body, signature = _pieces(data)
    _judge(f"{encode(data)}.{body}.{signature}")


def _signature(data: bytes) -> None:
    head, body, _ = _pieces(data)
    _judge(f"{head}.{body}.{encode(data)}")


def _mutated(data: bytes) -> None:
    """A good token with some bytes written over: pairs of position and character."""
    text = list(_good(data))
    for index in range(0, min(len(data) - 2, 24), 3):
        text[int.from_bytes(data[index : index + 2], "big") % len(text)] = chr(data[index + 2])
    _judge("".join(text))


def _encrypted(data: bytes) -> None:
    algorithms = ("dir", "A128KW", "RSA-OAEP", "ECDH-ES", "A128GCMKW")
    header = {"alg": algorithms[len(data) % len(algorithms)], "enc": "A128GCM"}
    third = len(data) // 3
    _judge(".".join([part(header), encode(data[:third]), encode(data[:12]), encode(data[third:]), encode(data[-16:])]))


def _key_set(data: bytes) -> None:
    try:
        published_keys(parse_object(data, "key set"), lambda name, reason: None)
    except (ValueError, TokenError):
        return


def _metadata(data: bytes) -> None:
    try:
        parse_metadata(data, METADATA_URL, DiscoveryRules())
    except IssuerError:
        return


TARGETS: tuple[Callable[[bytes], None], ...] = (
    _token_text,
    _payload,
    _header,
    _signature,
    _mutated,
    _encrypted,
    _key_set,
    _metadata,
)


def _good(data: bytes) -> str:
    return good_tokens()[len(data) % 2]


def _pieces(data: bytes) -> list[str]:
    return _good(data).split(".")


def _judge(text: str) -> None:
    """Only the good tokens pass, only TokenError escapes, one text has one spelling, and explain agrees."""
    read_unverified(text)
    try:
        accepted = isinstance(validator().verify(text, NOW), Jwt)
        reason = ""
    except TokenError as error:
        accepted, reason = False, error.reason
    assert not accepted or text in good_tokens(), "wrong acceptance"
    told = explain(validator(), text, NOW)
    assert (told.accepted, told.reason) == (accepted, reason), "explain drifts from verify"
    _judge_without_keys(text)
    _one_spelling(text)


def _judge_without_keys(text: str) -> None:
    try:
        accepted = isinstance(waiting().verify(text, NOW), Jwt)
    except (TokenError, KeysUnavailable):
        return
    assert not accepted, "accepted without keys"


def _one_spelling(text: str) -> None:
    try:
        parsed = parse(text)
    except TokenError:
        return
    if isinstance(parsed, Jws):
        assert f"{parsed.signing_input.decode()}.{encode(parsed.signature)}" == text, "two spellings"


def seeds() -> list[bytes]:
    """Inputs to start from, one or more for each target."""
    samples: dict[int, list[Any]] = {
        0: [*good_tokens(), "a.b.c", "a.b.c.d.e"],
        1: [json.dumps(claims(roles=["A"]))],
        2: [
            '{"alg":"RS256","kid":"k1"}',
            '{"alg":"HS256"}',
            '{"alg":"none"}',
            '{"alg":"RS256","crit":["b64"],"b64":false}',
        ],
        3: ["x" * 256, ""],
        4: ["\0\1A\0\2B"],
        5: ["x" * 90],
        6: ['{"keys":[{"kty":"RSA","kid":"a","n":"AQAB","e":"AQAB"},{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}'],
        7: [json.dumps(metadata())],
    }
    return [bytes([target]) + text.encode() for target, texts in samples.items() for text in texts]


def main() -> None:
    """Hand ``check`` to atheris; the seeds are written to the first folder given."""
    atheris: Any = importlib.import_module("atheris")  # only here, so that the tests need no atheris
    atheris.instrument_all()
    folder = next((Path(argument) for argument in sys.argv[1:] if not argument.startswith("-")), None)
    if folder is not None:
        folder.mkdir(exist_ok=True)
        for number, seed in enumerate(seeds()):
            (folder / f"seed{number}").write_bytes(seed)
    atheris.Setup(sys.argv, check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
