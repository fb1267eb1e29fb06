"""From a source to what would be written: the door of ``gateway import`` and of ``gateway serve --apim``."""

from __future__ import annotations

from pathlib import Path

from gateway.commands.importing.environment import with_example
from gateway.commands.importing.mapping.service import mapped
from gateway.commands.importing.planned import Planned
from gateway.commands.importing.sources.forms import recognise
from gateway.commands.importing.sources.inputs import NO_INPUTS, Inputs


def plan(source: Path, inputs: Inputs = NO_INPUTS) -> Planned:
    """
    What the instance at *source* becomes; nothing is written.

    Raises:
        LoadError: The source is not known, or cannot be read at all.
    """
    return with_example(mapped(recognise(source).read(source, inputs), root_of(source)))


def root_of(source: Path) -> str:
    """The folder below which the source's files are."""
    return (source if source.is_dir() else source.parent).as_posix()
