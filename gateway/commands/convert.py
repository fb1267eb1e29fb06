"""``gateway convert``: a policy document from XML to YAML, or back."""

from __future__ import annotations

from pathlib import Path
from typing import Literal


def convert(file: Path, *, to: Literal["yaml", "xml"]) -> None:
    """
    Print a policy document in the other form; meaning, order and comments are preserved.

    Parameters
    ----------
    file
        The document, XML or YAML by its suffix.
    to
        The form to print.
    """
    from gateway.documents.files import YAML_SUFFIXES, read_document
    from gateway.documents.xml import format as xml_format
    from gateway.documents.yaml import format as yaml_format
    from gateway.policies import POLICIES

    document = read_document(file, POLICIES)
    if file.suffix.lower() in YAML_SUFFIXES:
        document = yaml_format.with_remarks(document, file.read_text(encoding="utf-8-sig"))
    print(yaml_format.dump(document, POLICIES) if to == "yaml" else xml_format.dump(document), end="")
