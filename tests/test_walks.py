"""The walks of docs/architecture.md are the code's: their functions exist, and run in the order that the page says."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from itertools import takewhile
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import pytest

from docs.walks import DOCUMENT, JOB, TOKEN, WALKS, Step, Walk
from gateway.assembly.app import build
from gateway.config import parse
from gateway.emulators.d365 import D365Emulator
from gateway.emulators.d365.lives import ends
from gateway.emulators.entra import EntraEmulator
from gateway.emulators.serving import serve
from gateway.policies.set_header import SetHeader
from gateway.wire.server.connection import ServerConnection
from tests.acceptance.rig import Product, product
from tests.notifications.conftest import d365_settings, fast_settings, running
from tests.notifications.receiver import Receiver

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "gateway"
MOST_FILES = 15  # that a reader of the warm walk opens; the number only ever falls
CONFIG = """
listen: 127.0.0.1:0
named-values:
  my-openid-configuration-url: https://issuer.example/.well-known/openid-configuration
  my-audience: api://orders
apis:
  - {id: orders, path: orders, service-url: "http://127.0.0.1:1", policy: policies/caller-objectid.xml}
"""


def _code(step: Step) -> CodeType:
    """The code of the function that *step* names. Raises AttributeError or ImportError."""
    found: Any = importlib.import_module(f"gateway.{step.module}")
    for name in step.function.split("."):
        found = vars(found)[name]
    found = inspect.unwrap(found)
    inner = {classmethod: "__func__", staticmethod: "__func__", property: "fget", cached_property: "func"}
    code: CodeType = (getattr(found, inner[type(found)]) if type(found) in inner else found).__code__
    return code


@contextmanager
def _followed(walk: Walk) -> Iterator[list[str]]:
    """The places of *walk* in the order of their calls, in this thread and in those begun meanwhile."""
    places = {_code(step): step.place for step in walk.steps}
    called: list[str] = []

    def look(frame: FrameType, event: str, _argument: object) -> None:
        place = places.get(frame.f_code)
        if event == "call" and place is not None:
            called.append(place)

    with _profiled(look):
        yield called


@contextmanager
def _profiled(look: Callable[[FrameType, str, object], None]) -> Iterator[None]:
    threading.setprofile(look)
    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(None)
        threading.setprofile(None)


def _kept(walk: Walk, called: list[str]) -> list[str]:
    """The beginning of *walk* that was walked: each step somewhere behind the one before it."""
    calls = iter(called)
    return list(takewhile(lambda place: place in calls, (step.place for step in walk.steps)))


@pytest.mark.parametrize("step", [step for walk in WALKS for step in walk.steps], ids=lambda step: step.place)
def test_steps_exist(step: Step) -> None:
    """Each step names a function that there is."""
    assert _code(step).co_name == step.function.rpartition(".")[2]


def test_from_a_token_to_a_header(tmp_path: Path) -> None:
    """A token that was not seen before runs through the functions of the first walk, in its order."""

    async def call() -> list[str]:
        async with product(tmp_path) as running_product:
            token = running_product.entra.mint()
            with _followed(TOKEN) as called:
                reply = await running_product.call("/orders/items/7", token=token)
            assert reply.status == 200
            assert running_product.received("caller-objectid")
            return called

    assert _kept(TOKEN, asyncio.run(call())) == [step.place for step in TOKEN.steps]


@contextmanager
def _opened(begin: CodeType, end: CodeType) -> Iterator[set[str]]:
    """The files of the package whose functions are called between the call of *begin* and the return of *end*."""
    files: set[str] = set()
    left = [end, begin]

    def look(frame: FrameType, event: str, _argument: object) -> None:
        path = Path(frame.f_code.co_filename)
        if (len(left), frame.f_code, event) in ((2, begin, "call"), (1, end, "return")):
            left.pop()
        if len(left) == 1 and event == "call" and path.is_relative_to(PACKAGE):
            files.add(str(path.relative_to(PACKAGE)))

    with _profiled(look):
        yield files
    assert not left


async def _ask(running: Product, requests: int) -> set[str]:
    """Files that the last of *requests* like requests on one connection runs through until the header is set."""
    head = f"GET /orders/items/7 HTTP/1.1\r\nHost: api.example\r\nAuthorization: Bearer {running.entra.mint()}\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", running.port)

    async def ask() -> None:
        writer.write(head.encode())
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert answer.startswith(b"http/1.1 200 ")
        await reader.readexactly(int(answer.partition(b"content-length:")[2].split(b"\r\n")[0]))

    for _ in range(requests - 1):
        await ask()
    with _opened(ServerConnection.data_received.__code__, SetHeader.apply.__code__) as files:
        await ask()
    writer.close()
    return files


def test_a_warm_request_opens_few_files(tmp_path: Path) -> None:
    """From the bytes of a repeated request to the header that its token gives, few files of the package run."""

    async def call() -> set[str]:
        async with product(tmp_path) as running_product:
            return await _ask(running_product, 3)

    files = asyncio.run(call())
    assert "wire/server/connection.py" in files
    assert "policies/set_header.py" in files
    assert len(files) <= MOST_FILES, sorted(files)


def test_from_xml_to_closures() -> None:
    """Loading a configuration with an XML document runs through the functions of the second walk, in its order."""
    with _followed(DOCUMENT) as called:
        build(parse(CONFIG, "config.yaml", ROOT, {}))
    assert _kept(DOCUMENT, called) == [step.place for step in DOCUMENT.steps]


def test_from_post_to_callback(tmp_path: Path) -> None:
    """A batch job that ends well runs through the functions of the third walk, in its order."""
    entra, d365, receiver = EntraEmulator(), D365Emulator(jobs=[], speed=100), Receiver()
    d365.script(7, ends())
    with serve(entra), serve(d365), serve(receiver) as callback:
        settings = fast_settings(f"sqlite:///{tmp_path}/walk.db", d365_settings(entra, d365))
        with _followed(JOB) as called, running(settings) as service:
            job_id = service.create(f"{callback}/done", 7).json()["id"]
            assert service.until(job_id, "delivered", "dead")["status"] == "delivered"
    assert _kept(JOB, called) == [step.place for step in JOB.steps]
