"""``gateway token``: mint a token from the emulator's keys, or look into one without judging it."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from gateway.emulators.entra import EntraEmulator
from gateway.errors import GatewayError

app = App(name="token")

DEMO_AUTHORITY = "http://127.0.0.1:8082"


def demo_keys() -> Path:
    """Where the demo keeps its signing keys, so that ``gateway token mint`` makes tokens that it accepts."""
    return Path.home() / ".local" / "state" / "apim-policy-gateway" / "demo-keys.json"


@app.command
def mint(  # noqa: PLR0913 (one option each)
    *,
    authority: str = DEMO_AUTHORITY,
    audience: str | None = None,
    role: Annotated[list[str] | None, Parameter(name="--role", negative="")] = None,
    claim: Annotated[list[str] | None, Parameter(name="--claim", negative="")] = None,
    user: Annotated[bool, Parameter(negative="")] = False,
    version: int = 2,
    lifetime: float = 3600,
    keys: Path | None = None,
) -> None:
    """
    Print an access token that a running demo (or an emulator with the same key file) accepts.

    Parameters
    ----------
    authority
        Base URL of the emulator that the gateway trusts; the demo's unless given.
    audience
        The `aud` claim; the emulator's own API unless given.
    role
        An app role; may be repeated.
    claim
        NAME=VALUE, VALUE as JSON or else as text; may be repeated. `NAME=null` removes the claim.
    user
        A user's (delegated) token instead of an application's.
    version
        1 or 2: the shape of Entra's v1.0 or v2.0 tokens.
    lifetime
        Seconds from now; below zero for a token that has expired.
    keys
        The emulator's key file; the demo's unless given.
    """
    emulator = EntraEmulator(authority, keys=keys or demo_keys())
    claims = dict(_claim(text) for text in claim or ())
    if audience is not None:
        claims["aud"] = audience
    if role:
        claims["roles"] = role
    print(emulator.mint(version=version, app_only=not user, lifetime_s=lifetime, **claims))


@app.command
def show(token: str) -> None:
    """
    Print a token's header and claims. Nothing is verified: do not trust its contents.

    Parameters
    ----------
    token
        The token, or `-` to read it from standard input.
    """
    text = sys.stdin.read() if token == "-" else token  # noqa: S105 (the name of standard input)
    parts = text.strip().removeprefix("Bearer ").split(".")
    if len(parts) != 3:
        raise GatewayError(f"not a signed token: {len(parts)} parts instead of 3")
    print("Unverified: the signature was not checked.", file=sys.stderr)
    print(json.dumps({"header": _part(parts[0]), "claims": _part(parts[1])}, indent=2, ensure_ascii=False))


def _claim(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise GatewayError(f"--claim {text!r} is not NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _part(part: str) -> object:
    try:
        return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        raise GatewayError("not a token: a part is not base64url of JSON") from None
