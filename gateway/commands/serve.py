"""``gateway serve``: run the gateway."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from gateway.commands.options import CONFIG, ConfigPath
from gateway.commands.platforms import require_linux

Port = Annotated[int, Parameter(validator=Number(gte=0, lte=65_535))]
Workers = Annotated[int, Parameter(validator=Number(gte=1, lte=1024))]


def serve(
    config: ConfigPath = CONFIG,
    *,
    workers: Workers | None = None,
    port: Port | None = None,
    watch: bool | None = None,
) -> None:
    """
    Run the gateway. SIGHUP asks it to load its configuration again; SIGTERM lets running requests end.

    Parameters
    ----------
    workers
        Processes that share the listening socket; the configuration's `workers` unless given.
    port
        Listen on this port instead of the configuration's.
    watch
        Load the configuration again whenever it, or a file that it names, has changed; the configuration's
        `reload/watch` unless given.
    """
    require_linux("gateway serve")
    from gateway.serving.process import serve as run
    from gateway.serving.source import ConfigurationFile

    run(ConfigurationFile(config), workers=workers, port=port, watch=watch)
