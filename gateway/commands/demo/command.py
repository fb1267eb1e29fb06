"""The command line of ``gateway demo``."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from gateway.commands.platforms import require_linux

if TYPE_CHECKING:
    from gateway.commands.demo.running import Show

Port = Annotated[int, Parameter(validator=Number(gte=1, lte=65_530))]  # the emulators take the next five


def _require_address(_: object, host: str) -> None:
    try:
        IPv4Address(host)
    except ValueError:
        raise ValueError(f"{host!r} is not an IPv4 address (write 0.0.0.0 or 127.0.0.1)") from None


# The container image sets the variable, so that published ports reach the demo.
Host = Annotated[str, Parameter(env_var="GATEWAY_DEMO_HOST", show_env_var=False, validator=_require_address)]


def demo(
    *,
    port: Port = 8080,
    host: Host = "127.0.0.1",
    open: Annotated[bool, Parameter(negative="")] = False,
    ai: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """
    Run everything in one process on embedded defaults: emulators, notification service, gateway. Ctrl-C stops
    everything.

    With --ai: two deployments of language models with a gateway in front. OPENAI_BASE_URL, such as
    https://api.openai.com/v1, puts your own endpoint in their place; its key is taken from OPENAI_API_KEY, and the name
    of the model in the printed calls from OPENAI_MODEL.

    Parameters
    ----------
    port
        The gateway's port; the emulators take the next ones.
    host
        The address that everything listens on. The emulators trust everyone who can connect. 0.0.0.0 is for
        containers: publish the six ports under the same numbers, and make the calls on the machine itself.
    open
        Open the console in a browser.
    ai
        Show the gateway in front of language models instead: a pool, token limits, metrics.
    """
    require_linux("gateway demo")
    from gateway.commands.demo.running import run

    run(port, host, open, _models() if ai else None)


def _models() -> Show:
    from gateway.commands.demo.models import AI

    return AI
