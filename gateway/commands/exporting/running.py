"""One export from end to end: read, write out part by part, save."""

from __future__ import annotations

from pathlib import Path

import yaml

from gateway.commands.exporting.apis import ExportedApis
from gateway.commands.exporting.backends import ExportedBackends
from gateway.commands.exporting.entities import write_groups, write_products, write_subscriptions
from gateway.commands.exporting.folder import ExportFolder, Tool
from gateway.commands.exporting.loggers import write_loggers
from gateway.commands.exporting.named_values import ExportedValues
from gateway.commands.exporting.policies import write_policy
from gateway.commands.exporting.source import ExportSource
from gateway.commands.importing.sources.apiops import recognises
from gateway.errors import GatewayError

OVERRIDES = "configuration.example.yaml"
_HEAD = """\
# Values that the artifacts do not have. A pipeline replaces {#[NAME]#} before it publishes; give the file to the
# publisher as the configuration of your environment.
"""
_TAKEN = frozenset("named-values backends global-policy fragments apis products subscriptions groups loggers".split())
# Parts of the configuration that matter for traffic and that a folder cannot hold, and where they belong in Azure.
_ELSEWHERE = {
    "certificates": "upload them to the service, or reference them in a Key Vault",
    "schemas": "add them to the service as schemas",
    "users": "users sign up, or are created by hand",
    "issuers": "Azure has its own rules for issuers",
    "notifications": "the notification service runs in this gateway alone",
    "redis": "configure an external cache",
    "managed-identity": "assign an identity to the service",
    "tls": "configure custom domains",
}


def exported(source: ExportSource, tool: Tool = Tool.APIOPS, vault: str = "") -> ExportFolder:
    """
    What *source* becomes; nothing is written.

    Args:
        vault: URL of a Key Vault that has the secrets; empty: a pipeline fills them in.

    Raises:
        LoadError: A policy document cannot be read.
    """
    folder = ExportFolder(tool)
    values = ExportedValues(source, folder, vault)
    values.write()
    ExportedBackends(source, folder, values).write()
    write_policy(folder, "", source.config.global_policy, "global policy")
    for name, path in source.config.fragments.items():
        folder.information({}, "policyFragments", name)
        write_policy(folder, folder.place("policyFragments", name), path, f"policy fragment {name}")
    ExportedApis(source, folder).write()
    for write in (write_products, write_subscriptions, write_groups, write_loggers):
        write(source, folder)
    _leave_out(source, folder)
    if folder.tokens:
        entries = [{"name": name, "properties": properties} for name, properties in folder.tokens.items()]
        folder.text(OVERRIDES, _HEAD + yaml.safe_dump({"namedValues": entries}, sort_keys=False))
    return folder


def _leave_out(source: ExportSource, folder: ExportFolder) -> None:
    for key in sorted(source.written.keys() - _TAKEN):
        remedy = _ELSEWHERE.get(key, "")
        message = "not part of the artifacts" if remedy else "a setting of this gateway"
        folder.left_out(source.at(key), key, message, remedy, harmless=not remedy)


def save(folder: ExportFolder, target: Path) -> int:
    """
    Write *folder* to *target*; files of the same names are replaced, others are kept. Returns how many are new or new
    in content.

    Raises:
        GatewayError: *target* holds something that is not an artifacts folder, or cannot be written to.
    """
    if target.exists() and any(target.iterdir()) and not recognises(target):
        raise GatewayError(f"{target} is not empty and not an artifacts folder; name another one with -o")
    return sum(_saved(target / name, target, text.encode()) for name, text in folder.files.items())


def _saved(path: Path, target: Path, content: bytes) -> bool:
    """Write one file; whether anything is new. Raises GatewayError."""
    if ".." in path.relative_to(target).parts:
        raise GatewayError(f"{path} is not inside {target}; correct the name, or the revision, that has '..' in it")
    ways = (path, *(parent for parent in path.parents if parent.is_relative_to(target)))
    if any(way.is_symlink() for way in ways):
        raise GatewayError(f"{path} is a link, or in one, and is not written to; remove it")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.read_bytes() == content:
        return False
    path.write_bytes(content)
    return True
