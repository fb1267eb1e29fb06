"""``gateway serve``: run the gateway."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from gateway.commands.options import CONFIG, ConfigPath
from gateway.commands.platforms import require_linux

Port = Annotated[int, Parameter(validator=Number(gte=0, lte=65_535))]
Workers = Annotated[int, Parameter(validator=Number(gte=1, lte=1024))]


def serve(config: ConfigPath = CONFIG, *, workers: Workers | None = None, port: Port | None = None) -> None:
    """
    Run the gateway.

    Parameters
    ----------
    workers
        Processes that share the listening socket; the configuration's `workers` unless given.
    port
        Listen on this port instead of the configuration's.
    """
    require_linux("gateway serve")
    from gateway.serving.process import serve as run

    run(config, workers=workers, port=port)
