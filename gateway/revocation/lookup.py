"""
Whether a client certificate is revoked: every certificate on its path below the root is asked about.

Lists of the configuration come first, then the authority's responder, then the lists that the certificate names. The
first that decides counts; if none does, the certificate is refused.

Source: RFC 5280 §6.3; RFC 6960 §2; APIM "validate-client-certificate", validate-revocation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

import structlog
from cryptography import x509

from gateway.revocation.authorities import Authorities
from gateway.revocation.crl import RevocationList, list_urls, read_list
from gateway.revocation.evidence import Evidence, Undecided
from gateway.revocation.fetching import Fetcher
from gateway.revocation.kept import Kept
from gateway.revocation.ocsp import encoded, question, read_answer, responder_urls

log = structlog.get_logger("gateway.revocation")

MAX_CERTIFICATES = 16_384
MAX_LISTS = 64
MAX_URLS = 3  # of each kind in one certificate
FETCHES = 3  # that may run into their time-out, one after the other, before the look-up is given up

REVOKED = "Client certificate is revoked."
UNDECIDED = "Revocation of the client certificate could not be checked."

_Place: TypeAlias = "Path | str"
_Source: TypeAlias = tuple[_Place, x509.Certificate]  # a file or URL, and the authority that must have signed
_Question: TypeAlias = tuple[_Place, Callable[[], Awaitable[Evidence]]]


class RevocationLookup:
    """
    Answers for the certificates of one listener.

    Args:
        files: Lists of the configuration, read again when they are due.
        now: Seconds since the epoch.
    """

    def __init__(
        self, authorities: Authorities, fetcher: Fetcher, files: Sequence[Path], now: Callable[[], float]
    ) -> None:
        self._authorities = authorities
        self._fetcher = fetcher
        self._files = files
        self._now = now
        self._found = Kept(self._find, now, MAX_CERTIFICATES)
        self._lists = Kept(self._read_list, now, MAX_LISTS)

    def issuer_of(self, certificate: x509.Certificate) -> x509.Certificate | None:
        """The authority that has issued *certificate*; None: it is not in ``client-ca``."""
        return self._authorities.issuer_of(certificate)

    def revocation(self, certificate: x509.Certificate) -> str | Awaitable[str]:
        """Why *certificate* is refused: revoked or undetermined. Immediate where it is known; empty: it is good."""
        try:
            evidence = self._found.get(certificate)
        except Undecided:
            return UNDECIDED
        return _problem(evidence) if isinstance(evidence, Evidence) else _later(evidence)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._found.aclose()
        await self._lists.aclose()
        await self._fetcher.aclose()

    async def _find(self, certificate: x509.Certificate) -> Evidence:
        """Raises Undecided, also when everybody together takes too long."""
        try:
            async with asyncio.timeout(FETCHES * self._fetcher.timeout_s):
                return await self._along_path(certificate)
        except TimeoutError:
            raise Undecided("no source answered in time") from None

    async def _along_path(self, certificate: x509.Certificate) -> Evidence:
        """The shortest-lived verdict of all, or the first that says revoked."""
        holds_until = float("inf")
        for member, issuer in self._authorities.path(certificate):
            evidence = await self._ask(member, issuer)
            if evidence.revoked:
                return evidence
            holds_until = min(holds_until, evidence.holds_until)
        return Evidence(False, holds_until)

    async def _ask(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Evidence:
        reasons = []
        for place, ask in self._questions(certificate, issuer):
            try:
                return await ask()
            except Undecided as error:
                reasons.append(f"{_shown(place)}: {error}")
        reason = "; ".join(reasons) or "the certificate names neither a list nor a responder"
        log.warning("revocation_undecided", serial=f"{certificate.serial_number:X}", reason=reason)
        raise Undecided(reason)

    def _questions(self, certificate: x509.Certificate, issuer: x509.Certificate) -> Iterator[_Question]:
        """Whom to ask, in turn."""
        for file in self._files:
            yield file, partial(self._from_list, (file, issuer), certificate)
        for url in responder_urls(certificate)[:MAX_URLS]:
            yield url, partial(self._from_responder, url, certificate, issuer)
        for url in list_urls(certificate)[:MAX_URLS]:
            yield url, partial(self._from_list, (url, issuer), certificate)

    async def _from_list(self, source: _Source, certificate: x509.Certificate) -> Evidence:
        listed = self._lists.get(source)
        current = listed if isinstance(listed, RevocationList) else await listed
        return current.evidence(certificate, self._now())

    async def _from_responder(self, url: str, certificate: x509.Certificate, issuer: x509.Certificate) -> Evidence:
        asked = question(certificate, issuer)
        return read_answer(await self._fetcher.post(url, encoded(asked)), asked, issuer, self._now())

    async def _read_list(self, source: _Source) -> RevocationList:
        place, issuer = source
        data = await self._fetcher.get(place) if isinstance(place, str) else await asyncio.to_thread(_read_file, place)
        return await asyncio.to_thread(read_list, data, issuer)  # long ones would hold up the event loop


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise Undecided(f"cannot be read: {error.strerror}") from None


async def _later(pending: Awaitable[Evidence]) -> str:
    try:
        return _problem(await pending)
    except Undecided:
        return UNDECIDED


def _problem(evidence: Evidence) -> str:
    return REVOKED if evidence.revoked else ""


def _shown(place: _Place) -> str:
    """A file's name, or a URL's host: the rest may say more than a log should."""
    return place.name if isinstance(place, Path) else urlsplit(place).netloc[:255]
