"""Field names: one folding for every comparison."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.pipeline.masking import MASK, Masking
from gateway.wire.fields import FieldError, field_key, fold_name

PACKAGE = Path(__file__).parents[2] / "gateway"
_FOLDING = re.compile(r"""(lower|casefold)\(\)\s*\.replace\(["']_["'], ["']-["']\)""")

NAMES = {
    "X-Id": "x-id",
    "X_Id": "x-id",
    "x_ID": "x-id",
    "CALLER_ObjectId": "caller-objectid",
    "a_-_b": "a---b",
}


@pytest.mark.parametrize(("written", "folded"), NAMES.items())
def test_every_spelling_is_one_name(written: str, folded: str) -> None:
    """Field names that differ only in case, or in an underscore for a hyphen, are the same."""
    assert fold_name(written) == field_key(written) == folded


@pytest.mark.parametrize("name", ["", "a b", "a:", "Content_Length", "transfer_encoding"])
def test_what_is_not_a_name_has_no_key(name: str) -> None:
    """A name that is not a token, or that would frame the message, is refused."""
    with pytest.raises(FieldError):
        field_key(name)


def test_names_are_folded_in_one_place() -> None:
    """No other module folds field names by itself: it could forget a spelling."""
    folding = [
        str(module.relative_to(PACKAGE)) for module in PACKAGE.rglob("*.py") if _FOLDING.search(module.read_text())
    ]
    assert folding == ["wire/fields.py"]


def test_masked_headers_are_masked_in_every_spelling() -> None:
    """A header that the configuration calls secret is masked however the configuration or the client spells it."""
    masking = Masking(headers=["X_Partner_Key"])
    assert masking.header("x-partner-key", "value") == masking.header("X_PARTNER_KEY", "value") == MASK
