"""
What each file of an artifacts folder is, by its path alone.

Folders come in pairs: a collection and a name in it (``apis/orders/operations/create``). The tools have spelled
collections in several ways over time (``named values``, ``namedValues``); here they are the same.

Source: Azure/apiops, "Supported resources"; Azure/apiops-cli, docs/reference/artifact-format.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

# Folder, in small letters without spaces and dashes → the collection's name in ARM.
COLLECTIONS = {
    "apis": "apis",
    "apiversionsets": "apiVersionSets",
    "authorizationservers": "authorizationServers",
    "backends": "backends",
    "caches": "caches",
    "certificates": "certificates",
    "diagnostics": "diagnostics",
    "documentations": "documentations",
    "gateways": "gateways",
    "groups": "groups",
    "loggers": "loggers",
    "namedvalues": "namedValues",
    "openidconnectproviders": "openidConnectProviders",
    "operations": "operations",
    "policyfragments": "policyFragments",
    "policyrestrictions": "policyRestrictions",
    "products": "products",
    "releases": "releases",
    "resolvers": "resolvers",
    "schemas": "schemas",
    "subscriptions": "subscriptions",
    "tagdescriptions": "tagDescriptions",
    "tags": "tags",
    "users": "users",
    "versionsets": "apiVersionSets",
}
_BELOW_A_PARENT = frozenset({"operations", "releases", "resolvers", "tagDescriptions"})
# The links that a folder keeps the other way round than ARM.
_TURNED = {"tags/apis": "apis/tags", "tags/products": "products/tags"}
_SCOPES = frozenset({"", "apis", "apis/operations", "apis/resolvers", "products"})
_DEFINITION = re.compile(r"specification\.(yaml|yml|json|graphql|wsdl|wadl)", re.IGNORECASE)
_INFORMATION = re.compile(r"[A-Za-z]+Information\.json", re.IGNORECASE)
_LINKS = {"apis.json": "apis", "groups.json": "groups", "tags.json": "tags"}
_LINKED = frozenset({"apis", "gateways", "products"})
_MAX_PAIRS = 2  # collections inside one another


class Role(StrEnum):
    """What a file says."""

    INFORMATION = "information"  # the properties of a resource, in JSON
    POLICY = "policy document"
    FRAGMENT = "policy fragment"
    DEFINITION = "definition"  # of an API: OpenAPI, GraphQL, WSDL
    LINKS = "links"  # a list of names, in JSON: the APIs of a product


@dataclass(frozen=True, slots=True)
class Artifact:
    """
    One file that is understood.

    Attributes:
        role: What it says.
        kind: ARM's type of the resource, below the service: ``apis/operations``, ``policies``; of *LINKS* the type
            of each link.
        name: The resource's name, a segment for each of *kind*; of *LINKS* without the last.
        workspace: Name of the workspace; empty for the service itself.
    """

    role: Role
    kind: str
    name: tuple[str, ...]
    workspace: str = ""


def collection_of(folder: str) -> str | None:
    """ARM's name of the collection that a *folder* holds, however it is spelled; None for other folders."""
    return COLLECTIONS.get(re.sub(r"[ _-]", "", folder).lower())


def artifact_of(parts: Sequence[str]) -> Artifact | None:
    """What the file at *parts* (folders and name, from the artifacts folder on) is; None: it is not known."""
    *folders, file = parts
    workspace = ""
    if len(folders) >= 2 and folders[0].lower() == "workspaces":
        workspace, folders = folders[1], folders[2:]
    pairs = _pairs(folders)
    if pairs is None:
        return None
    kind, name = "/".join(collection for collection, _ in pairs), tuple(name for _, name in pairs)
    told = _told_by(file, kind, name)
    return None if told is None else Artifact(*told, workspace)


def _pairs(folders: Sequence[str]) -> list[tuple[str, str]] | None:
    """Collections with names; None where the folders are something else."""
    known = [collection for collection in map(collection_of, folders[::2]) if collection is not None]
    whole = len(known) * 2 == len(folders) and len(known) <= _MAX_PAIRS
    if not whole or _BELOW_A_PARENT.intersection(known[:1]):
        return None
    return list(zip(known, folders[1::2], strict=True))


def _told_by(file: str, kind: str, name: tuple[str, ...]) -> tuple[Role, str, tuple[str, ...]] | None:
    """Role, kind and name by the *file*'s name in the folder of a resource."""
    if file.lower() == "policy.xml":
        return _policy(kind, name)
    if kind == "apis" and _DEFINITION.fullmatch(file):
        return Role.DEFINITION, kind, name
    if kind in _LINKED and file in _LINKS:
        return Role.LINKS, f"{kind}/{_LINKS[file]}", name
    return _information(kind, name) if _INFORMATION.fullmatch(file) else None


def _information(kind: str, name: tuple[str, ...]) -> tuple[Role, str, tuple[str, ...]] | None:
    if kind in _TURNED:
        return Role.INFORMATION, _TURNED[kind], name[::-1]
    return (Role.INFORMATION, kind, name) if kind else None


def _policy(kind: str, name: tuple[str, ...]) -> tuple[Role, str, tuple[str, ...]] | None:
    if kind == "policyFragments":
        return Role.FRAGMENT, kind, name
    if kind not in _SCOPES:
        return None
    return Role.POLICY, f"{kind}/policies".lstrip("/"), (*name, "policy")
