"""Policy documents: XML as it is, YAML converted; what Azure is known to refuse in them is reported."""

from __future__ import annotations

from pathlib import Path

from gateway.commands.check.azure import refused
from gateway.commands.exporting.folder import ExportFolder
from gateway.documents.files import YAML_SUFFIXES, read_document
from gateway.documents.xml import format as xml_format
from gateway.documents.yaml import format as yaml_format
from gateway.policies import POLICIES


def write_policy(folder: ExportFolder, place: str, path: Path | None, what: str) -> None:
    """Write the document at *path* as the policy.xml in *place*; nothing without a path. Raises LoadError."""
    if path is None:
        return
    document = read_document(path, POLICIES)
    text = path.read_bytes().decode("utf-8-sig")  # with its own line ends
    if path.suffix.lower() in YAML_SUFFIXES:
        text = xml_format.dump(yaml_format.with_remarks(document, text))
    folder.text(f"{place}/policy.xml".lstrip("/"), text)
    for problem in refused(document):
        if problem.code != "azure-form":  # which has been changed
            folder.needs_you(problem.location, what, f"Azure refuses it: {problem.message}", problem.remedy)
