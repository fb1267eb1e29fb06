"""The command line of ``gateway demo``."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from gateway.commands.platforms import require_linux

Port = Annotated[int, Parameter(validator=Number(gte=1, lte=65_530))]  # the emulators take the next five


def demo(*, port: Port = 8080, open: Annotated[bool, Parameter(negative="")] = False) -> None:
    """
    Run everything in one process on embedded defaults: emulators, notification service, gateway. Ctrl-C stops
    everything.

    Parameters
    ----------
    port
        The gateway's port; the emulators take the next ones.
    open
        Open the console in a browser.
    """
    require_linux("gateway demo")
    from gateway.commands.demo.running import run

    run(port, open)
