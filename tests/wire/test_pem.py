"""Broken TLS files are told at load, where the configuration names them."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from gateway.config import parse
from gateway.emulators.certificates import throw_away
from gateway.errors import LoadError

LISTENER, BACKEND = "tls: {certificate: server.pem, key: %s%s}", "backends: {b: {url: https://a, tls: {%s}}}"
CLIENT = "certificate-file: server.pem, key-file: %s"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A certificate with its key, another key, one with a password, and something else."""
    throw_away(tmp_path)
    key = ec.generate_private_key(ec.SECP256R1())
    sealed = BestAvailableEncryption(b"word")
    (tmp_path / "sealed.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealed))
    (tmp_path / "junk.pem").write_text("junk")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "column"),
    [
        (LISTENER % ("junk.pem", ""), 6),
        (LISTENER % ("sealed.pem", ""), 6),
        (LISTENER % ("sealed.pem", ", key-password: sword"), 6),
        (LISTENER % ("sealed.pem", ", key-password: word"), 6),
        (LISTENER % ("server.pem", ", client-ca: junk.pem"), 6),
        (LISTENER % ("server.pem", ", client-certificate: require"), 69),
        (BACKEND % (CLIENT % "junk.pem"), 37),
        (BACKEND % "ca-file: junk.pem", 37),
    ],
    ids="junk sealed wrong-password not-its-key junk-ca no-ca client-junk backend-ca".split(),
)
def test_what_tls_cannot_use_refuses_to_load(directory: Path, text: str, column: int) -> None:
    """A key that is none, is sealed or belongs elsewhere, a bundle without certificates; nothing prompts."""
    with pytest.raises(LoadError) as refused:
        parse(text, "config.yaml", directory, {})
    (problem,) = refused.value.problems
    assert problem.code in ("bad-certificate", "bad-value")
    assert (problem.location.line, problem.location.column) == (1, column)
    assert problem.remedy
    assert "word" not in problem.message.replace("password", "")


@pytest.mark.parametrize("text", [LISTENER % ("server.pem", ", client-ca: ca.pem"), BACKEND % (CLIENT % "server.pem")])
def test_files_that_belong_together_load(directory: Path, text: str) -> None:
    """Certificate and key may be in one file."""
    parse(text, "config.yaml", directory, {})
