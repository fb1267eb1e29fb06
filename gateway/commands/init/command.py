"""The command line of ``gateway init``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter


def init(folder: Path = Path(), *, full: Annotated[bool, Parameter(negative="")] = False) -> None:
    """
    Write a small configuration with a first policy and its test, which run as they are. Nothing is overwritten.

    Parameters
    ----------
    folder
        Where to write; the current folder unless given.
    full
        Write the configuration that has every setting, with comments, instead of the small one.
    """
    from gateway.commands.init.start import begin

    print(begin(folder, full))
