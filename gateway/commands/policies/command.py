"""The command line of ``gateway policies``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def policies(
    name: str | None = None,
    *,
    copy: Path | None = None,
    output: Annotated[Path | None, Parameter(name=["--output", "-o"])] = None,
    yaml: Annotated[bool, Parameter(negative="")] = False,
    xml: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """
    List the ready-made policy documents, or show or copy one. Nothing is overwritten.

    Parameters
    ----------
    name
        The document to show or to copy; without a name they are listed.
    copy
        Write the document into this folder, and its tests into the folder `tests` in it; without a name, all of them.
    output
        Write the document to this file, in the form of its suffix.
    yaml
        The document in YAML; this is the default.
    xml
        The document in XML.
    """
    from gateway.commands.policies.copying import copied, form, shown, written_to
    from gateway.commands.policies.listing import listed

    suffix = form(yaml, xml, copy, output)
    if copy is not None:
        print(copied(name, copy, suffix))
    elif output is not None:
        print(written_to(name, output, suffix))
    elif name is None:
        print(listed())
    else:
        print(shown(name, suffix), end="")
