"""
Examples that others published and that some tests read: policy documents, JOSE vectors, Entra ID's answers, Liquid.

They belong to their authors and are not part of the repository. ``GATEWAY_CORPUS`` names a folder that holds them; if
it is not set, a folder ``shared/corpus`` beside the checkout is used, if it exists. Nothing needs to be done without
it: the tests that read it are skipped, and say so.

========= ====================================================================================================
folder    contents
========= ====================================================================================================
apim-xml  APIM policies from public repositories (docs/corpus.md lists them) and an index of what is in each
entra     OpenID configurations, key sets and token claims, as login.microsoftonline.com and Microsoft's pages
          publish them
jwt       the examples of RFC 7515, 7519, 7520, 7797 and 8037 (github.com/ietf-jose/cookbook has most of them)
liquid    templates with the output of DotLiquid
========= ====================================================================================================
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

VARIABLE = "GATEWAY_CORPUS"
ROOT = Path(os.environ.get(VARIABLE) or Path(__file__).parents[2] / "shared" / "corpus")

POLICIES = ROOT / "apim-xml"
ENTRA = ROOT / "entra"
JOSE = ROOT / "jwt"
LIQUID = ROOT / "liquid"


def needs(folder: Path) -> pytest.MarkDecorator:
    """Skips a test where *folder* is missing."""
    return pytest.mark.skipif(not folder.exists(), reason=reason(folder))


def reason(folder: Path) -> str:
    """Why a test is skipped, and where that is explained."""
    return f"the published examples ({folder.name}) are not on this machine: see tests/published.py"
