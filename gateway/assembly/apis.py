"""
From the configuration's entities to the data plane: every API and operation with its compiled pipelines.

What runs behind the policies (services, targets) is given, so that ``gateway test`` and ``gateway explain`` run the
very same data plane on stand-ins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.assembly import entities
from gateway.assembly.access import KeyAccess, needs_keys
from gateway.assembly.contracts import contracts
from gateway.assembly.envoy import processing_problems
from gateway.assembly.library import PolicyFiles, PolicyLibrary
from gateway.assembly.mcp import bind, offer_tools, tool_problems, tools_of
from gateway.assembly.protected import challenging, facts_of, metadata_api, unnamed_servers
from gateway.assembly.rewrites import unknown_everywhere, unknown_parameters
from gateway.assembly.schemas import unused_schema_problems
from gateway.assembly.selectors import misplaced_validation, selected_routes, selector
from gateway.assembly.targets import ConfiguredTargets
from gateway.config import Config
from gateway.config.apis import Api, Operation
from gateway.data_plane.dispatcher import UNWATCHED, ApiRuntime, Dispatcher, OperationRuntime, RequestWatcher
from gateway.data_plane.routing import RoutedApi, RoutedOperation, RoutedVersion, Router
from gateway.documents.lint import lint
from gateway.documents.named_values import NamedValue
from gateway.errors import Problem
from gateway.graphql.settings import GraphQLSettings
from gateway.pipeline.pipeline import Pipeline
from gateway.pipeline.services import Services
from gateway.pipeline.step import Steps
from gateway.policies import POLICIES
from gateway.telemetry.metrics import GatewayMetrics
from gateway.telemetry.requests.access_log import AccessLog
from gateway.telemetry.requests.ring import RequestLog
from gateway.telemetry.requests.sampling import RequestSampling
from gateway.wire.contract import HeaderContract
from gateway.wire.grpc.settings import GrpcSettings
from gateway.wire.messages import Target
from gateway.wire.upstream.asgi_target import CALLER_HEADER
from gateway.wire.upstream.no_target import NoTarget

_VERSION_SCHEMES = {"path": "segment", "header": "header", "query": "query"}


@dataclass(frozen=True, slots=True)
class Assembly:
    """
    The data plane of one configuration.

    Attributes:
        dispatcher: The data plane's application.
        apis: The configuration's APIs with their pipelines, in the order of the file.
        notes: What in the policy documents is worth a second look.
    """

    config: Config
    dispatcher: Dispatcher
    apis: tuple[RoutedApi, ...]
    notes: tuple[Problem, ...]

    def runtime(self, api_id: str, operation_id: str | None) -> OperationRuntime:
        """An operation with its pipelines; *operation_id* None: the API as a whole. Raises StopIteration."""
        api = next(api for api in self.apis if api.id == api_id)
        if operation_id is None:
            whole: OperationRuntime = api.payload.whole
            return whole
        runtime: OperationRuntime = next(
            operation.payload for operation in api.operations if operation.id == operation_id
        )
        return runtime


def assemble(
    config: Config,
    services: Services,
    targets: ConfiguredTargets,
    metrics: GatewayMetrics,
    watcher: RequestWatcher | None = None,
    requests: RequestLog | None = None,
) -> Assembly:
    """The data plane of *config*. Raises LoadError: with every problem in its documents."""
    run = _Run(config, services, targets, metrics)
    apis = run.apis()
    run.library.note(offer_tools(run.tools, apis))
    nowhere = run.nowhere()
    run.library.note(unused_schema_problems(config, run.library.documents))
    run.library.note(processing_problems(config, run.library))
    run.library.require()
    access_log = AccessLog(config.logging)
    dispatcher = Dispatcher(
        router=Router([*apis, *run.metadata]),
        nowhere=nowhere,
        deployment=entities.deployment_info(config, services.certificates),
        metrics=metrics,
        access=KeyAccess(config) if needs_keys(config) else None,
        access_log=access_log,
        sampling=RequestSampling(config.request_log.share, access_log.share),
        watcher=watcher or UNWATCHED,
        requests=RequestLog() if requests is None else requests,
    )
    bind(run.tools, dispatcher)
    notes = [note for document in run.library.documents for note in lint(document)]
    return Assembly(config, dispatcher, apis, tuple(dict.fromkeys([*notes, *run.library.notes])))


class _Run:
    """One run over the configuration."""

    def __init__(self, config: Config, services: Services, targets: ConfiguredTargets, metrics: GatewayMetrics) -> None:
        self._config = config
        self._targets = targets
        self._metrics = metrics
        self._shared: dict[tuple[object, ...], dict[str | None, Pipeline]] = {}
        # An application in the process believes this header, and policies may route any API there. No client sends it.
        inside = any(backend.app is not None for backend in config.backends.values())
        self._trusted = frozenset({CALLER_HEADER} if inside else ())
        named = {
            name: NamedValue(named_value.value.get_secret_value(), named_value.secret)
            for name, named_value in config.named_values.items()
        }
        self.library = PolicyLibrary(POLICIES, services, named, config.fragments)
        self.tools = tools_of(config)
        self.library.note(tool_problems(self.tools))
        self.metadata: list[RoutedApi] = []
        members = [(product, frozenset(config.product_apis(product))) for product in config.products]
        self._products = {api.id: [product for product, ids in members if api.id in ids] for api in config.apis}

    def apis(self) -> tuple[RoutedApi, ...]:
        """Every API; what one owns is known to all that lead to the same backend."""
        runtimes = {api.id: self._operations(api, index) for index, api in enumerate(self._config.apis)}
        owned = contracts(
            self._config, {id: _pipelines(operations) for id, operations in runtimes.items()}, self._trusted
        )
        return tuple(
            self._api(api, index, runtimes[api.id], owned[api.id]) for index, api in enumerate(self._config.apis)
        )

    def _operations(self, api: Api, index: int) -> list[OperationRuntime]:
        """The API as a whole, then its operations."""
        runtimes = [self._operation(api, operation) for operation in (None, *api.operations)]
        if api.graphql is not None:
            runtimes = self._as_graphql(api, api.graphql, index, runtimes)
        if api.policy is not None:
            document = self.library.document(api.policy)
            templates = [operation.url_template for operation in api.operations]
            self.library.note(unknown_everywhere(document, templates, self.library.fragment_documents()))
        return runtimes

    def _api(self, api: Api, index: int, runtimes: list[OperationRuntime], contract: HeaderContract) -> RoutedApi:
        target = self._target(api)
        whole, *operations = runtimes
        self._describe(api, index, whole)
        info = entities.api_info(api, None if api.backend is None and api.service_url is None else target.url)
        grpc = api.grpc or (GrpcSettings() if api.type == "grpc" else None)
        by_id = dict(zip((operation.id for operation in api.operations), operations, strict=True))
        chooser = selector(api, by_id)
        runtime = ApiRuntime(info, target, contract, whole, frozenset(api.path_escapes), grpc, selector=chooser)
        listed = list(self._routed(api, index, by_id))
        return RoutedApi(
            id=api.id,
            path=api.path,
            operations=listed,
            payload=runtime,
            version=_version(api),
            revision=api.revision,
            is_current=api.current,
            location=self._config.location("apis", index),
            routes=None if chooser is None else selected_routes(api, listed, whole),
        )

    def _describe(self, api: Api, index: int, whole: OperationRuntime) -> None:
        """Serve the metadata of an API that OAuth protects."""
        facts = facts_of(api, whole.pipelines.values())
        if facts is None:
            return
        self.library.note(unnamed_servers(self._config, index, facts))
        served = metadata_api(api, facts, self._config, index, self._metrics)
        if all(other.path != served.path for other in self.metadata):  # versions in a header share their path
            self.metadata.append(served)

    def _routed(self, api: Api, index: int, runtimes: dict[str, OperationRuntime]) -> Iterator[RoutedOperation]:
        for number, operation in enumerate(api.operations):
            where = operation.location or self._config.location("apis", index, "operations", number)
            yield RoutedOperation(operation.id, operation.method, operation.url_template, runtimes[operation.id], where)

    def _operation(self, api: Api, operation: Operation | None) -> OperationRuntime:
        """*operation* with its pipelines; None is the API as a whole."""
        info = entities.WHOLE_API if operation is None else entities.operation_info(operation, api.model)
        own = None if operation is None else operation.policy
        if operation is not None and own is not None:
            self.library.note(
                unknown_parameters(
                    self.library.document(own), operation.url_template, self.library.fragment_documents()
                )
            )
        pipelines = self._pipelines(own, api)
        self.library.note(misplaced_validation(api, pipelines.values()))
        if api.type == "grpc":
            self._refuse_work_on_bodies(pipelines.values())
        pipelines = self._between(api, pipelines)
        return OperationRuntime(info, pipelines, self._metrics.operation(api.id, info.id))

    def _pipelines(self, own: Path | None, api: Api) -> dict[str | None, Pipeline]:
        """The pipeline for each product and for no product; operations with the same documents share them."""
        products = self._products[api.id]
        everywhere = self._config.global_policy
        key = own, api.policy, *(product.id for product in products)
        if key not in self._shared:
            policies = {product.id: product.policy for product in products} | {None: None}
            self._shared[key] = {
                product: self._pipeline(PolicyFiles(own, api.policy, policy, everywhere))
                for product, policy in policies.items()
            }
        return self._shared[key]

    def _first_steps(self, api: Api, pipelines: Iterable[Pipeline]) -> Steps:
        """What runs before any policy of *api*."""
        facts = facts_of(api, pipelines)
        steps = () if facts is None else (challenging(facts),)
        return (*steps, self.tools[api.id].step(self._metrics)) if api.type == "mcp" else steps

    def _between(self, api: Api, pipelines: dict[str | None, Pipeline]) -> dict[str | None, Pipeline]:
        """*pipelines* with the steps that an API of its kind has before and behind its inbound policies."""
        first = self._first_steps(api, pipelines.values())
        last = self.tools[api.id].last_steps() if api.type == "mcp" else ()
        if not first and not last:
            return pipelines
        return {id: replace(own, inbound=(*first, *own.inbound, *last)) for id, own in pipelines.items()}

    def _as_graphql(
        self, api: Api, settings: GraphQLSettings, index: int, runtimes: list[OperationRuntime]
    ) -> list[OperationRuntime]:
        """*runtimes* of an API whose requests are read."""
        from gateway.assembly.graphql import GraphQLApis, admitted

        graphql = GraphQLApis(self._config, self.library).api(api, settings, index)
        return runtimes if graphql is None else [admitted(runtime, graphql, self.library) for runtime in runtimes]

    def _refuse_work_on_bodies(self, pipelines: Iterable[Pipeline]) -> None:
        self.library.note(problem for pipeline in pipelines for problem in pipeline.body_work)

    def _pipeline(self, files: PolicyFiles) -> Pipeline:
        return self.library.pipeline(files)

    def nowhere(self) -> ApiRuntime:
        pipelines: dict[str | None, Pipeline] = {
            None: self._pipeline(PolicyFiles(everywhere=self._config.global_policy))
        }
        whole = OperationRuntime(entities.WHOLE_API, pipelines, self._metrics.operation("", ""))
        return ApiRuntime(entities.no_api(), NoTarget(), HeaderContract(self._trusted), whole, grpc=GrpcSettings())

    def _target(self, api: Api) -> Target:
        if api.type == "mcp" and self.tools[api.id].are_made:
            return self.tools[api.id].target()
        if api.backend is not None:
            return self._targets.for_id(api.backend)
        return NoTarget() if api.service_url is None else self._targets.for_api(api.service_url)


def _pipelines(operations: list[OperationRuntime]) -> list[Pipeline]:
    return [pipeline for operation in operations for pipeline in operation.pipelines.values()]


def _version(api: Api) -> RoutedVersion | None:
    version = api.version
    if version is None:
        return None
    return RoutedVersion(_VERSION_SCHEMES[version.scheme], version.value, version.name or "")  # type: ignore[arg-type]
