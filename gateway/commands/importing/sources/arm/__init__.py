"""
ARM templates: exported ones, hand-written ones, those of the DevOps Resource Kit, and what Bicep compiles to.

    file ─► json_text ─► nodes ─► template.ArmTemplate (parameters, variables) ─► resources ─► Harvest

Source: "Understand the structure and syntax of ARM templates", and the pages that the modules name.
"""

from gateway.commands.importing.sources.arm.reading import read, recognises

__all__ = ["read", "recognises"]
