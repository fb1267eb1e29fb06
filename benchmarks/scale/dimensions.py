"""What grows, one thing at a time: configurations and requests for each size."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import jwt

KEY = b"a key of thirty-two bytes, or so"
KEY_TEXT = "YSBrZXkgb2YgdGhpcnR5LXR3byBieXRlcywgb3Igc28="
CHECK = (
    '<validate-jwt header-name="Authorization" output-token-variable-name="jwt"><issuer-signing-keys>'
    f"<key>{KEY_TEXT}</key></issuer-signing-keys></validate-jwt>"
    '<set-header name="caller" exists-action="override"><value>@(((Jwt)context.Variables["jwt"]).Subject)</value>'
    "</set-header>"
)


VARIANTS = 64  # heads that differ in one field


@dataclass(frozen=True, slots=True)
class Size:
    """
    One point of a curve.

    Attributes:
        apis: The APIs of the configuration, a line each; BACKEND is their address.
        policies: Behind those that every request passes.
        answers: How many a round measures.
        idle: Further connections that are open and silent.
    """

    size: int
    requests: list[bytes]
    apis: list[str]
    policies: str = ""
    workers: int = 1
    answers: int = 2_000
    idle: int = 0

    def config(self, backend: str) -> str:
        """The configuration."""
        limits = "token-cache: {entries: 65536}\nlimits: {connections: 6000}\n"
        return f"{limits}backends: {{b: {{url: '{backend}'}}}}\n" + "\n".join(["apis:", *self.apis, ""])

    def files(self) -> dict[str, str]:
        """Its policy document."""
        return {"p.xml": f"<policies><inbound><base />{CHECK}{self.policies}</inbound></policies>"}


@dataclass(frozen=True, slots=True)
class Dimension:
    """
    What grows.

    Attributes:
        key: Its name in results and pictures.
        flat: Whether the cost should not depend on it; otherwise it may grow in proportion.
        unit: What the cost of is given, such as "policy".
        per: So many of them.
    """

    key: str
    title: str
    flat: bool
    sizes: tuple[int, ...]
    size: Callable[[int], Size] = field(repr=False)
    unit: str = ""
    per: int = 1


def _token(number: int = 0) -> str:
    claims = {"sub": f"11111111-1111-4111-8111-{number:012}", "exp": int(time.time()) + 7_200, "aud": "api://scale"}
    return jwt.encode(claims, KEY, "HS256")


def request(path: str = "/a/x", token: str = "", fields: int = 0, body: int = 0, variant: int = 0) -> bytes:
    """A request with a valid token, a field of its own, *fields* more header fields and a body of so many bytes."""
    lines = [f"{'POST' if body else 'GET'} {path} HTTP/1.1", "Host: gateway.example"]
    lines += [f"x-field-{number}: value-of-{number}" for number in range(fields)]
    lines.append(f"traceparent: {variant:032x}")
    if body:
        lines.append(f"Content-Length: {body}")
    lines.append(f"Authorization: Bearer {token or _token()}")
    return "\r\n".join([*lines, "", ""]).encode() + b"x" * body


_PLAIN = ["- {id: a, path: a, backend: b, policy: p.xml}"]


def _apis(count: int) -> Size:
    lines = [f"- {{id: a{number}, path: a{number}, backend: b, policy: p.xml}}" for number in range(count)]
    return Size(count, [request(f"/a{number}/x") for number in range(count)], lines)


def _operations(count: int) -> Size:
    operations = ", ".join(
        f"{{id: o{number}, method: GET, url-template: '/o{number}/{{id}}'}}" for number in range(count)
    )
    lines = [f"- {{id: a, path: a, backend: b, policy: p.xml, operations: [{operations}]}}"]
    return Size(count, [request(f"/a/o{number}/7") for number in range(count)], lines)


def _policies(count: int) -> Size:
    policy = (
        '<set-header name="x-{}" exists-action="override"><value>@(context.Request.Method + "{}")</value></set-header>'
    )
    return Size(count, [request()], _PLAIN, "".join(policy.format(number, number) for number in range(count)))


def _bodies(size: int) -> Size:
    return Size(size, [request(body=size)], _PLAIN, answers=max(200, min(2_000, 100_000_000 // (size or 1))))


DIMENSIONS = (
    Dimension("workers", "workers", True, (1, 2, 3, 4), lambda count: Size(count, [request()], _PLAIN, workers=count)),
    Dimension("apis", "APIs", True, (10, 100, 300, 1_000), _apis),
    Dimension("operations", "operations of an API", True, (10, 100, 300, 1_000), _operations),
    Dimension("policies", "policies of a pipeline", False, (0, 10, 20, 40), _policies, "policy"),
    Dimension(
        "fields",
        "fields of a head",
        False,
        (0, 15, 30, 60),
        lambda count: Size(count, [request(fields=count, variant=number) for number in range(VARIANTS)], _PLAIN),
        "field",
    ),
    Dimension("body", "bytes of a body", False, (0, 65_536, 262_144, 1_048_576), _bodies, "KiB", 1_024),
    Dimension(
        "connections",
        "open connections",
        True,
        (0, 100, 1_000, 4_000),
        lambda count: Size(count, [request()], _PLAIN, idle=count),
    ),
    Dimension(
        "tokens",
        "remembered tokens",
        True,
        (10, 100, 1_000, 10_000),
        lambda count: Size(
            count, [request(token=_token(number)) for number in range(count)], _PLAIN, answers=max(2_000, count)
        ),
    ),
)
