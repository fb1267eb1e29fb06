"""
How callers name an API's version: what the version set says.

Source: "Microsoft.ApiManagement service/apiVersionSets".
"""

from __future__ import annotations

from typing import Any

from gateway.commands.importing.mapping.identifiers import last_segment
from gateway.commands.importing.mapping.instance import Instance
from gateway.commands.importing.mapping.taking import Taker

_SCHEMES = {"segment": ("path", ""), "header": ("header", "versionHeaderName"), "query": ("query", "versionQueryName")}


class Versions:
    """The version sets of the instance."""

    def __init__(self, instance: Instance) -> None:
        self._draft = instance.draft
        self._schemes: dict[tuple[str, str], dict[str, str]] = {}
        for resource in instance.all("apiVersionSets"):
            taker = instance.take(resource, f"version set {resource.name[-1]}")
            self._schemes[(resource.workspace.casefold(), resource.name[-1].casefold())] = self._scheme(taker)
            self._draft.mapped(resource.location, taker.what, "written with each of its APIs")

    def _scheme(self, taker: Taker) -> dict[str, str]:
        """``{scheme, name}`` of a version set."""
        taker.skip("displayName")
        written = taker.text("versioningScheme", "Segment")
        names = {key: taker.text(key) for key in ("versionHeaderName", "versionQueryName")}
        scheme, key = _SCHEMES.get(written.casefold(), ("path", ""))
        if written.casefold() not in _SCHEMES:
            self._draft.needs_you(
                taker.location, taker.what, f"{written!r} is not a scheme; path is written", "correct it"
            )
        return {"scheme": scheme, "name": names[key]} if names.get(key) else {"scheme": "path"}

    def of(self, taker: Taker, workspace: str) -> dict[str, Any]:
        """The ``version`` of the API in *workspace* whose properties *taker* has."""
        version = taker.text("apiVersion")
        set_id, inline = taker.scalar("apiVersionSetId"), taker.inner("apiVersionSet")
        scheme = self._schemes.get((workspace.casefold(), last_segment(set_id.value).casefold())) if set_id else None
        if scheme is None and inline is not None:
            inline.skip("id", "name", "description")
            scheme = self._scheme(inline)
        if not version:
            return {}
        if scheme is None:
            message = f"version {version} of a version set that is not in the source: it is looked for in the path"
            self._draft.needs_you(taker.location_of("apiVersion"), taker.what, message, "write version/scheme")
            scheme = {"scheme": "path"}
        return {"version": {"scheme": scheme["scheme"], "value": version} | _named(scheme)}


def _named(scheme: dict[str, str]) -> dict[str, str]:
    return {"name": scheme["name"]} if "name" in scheme else {}
