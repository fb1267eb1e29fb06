"""One gateway, built as the real one is, on the stand-ins of one test."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from pydantic import SecretStr, ValidationError

from gateway.assembly.apis import assemble
from gateway.assembly.certificates import load_certificates
from gateway.assembly.schemas import load_schemas
from gateway.assembly.targets import ConfiguredTargets
from gateway.commands.policy_tests.issuers import Issuers
from gateway.commands.policy_tests.model import Case, StubAnswer, Suite
from gateway.commands.policy_tests.reading import TestFile
from gateway.commands.policy_tests.stubs import ANYTHING, StubConnect, StubCredentials, StubScript, StubServices
from gateway.config import Config, parse
from gateway.config.materials import NamedValueSettings
from gateway.counters import MemoryCounters
from gateway.data_plane.dispatcher import Dispatcher
from gateway.errors import LoadError, Location, Problem
from gateway.pipeline.context import Context
from gateway.pipeline.services import Services
from gateway.reading.settings import Surroundings
from gateway.telemetry.emitted_metrics import EmittedMetrics
from gateway.telemetry.metrics import GatewayMetrics
from gateway.tokens.registry import IssuerRegistry
from gateway.value_cache import Caches, MemoryCache
from gateway.wire.messages import Ending

BACKEND = "https://backend.test"
API = "test"


@dataclass(slots=True)
class Witness:
    """Sees every request's context as it begins; gives it the test's variables and clock."""

    clock: Callable[[], float]
    variables: dict[str, Any]
    contexts: list[Context] = field(default_factory=list)
    takes_notes: ClassVar[bool] = False
    looks_for: ClassVar[None] = None
    patience_s: ClassVar[float] = math.inf

    def begins(self, context: Context) -> None:
        """See ``RequestWatcher``."""
        context.started_at = self.clock()
        context.variables.update(self.variables)
        self.contexts.append(context)

    def granted(self, context: Context, all_access: bool) -> None:
        """See ``RequestWatcher``."""

    def ended(self, context: Context, ending: Ending) -> None:
        """See ``RequestWatcher``."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that one test runs on."""

    config: Config
    dispatcher: Dispatcher
    services: Services
    registry: IssuerRegistry
    issuers: Issuers
    backend: StubScript
    others: StubServices
    witness: Witness

    async def open(self) -> None:
        """Have every key at hand, as a gateway that has been running for a while."""
        for url in self.issuers.known():
            await self.registry.issuer(url).refresh()


def set_stage(file: TestFile, case: Case, clock: Callable[[], float]) -> Stage:
    """The stage of one test. Raises LoadError: the policies or the configuration cannot be used."""
    suite = file.suite
    config = config_under_test(suite, file.path, {**suite.named_values, **case.named_values})
    backend = StubScript(_answers(case, suite))
    others = StubServices(StubScript([*case.send_request, *suite.send_request]))
    issuers = Issuers(clock, lambda: [status.url for status in registry.statuses()])
    registry = IssuerRegistry(issuers.fetch, clock)
    targets = ConfiguredTargets(config, None, StubConnect(backend))
    services = _services(config, targets, registry, others, clock)
    witness = Witness(clock, {**suite.variables, **case.variables})
    dispatcher = assemble(config, services, targets, GatewayMetrics(), witness).dispatcher
    return Stage(
        config=config,
        dispatcher=dispatcher,
        services=services,
        registry=registry,
        issuers=issuers,
        backend=backend,
        others=others,
        witness=witness,
    )


def _answers(case: Case, suite: Suite) -> Sequence[StubAnswer]:
    answers = case.backend if case.backend is not None else suite.backend
    return [ANYTHING] if answers is None else answers


def _services(
    config: Config,
    targets: ConfiguredTargets,
    registry: IssuerRegistry,
    others: StubServices,
    clock: Callable[[], float],
) -> Services:
    return Services(
        targets=targets,
        issuers=registry,
        schemas=load_schemas(config),
        certificates=load_certificates(config),
        counters=MemoryCounters(clock),
        caches=Caches(MemoryCache(clock=clock)),
        http=others,
        credentials=StubCredentials(),
        metrics=EmittedMetrics(),
        now=clock,
        max_body_bytes=config.limits.body_buffer_bytes,
    )


def config_under_test(suite: Suite, path: Path, named_values: dict[str, str]) -> Config:
    """The configuration that the file names, or one made for its policy alone. Raises LoadError."""
    config = _made(suite, path) if suite.config is None else _read(suite, suite.config)
    own = {name: NamedValueSettings(value=SecretStr(text)) for name, text in named_values.items()}
    replaced = config.model_copy(update={"named_values": {**config.named_values, **own}})
    replaced._positions = config._positions
    return replaced


def _read(suite: Suite, path: Path) -> Config:
    return parse(path.read_bytes(), str(path), path.parent, {**os.environ, **suite.environment})


def _made(suite: Suite, path: Path) -> Config:
    """A configuration with one API whose every request runs the policy."""
    api = {"id": API, "path": "/", "service-url": BACKEND, "policy": str(suite.policy)}
    surroundings = Surroundings(path.resolve().parent, {**os.environ, **suite.environment})
    try:
        return Config.from_file({"apis": [api], **suite.settings}, surroundings)
    except ValidationError as error:
        places = (
            ".".join(map(str, detail["loc"])) + ": " + detail["msg"] for detail in error.errors(include_input=False)
        )
        problems = [Problem(Location(str(path)), "bad-value", f"settings.{place}") for place in places]
        raise LoadError(problems) from None
