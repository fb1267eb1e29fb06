"""
Terraform: a folder with ``.tf`` and ``.tf.json`` files that declare an API Management instance.

    files ─► parsing, json_syntax ─► modules ─► instances ─► reading ─► resources in ARM's terms
               terms, templates                  evaluation, functions, expansion    identities, shapes

Nothing is run and nothing is fetched: expressions are evaluated as far as the files say, within bounds; what only a
deployment knows stays unresolved.
"""

from __future__ import annotations

from pathlib import Path

from gateway.commands.importing.resources import Harvest
from gateway.commands.importing.sources.inputs import Inputs
from gateway.commands.importing.sources.terraform import roots


def recognises(path: Path) -> bool:
    """Whether *path* is a Terraform file, or a folder with a module for API Management."""
    return roots.has_configuration(path)


def read(path: Path, inputs: Inputs) -> Harvest:
    """The resources at *path*, with variables from its own files and *inputs*. Everything odd is a finding."""
    from gateway.commands.importing.sources.terraform.reading import TerraformReader

    return TerraformReader(path, inputs).harvest()
