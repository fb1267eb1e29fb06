"""
``POST /withdrawn-keys``: withdraw a token issuer's key, in every worker, until the gateway stops.

The body is JSON and is refused under any other type, so that no web page can send it without asking first; *guard*
refuses pages that were given this machine's address under their own name (DNS rebinding).

Source: Fetch Standard, "CORS-safelisted request-header" (a JSON body needs a preflight).
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Awaitable, Callable, Sequence, Set
from pathlib import Path

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.management.bodies import bounded, is_of_type

PATH = "/withdrawn-keys"
MAX_BODY_BYTES = 16_384

Withdraw = Callable[[str, str | None], Awaitable[Sequence[str]]]
"""
From key id, and the metadata URL of one issuer or None for all, to the URLs of the issuers that used the key.

Raises RuntimeError where not every process did it, LookupError where no policy uses that issuer.
"""


class WithdrawalBook:
    """What has been withdrawn since the start, in a file, so that a worker that is started again knows it, too."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def note(self, kid: str, issuer: str | None) -> None:
        """Add one. Raises OSError: it could not be written, and nothing has been."""
        _append(self._file, json.dumps([kid, issuer]) + "\n")

    def withdrawn(self) -> list[tuple[str, str | None]]:
        """All of them: key id, and metadata URL of one issuer or None."""
        lines = self._file.read_text("utf-8").splitlines() if self._file.exists() else []
        return [(kid, issuer) for kid, issuer in map(json.loads, lines)]


class WithdrawnMaterial:
    """
    What the workers have seen of withdrawn keys, in a file: a key that its issuer calls otherwise by now is known to
    those that are started later.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._noted: set[tuple[str, str, bytes]] = set()  # by this process, or before it

    def note(self, seen: Set[tuple[str, str, bytes]]) -> None:
        """Add what is new. Raises OSError: it could not be written, and is still new."""
        fresh = seen - self._noted
        if not fresh:
            return
        lines = [json.dumps([address, name, fingerprint.hex()]) + "\n" for address, name, fingerprint in fresh]
        _append(self._file, "".join(lines))
        self._noted |= fresh

    def read(self) -> set[tuple[str, str, bytes]]:
        """All of it: metadata URL, name, fingerprint."""
        lines = self._file.read_text("utf-8").splitlines() if self._file.exists() else []
        self._noted |= {(address, name, bytes.fromhex(mark)) for address, name, mark in map(json.loads, lines)}
        return set(self._noted)


def _append(path: Path, lines: str) -> None:
    """Add *lines* as a whole, or nothing of them: half a line would keep every later worker from starting."""
    import fcntl  # workers run where it is; the rest of this module loads on every system

    content = lines.encode()
    with path.open("ab", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        before = file.seek(0, os.SEEK_END)
        if file.write(content) != len(content):  # the disk is full; one that takes nothing raises it
            file.truncate(before)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))


def withdrawal_route(withdraw: Withdraw, guard: Sequence[Middleware] = ()) -> Route:
    """The endpoint in front of *withdraw*; answers ``{"kid": …, "issuers": […]}`` or what is wrong."""

    async def take_out(request: Request) -> Response:
        if not is_of_type(request, "application/json"):
            return JSONResponse({"error": "the body must be application/json"}, 415)
        kid, issuer = read_request(await bounded(request, MAX_BODY_BYTES) or b"")
        if kid is None:
            return JSONResponse({"error": 'the body must be {"kid": "…"}, with "issuer": "URL" for one issuer'}, 400)
        try:
            issuers = await withdraw(kid, issuer)
        except LookupError as error:
            return JSONResponse({"error": str(error.args[0])}, 404)
        except RuntimeError as error:  # some workers may have withdrawn it: asking again is safe
            return JSONResponse({"error": str(error)}, 503)
        return JSONResponse({"kid": kid, "issuers": sorted(issuers)})

    return Route(PATH, take_out, methods=["POST"], middleware=guard)


def read_request(body: bytes) -> tuple[str | None, str | None]:
    """Key id and issuer of a request's body; no key id where it is malformed."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None, None
    if not isinstance(document, dict) or not document.keys() <= {"kid", "issuer"}:
        return None, None
    kid, issuer = document.get("kid"), document.get("issuer")
    is_sound = isinstance(kid, str) and kid != "" and (issuer is None or isinstance(issuer, str))
    return (kid, issuer) if is_sound else (None, None)
