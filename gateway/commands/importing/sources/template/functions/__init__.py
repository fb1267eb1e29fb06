"""The functions of templates, in lower case; each group's module declares its own."""

from __future__ import annotations

from gateway.commands.importing.sources.template.functions import (
    collections,
    deployment,
    encoding,
    lambdas,
    logic,
    numbers,
    texts,
)
from gateway.commands.importing.sources.template.syntax import TemplateFunction

_GROUPS = (logic, numbers, texts, encoding, collections, lambdas, deployment)
_FUNCTIONS: dict[str, TemplateFunction] = {
    name: function for group in _GROUPS for name, function in group.TABLE.functions.items()
}


def general(name: str) -> TemplateFunction | None:
    """The function *name* (lower case) that needs nothing of the template around it."""
    if name in _FUNCTIONS:
        return _FUNCTIONS[name]
    return deployment.listing if deployment.is_listing(name) else None
