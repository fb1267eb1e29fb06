"""
The public API as its users write it, for the type checker: each name of docs/public-api.md, with the type it has.

Never run: ``make types`` checks it in the repository, ``make release`` against the installed wheel.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self, assert_type

from gateway import __version__
from gateway.documents.model import Section
from gateway.documents.shape import Attribute, Child, Element, Kind
from gateway.emulators.certificates import ServerTls, throw_away
from gateway.emulators.content_safety import ContentSafetyEmulator
from gateway.emulators.d365 import Access, D365Emulator, Job, Life, Step
from gateway.emulators.d365.lives import canceled, deleted, endless, ends, recurring, scheduled, stays
from gateway.emulators.entra import Application, Directory, EntraEmulator, KeyRing, Resource, SigningKey
from gateway.emulators.openai import OpenAIEmulator
from gateway.emulators.receiver import Activity, Answer, CallbackReceiver
from gateway.emulators.serving import Binding, serve, serve_here
from gateway.errors import GatewayError, LoadError, PolicyError
from gateway.pipeline.context import Context
from gateway.pipeline.policy import PolicyType
from gateway.pipeline.settings import Settings
from gateway.pipeline.step import Value


def version() -> None:
    assert_type(__version__, str)


def entra() -> None:
    emulator = EntraEmulator("http://127.0.0.1:8082")
    assert_type(emulator.mint(version=1, app_only=False, roles=("Batch.Start",), lifetime_s=-60), str)
    assert_type(emulator.mint(aud="api://another", key=emulator.foreign_key), str)
    assert_type(emulator.mint_with("HS256", b"secret"), str)
    assert_type(emulator.metadata_url(), str)
    assert_type(emulator.keys, KeyRing)
    assert_type(emulator.keys.active, SigningKey)
    assert_type(emulator.directory, Directory)
    assert_type(emulator.directory.applications, tuple[Application, ...])
    assert_type(emulator.directory.resources, tuple[Resource, ...])
    emulator.rotate_keys()
    emulator.withdraw(emulator.keys.active.kid)
    emulator.fail(3, status=503, endpoint="keys-v2")
    emulator.delay(2.0, endpoint="metadata-v2")
    emulator.refuse(7000222)


def d365(keys: KeyRing) -> None:
    lives = [canceled(), deleted(), endless(), ends("Error"), recurring(), scheduled(), stays("Hold")]
    assert_type(lives, list[Life])
    job = Job(1, lives=(Life((Step(0, "Waiting"), Step(5, "Hold"))),))
    emulator = D365Emulator(jobs=[job], speed=60, access=Access(keys=keys))
    emulator.script(1, *lives)
    emulator.throttle(retry_after_s=20)
    emulator.drop(endpoint="start", after_effect=True)
    assert_type(emulator.starts(1), int)


def receiver() -> None:
    emulator = CallbackReceiver(secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    emulator.answer(Answer(429, headers={"Retry-After": "2"}), Answer(drop=True))
    assert_type(emulator.url("orders"), str)
    run = emulator.runs.start(Activity("http://127.0.0.1:8080/batch/jobs"), emulator.base_url)
    assert_type(run.activity, Activity)


async def serving() -> None:
    tls = throw_away(Path("certificates"))
    assert_type(tls, ServerTls)
    with serve(EntraEmulator(), Binding(tls=tls.context)) as url:
        assert_type(url, str)
    async with serve_here(OpenAIEmulator(), Binding(port=8084)) as url:
        assert_type(url, str)
    async with serve_here(ContentSafetyEmulator(), Binding(port=8085)) as url:
        assert_type(url, str)
    async with serve_here(EntraEmulator(), Binding(port=8082)) as url:
        assert_type(url, str)


@dataclass(frozen=True, slots=True)
class Greet(PolicyType):
    """A policy: its shape, its sections, and what it does."""

    shape: ClassVar[Element] = Element(
        "greet",
        "Greets.",
        attributes=(Attribute("name", "Whom.", required=True), Attribute("loud", "How.", Kind.BOOLEAN)),
        children=(Child(Element("postscript", "What else.")),),
    )
    sections: ClassVar[frozenset[Section]] = frozenset({Section.INBOUND})

    name: Value[str]

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        return cls(settings.text("name"))

    def apply(self, context: Context) -> None:
        assert_type(self.name(context), str)
        raise PolicyError(403, "NotGreeted", "Not today.")


def errors(load: LoadError, policy: PolicyError) -> tuple[GatewayError, ...]:
    assert_type(policy.reason, str)
    return load, policy


def registered(policy: type[Any]) -> type[PolicyType]:
    assert issubclass(policy, PolicyType)
    return policy
