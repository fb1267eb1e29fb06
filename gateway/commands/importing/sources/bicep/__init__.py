"""
Bicep: from ARM templates that Bicep has compiled, else from its own text.

    file ─► text (tree-sitter) ─► declarations.BicepFile ─► scope.BicepScope ─► reading ─► Harvest
                                └─ expressions: template.syntax, evaluated as those of ARM templates

Source: "Bicep file structure and syntax", and the pages that the modules name.
"""

from gateway.commands.importing.sources.bicep.entry import read, recognises

__all__ = ["read", "recognises"]
