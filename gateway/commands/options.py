"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

CONFIG = Path("config.yaml")

ConfigPath = Annotated[Path, Parameter(name=["--config", "-c"], help="The configuration file.")]
