"""Issuers of the configuration and those of the policies are the same, or the difference is noted."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.assembly.app import build
from gateway.config import parse

URL = "https://issuer.example/.well-known/openid-configuration"
CONFIG = """
issuers: {{'{url}': {{withdrawn-keys: [k1]}}}}
apis: [{{id: a, path: a, policy: policy.xml}}]
"""
POLICY = (
    '<policies><inbound><validate-jwt header-name="Authorization"><openid-config url="{0}" /></validate-jwt></inbound>'
    "</policies>"
)


@pytest.mark.parametrize(
    ("url", "codes"),
    [(URL, []), (URL.replace("issuer.", "ISSUER."), []), (URL.replace("issuer.", "issuers."), ["unused-issuer"])],
)
def test_an_issuer_that_no_policy_uses_is_noted(tmp_path: Path, url: str, codes: list[str]) -> None:
    """Settings of a mistyped URL have no effect, and a note says so; another spelling of the URL is not mistyped."""
    (tmp_path / "policy.xml").write_text(POLICY.format(URL))
    gateway = build(parse(CONFIG.format(url=url), "config.yaml", tmp_path, {}))
    assert [(note.code, note.location.line) for note in gateway.notes] == [(code, 2) for code in codes]
