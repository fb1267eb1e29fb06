"""
TLS contexts towards backends, and for the gateway's own calls.

The system's authorities take 20 ms to read, and 800 KiB: whoever has the same settings shares one context while anybody
has it. Files that have changed since make another one.
"""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Sequence
from pathlib import Path
from weakref import WeakValueDictionary

from gateway.reading.values import revealed
from gateway.wire.paced_tls import paced
from gateway.wire.settings import TlsSettings
from gateway.wire.upstream.way import StoredCertificate

_shared: WeakValueDictionary[tuple[object, ...], ssl.SSLContext] = WeakValueDictionary()


def client_context(
    settings: TlsSettings, protocols: Sequence[str] = ("http/1.1",), certificate: StoredCertificate | None = None
) -> ssl.SSLContext:
    """
    The context for a backend: chain and name are checked unless the settings relax that. It must not be changed.

    Args:
        protocols: What the handshake offers (ALPN), most preferred first.
        certificate: Presented instead of the settings' own.

    Raises:
        OSError: A file is missing or holds no usable certificate (``ssl.SSLError`` is one).
    """
    files = [*_authorities(settings.ca_file), settings.certificate_file, settings.key_file]
    relaxed = settings.verify_chain, settings.verify_name
    key = (*relaxed, *files, *map(_state, files), settings.key_password, *protocols, certificate)
    context = _shared.get(key)
    if context is None:
        context = _shared[key] = _fresh_context(settings, protocols, certificate)
    return context


def library_context(ca_file: Path | None = None, certificate: StoredCertificate | None = None) -> ssl.SSLContext:
    """
    The same for a library that makes calls over HTTP/1.1, which may set that as its protocol and nothing else.

    Its sessions are the standard library's: whoever makes one outside asyncio's own transports tells it of the end of
    what is received, which ``paced`` ones leave to asyncio. On an event loop it is asked for in a thread.

    Raises:
        OSError: As for ``client_context``.
    """
    files = _authorities(ca_file)
    key = ("library", *files, *map(_state, files), certificate)
    context = _shared.get(key)
    if context is None:
        context = ssl.create_default_context(cafile=ca_file)
        if certificate is not None:
            present(context, certificate)
        context.set_alpn_protocols(["http/1.1"])
        _shared[key] = context
    return context


def _authorities(ca_file: Path | None) -> list[Path]:
    return [ca_file] if ca_file else _system_authorities()


def _system_authorities() -> list[Path]:
    """Where they are."""
    paths = ssl.get_default_verify_paths()
    return [Path(path) for path in (paths.cafile, paths.capath) if path is not None]


def _state(file: Path | None) -> tuple[int, ...] | None:
    """What is different once *file* has been replaced or written; None where it cannot be looked at."""
    try:
        status = None if file is None else file.stat()
    except OSError:
        return None
    return None if status is None else (status.st_ino, status.st_size, status.st_mtime_ns)


def _fresh_context(
    settings: TlsSettings, protocols: Sequence[str], certificate: StoredCertificate | None
) -> ssl.SSLContext:
    context = paced(ssl.create_default_context(cafile=settings.ca_file))
    context.check_hostname = settings.verify_name and settings.verify_chain
    if not settings.verify_chain:
        context.verify_mode = ssl.CERT_NONE
    if certificate is not None:
        present(context, certificate)
    elif settings.certificate_file is not None:
        context.load_cert_chain(settings.certificate_file, settings.key_file, revealed(settings.key_password))
    context.set_alpn_protocols(list(protocols))
    return context


def present(context: ssl.SSLContext, certificate: StoredCertificate) -> None:
    """Let *context* present *certificate*. Raises ssl.SSLError: key and certificate do not match."""
    # The ssl module reads certificates from files only; only this user can read this one, and it is deleted after.
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(certificate.pem + (certificate.private_key or b""))
        file.flush()
        context.load_cert_chain(file.name)
