"""
Terraform's functions by name; those of one kind in each module.

Source: Terraform's documentation, "Built-in Functions".
"""

from __future__ import annotations

from gateway.commands.importing.sources.terraform.functions import (
    collections,
    encodings,
    files,
    kinds,
    numbers,
    sets,
    texts,
)
from gateway.commands.importing.sources.terraform.functions.calls import TerraformFunction

FUNCTIONS: dict[str, TerraformFunction] = {
    **texts.FUNCTIONS,
    **numbers.FUNCTIONS,
    **collections.FUNCTIONS,
    **sets.FUNCTIONS,
    **encodings.FUNCTIONS,
    **kinds.FUNCTIONS,
    **files.FUNCTIONS,
}
