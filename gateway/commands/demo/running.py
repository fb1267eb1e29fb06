"""
The demo: emulators, notification service and gateway in one process, on embedded defaults.

Only the addresses are made up here; the gateway runs from an ordinary configuration (config.yaml beside this file) and
the ready-made policy documents.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
import signal
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from importlib.resources import files
from ipaddress import IPv4Address
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Protocol

import uvloop

from gateway.assembly.app import Gateway, build
from gateway.commands import ready_made
from gateway.commands.token import demo_keys
from gateway.config import Config, parse
from gateway.emulators.d365 import D365Emulator
from gateway.emulators.d365.access import Access
from gateway.emulators.echo import EchoBackend
from gateway.emulators.entra import EntraEmulator
from gateway.emulators.entra.directory import API, CLIENT, SECRET, TENANT
from gateway.emulators.receiver import CallbackReceiver
from gateway.emulators.serving import Binding, serve_here
from gateway.errors import GatewayError
from gateway.serving.live import LiveGateway
from gateway.serving.running import Sockets, serving_gateway
from gateway.telemetry import logs

# A batch run of five minutes takes ten seconds.
D365_SPEED = 30.0
START_TIMEOUT_S = 60.0
BROWSER_TIMEOUT_S = 5.0

# Said first. The warnings about development settings say the same to those who have not chosen them.
CALM = """\
Starting Entra ID, D365, a backend and a callback receiver as emulators, with the gateway in front of them.
Everything listens on 127.0.0.1 only, with keys and secrets made for this demo; nothing leaves this machine.
The settings are those of a demo: plain HTTP and private addresses, which the gateway otherwise warns about.
"""
OPEN = """\
Starting Entra ID, D365, a backend and a callback receiver as emulators, with the gateway in front of them.
Everything listens on {host}, with keys and secrets made for this demo; the emulators trust everyone who can connect.
The settings are those of a demo: plain HTTP and private addresses, which the gateway otherwise warns about.
"""
_UNSAID = ("development_switch", "notifications_started")


class Start(Protocol):
    """Starts the emulators and builds the gateway, all of them on *host*; *running* ends them."""

    async def __call__(self, port: int, host: str, running: AsyncExitStack) -> tuple[Gateway, dict[str, str]]: ...


@dataclass(frozen=True, slots=True)
class Show:
    """
    One demo.

    Attributes:
        start: Starts it; the facts that it returns fill *banner*.
        banner: The file beside this module that is printed when it is up.
        calm, open: What is said first, on loopback and elsewhere.
        ports: How many it takes.
    """

    start: Start
    banner: str
    calm: str
    open: str
    ports: int


def run(port: int, host: str, open_console: bool = False, show: Show | None = None) -> None:
    """
    Run everything until SIGINT or SIGTERM; the emulators take the ports after *port* and *port* + 1.

    Args:
        host: The IP address to listen on.
        open_console: Also show the console in the browser of this desktop, as soon as everything is up.
        show: Which demo; None: tokens and batch jobs.
    """
    show = show or Show(start, "banner.txt", CALM, OPEN, 6)
    logs.configure("info", "console", unsaid=_UNSAID)
    print(show.calm if is_local(host) else show.open.format(host=host), flush=True)
    try:
        uvloop.run(_serve(port, host, open_console, show))
    except OSError as error:
        last = port + show.ports - 1
        raise GatewayError(f"{error.strerror}: ports {port} to {last} must be free; try --port") from None


async def _serve(port: int, host: str, open_console: bool, show: Show) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    async with AsyncExitStack() as running:
        gateway, facts = await show.start(port, host, running)
        sockets = Sockets.bound(gateway.config)
        await running.enter_async_context(serving_gateway(LiveGateway(gateway), sockets))
        await _ready(gateway)
        print(render(show.banner, facts), flush=True)
        if open_console:
            await _show(f"http://{facts['name']}:{facts['management_port']}/")
        await stopping.wait()


async def _show(address: str) -> None:
    """Open *address* in a browser; in a thread that does not outlive us: some only return when they are closed."""
    import webbrowser  # which only --open needs

    opened: Future[bool] = Future()
    opened.set_running_or_notify_cancel()
    Thread(target=lambda: opened.set_result(webbrowser.open(address)), daemon=True).start()
    shown = False
    with suppress(TimeoutError):
        shown = await asyncio.wait_for(asyncio.wrap_future(opened), BROWSER_TIMEOUT_S)
    if not shown:
        print(f"No browser could be opened; the console is at {address}", flush=True)


async def _ready(gateway: Gateway) -> None:
    """Wait until the first call that the banner shows can work."""
    async with asyncio.timeout(START_TIMEOUT_S):
        while not (await gateway.readiness.report())[0]:  # noqa: ASYNC110 (readiness is asked for, it does not call)
            await asyncio.sleep(0.02)


async def start(port: int, host: str, running: AsyncExitStack) -> tuple[Gateway, dict[str, str]]:
    """Start the emulators and build the gateway, all of them on *host*; *running* ends them."""
    keys = demo_keys()
    keys.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # The emulator forgets its batch jobs at the end, so ours must not outlive it, nor an earlier version's be found.
    jobs = running.enter_context(TemporaryDirectory(prefix="gateway-demo-"))
    entra, signing = EntraEmulator(keys=keys), _signing_secret()
    parts = {
        "entra": entra,
        "d365": D365Emulator(access=Access(keys=entra.keys), speed=D365_SPEED),
        "receiver": CallbackReceiver(secret=signing),
        "echo": EchoBackend(),
    }
    facts = await serve_parts(port, host, parts, running)
    facts |= {
        "jobs": jobs,
        "signing": signing,
        "tenant": TENANT,
        "audience": API,
        "client": CLIENT,
        "secret": SECRET,
        "policies": str(ready_made.folder()),
    }
    gateway = build(configuration(facts, Path(jobs)))
    _offer_tokens(gateway, entra)
    return gateway, facts


async def serve_parts(port: int, host: str, parts: Mapping[str, object], running: AsyncExitStack) -> dict[str, str]:
    """Serve *parts* on the ports after the gateway's two; the facts of every demo, and the URL of each by its name."""
    # Where all addresses are listened on, as in a container, the calls are made on the machine that publishes them.
    called = "127.0.0.1" if IPv4Address(host).is_unspecified else host
    facts = {"port": str(port), "management_port": str(port + 1), "host": host, "name": called, **_console(host)}
    for offset, (name, part) in enumerate(parts.items(), 2):
        facts[name] = await running.enter_async_context(serve_here(part, Binding(host, port + offset, name=called)))
    return facts


def _offer_tokens(gateway: Gateway, entra: EntraEmulator) -> None:
    """Let the console's page of tokens make one."""

    async def mint(_: Mapping[str, str]) -> Mapping[str, str]:
        return {"token": entra.mint()}

    if gateway.console is not None:
        gateway.console.process.abilities["mint"] = mint


def is_local(host: str) -> bool:
    """Whether only this machine can connect to *host*."""
    return IPv4Address(host).is_loopback


def _console(host: str) -> dict[str, str]:
    """The console's setting, and how to open it: where other machines can connect it needs a token."""
    if is_local(host):
        return {"console": "true", "login": ""}
    token = secrets.token_urlsafe(24)
    return {"console": f"{{token: {token}}}", "login": f"\n  the console asks for this token: {token}\n"}


def configuration(facts: Mapping[str, str], directory: Path) -> Config:
    """The demo's configuration with its addresses filled in."""
    return parse(render("config.yaml", facts), "gateway/commands/demo/config.yaml", directory, {})


def render(name: str, facts: Mapping[str, str]) -> str:
    """One of the text files beside this module, filled in."""
    return Template(files("gateway.commands.demo").joinpath(name).read_text("utf-8")).substitute(facts)


def _signing_secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
