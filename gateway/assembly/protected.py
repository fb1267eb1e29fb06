"""Protected resources at load: whom their metadata names, and the pseudo APIs that serve it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from gateway.assembly import entities
from gateway.config import Config
from gateway.config.apis import Api, named
from gateway.data_plane.dispatcher import ApiRuntime, OperationRuntime
from gateway.data_plane.protected_resource import WELL_KNOWN, Challenger, ResourceFacts, ResourceMetadata, step_of
from gateway.data_plane.routing import RoutedApi
from gateway.errors import Problem
from gateway.pipeline.pipeline import Pipeline
from gateway.pipeline.step import PipelineStep
from gateway.pipeline.token_checks import token_checks
from gateway.pipeline.values import Constant
from gateway.telemetry.metrics import GatewayMetrics
from gateway.wire.contract import HeaderContract
from gateway.wire.upstream.no_target import NoTarget

_METADATA = "/.well-known/openid-configuration"


def facts_of(api: Api, pipelines: Iterable[Pipeline]) -> ResourceFacts | None:
    """What clients learn of *api*, which has these *pipelines*; None where it is not protected."""
    protected = api.protected_resource
    if protected is None:
        return None
    servers = protected.authorization_servers or tuple(dict.fromkeys(_issuers(pipelines)))
    return ResourceFacts(
        name=named(api),
        path=_path(api),
        authorization_servers=servers,
        scopes=protected.scopes,
        resource=protected.resource,
        documentation=protected.documentation,
        endpoints=("/mcp", "") if api.type == "mcp" else ("",),
    )


def unnamed_servers(config: Config, index: int, facts: ResourceFacts) -> Iterator[Problem]:
    """Nobody could get a token: no server is named, and none of the policies names an issuer."""
    if not facts.authorization_servers:
        message = "no authorization server is named, and no token check of the API's policy has an openid-config"
        remedy = "add authorization-servers"
        yield Problem(config.location("apis", index, "protected-resource"), "missing-key", message, remedy)


def challenging(facts: ResourceFacts) -> PipelineStep:
    """What stands in front of the pipelines of a protected API."""
    return step_of(Challenger(facts))


def metadata_api(api: Api, facts: ResourceFacts, config: Config, index: int, metrics: GatewayMetrics) -> RoutedApi:
    """Serves the metadata of *api*, to anyone; none of its policies run."""
    pipeline = Pipeline(inbound=(step_of(ResourceMetadata(facts)),))
    whole = OperationRuntime(entities.WHOLE_API, {None: pipeline}, metrics.operation(api.id, "protected-resource"))
    runtime = ApiRuntime(entities.no_api(), NoTarget(), HeaderContract(()), whole, is_open=True)
    return RoutedApi(
        id=f"{api.id} (protected-resource)",
        path=f"{WELL_KNOWN}{facts.path}",
        payload=runtime,
        revision="1",
        location=config.location("apis", index, "protected-resource"),
    )


def _path(api: Api) -> str:
    words = [api.path.strip("/"), api.version.value if api.version and api.version.scheme == "path" else ""]
    return "".join(f"/{word}" for word in words if word)


def _issuers(pipelines: Iterable[Pipeline]) -> Iterator[str]:
    """The issuers that the token checks of *pipelines* ask for keys."""
    for _, judge in chain.from_iterable(map(token_checks, pipelines)):
        if isinstance(judge.validator, Constant):
            yield from (issuer.url.removesuffix(_METADATA) for issuer in judge.validator.value.keys.issuers)
