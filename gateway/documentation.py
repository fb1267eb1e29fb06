"""Where the documentation is for someone who has installed the package and has no checkout."""

from __future__ import annotations

HOME = "https://github.com/apim-policy-gateway/apim-policy-gateway"


def page(name: str, part: str = "") -> str:
    """The URL of a page of ``docs/``: its file's *name*, and the anchor of a *part* of it."""
    return f"{HOME}/blob/main/docs/{name}.md{'#' if part else ''}{part}"
