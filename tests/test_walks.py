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
from tests.acceptance.rig import product
from tests.notifications.conftest import d365_settings, fast_settings, running
from tests.notifications.receiver import Receiver

ROOT = Path(__file__).parents[1]
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
