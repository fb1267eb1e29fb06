"""Policy files: read in the form that their name says, and checked against the vocabulary."""

from __future__ import annotations

from pathlib import Path

from gateway.documents.model import PolicyDocument
from gateway.documents.vocabulary import Vocabulary
from gateway.documents.xml import format as xml_format
from gateway.documents.yaml import format as yaml_format
from gateway.reading.files import read_bytes

YAML_SUFFIXES = frozenset({".yaml", ".yml"})


def read_document(path: Path, vocabulary: Vocabulary) -> PolicyDocument:
    """
    The document in *path*: YAML for ``.yaml`` and ``.yml``, APIM's XML for every other name.

    Raises:
        LoadError: The file cannot be read, or is not a policy document.
    """
    content = read_bytes(path, "check the path; relative ones start at the configuration file")
    return parse_document(content, str(path), vocabulary)


def parse_document(content: bytes, file: str, vocabulary: Vocabulary) -> PolicyDocument:
    """The document in *content*; *file* names it in errors and its suffix tells the form. Raises LoadError."""
    if Path(file).suffix.lower() in YAML_SUFFIXES:
        return yaml_format.parse(content, file, vocabulary)
    return xml_format.parse(content, file)
