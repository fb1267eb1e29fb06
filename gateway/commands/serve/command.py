"""``gateway serve``: run the gateway."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number

from gateway.commands.options import CONFIG, ConfigPath
from gateway.commands.platforms import require_linux
from gateway.commands.serve.starting import MOST_PORTS, MOST_WORKERS, start

Port = Annotated[int, Parameter(validator=Number(gte=0, lte=MOST_PORTS))]


def _some_workers(_: object, value: object) -> None:
    """Raises ValueError."""
    if isinstance(value, int):
        Number(gte=1, lte=MOST_WORKERS)(int, value)


Workers = Annotated[int | Literal["auto"], Parameter(validator=_some_workers)]


def serve(  # noqa: PLR0913 (one option each)
    config: ConfigPath = CONFIG,
    *,
    workers: Workers | None = None,
    port: Port | None = None,
    watch: bool | None = None,
    apim: Path | None = None,
    parameters: Annotated[list[Path] | None, Parameter(negative="")] = None,
    settings: Annotated[list[str] | None, Parameter(name="--set", negative="")] = None,
) -> int:
    """
    Run the gateway.

    SIGHUP asks it to load its configuration again; SIGTERM lets running requests end. Exit code 0 when a signal has
    stopped it, 78 when the configuration has a mistake.

    Parameters
    ----------
    workers
        Processes that share the listening socket, or `auto`; the configuration's `workers` unless given.
    port
        Listen on this port instead of the configuration's.
    watch
        Load the configuration again whenever it, or a file that it names, has changed; the configuration's
        `reload/watch` unless given.
    apim
        Run an Azure API Management instance as you keep it, for development, instead of a configuration: whatever
        `gateway import` reads. Nothing is written; one process, on this machine alone.
    parameters
        With --apim: file with parameters of the deployment; may be given several times.
    settings
        With --apim: one parameter as `name=value`.
    """
    if apim is None:
        return start(config, workers=workers, port=port, watch=watch)
    require_linux("gateway serve")
    from gateway.commands.importing.sources.inputs import read_inputs
    from gateway.commands.serve.running import serve_instance

    return serve_instance(apim, read_inputs(parameters or (), settings or ()), port, watch)
