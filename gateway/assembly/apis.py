"""
From the configuration's entities to the data plane: every API and operation with its compiled pipelines.

What runs behind the policies (services, targets) is given, so that ``gateway test`` and ``gateway explain`` run the
very same data plane on stand-ins.
"""

from __future__ import annotations

from functools import cached_property

from gateway.assembly import entities
from gateway.assembly.access import KeyAccess, needs_keys
from gateway.assembly.library import PolicyFiles, PolicyLibrary
from gateway.assembly.targets import ConfiguredTargets
from gateway.config import Config
from gateway.config.apis import Api, Operation
from gateway.data_plane.dispatcher import ApiRuntime, Dispatcher, OperationRuntime, Watcher
from gateway.data_plane.routing import RoutedApi, RoutedOperation, Router, Version
from gateway.documents.lint import lint
from gateway.documents.named_values import NamedValue
from gateway.errors import Problem
from gateway.pipeline.context import ApiInfo
from gateway.pipeline.pipeline import Pipeline
from gateway.pipeline.services import Services
from gateway.policies import POLICIES
from gateway.telemetry.metrics import GatewayMetrics
from gateway.wire.contract import HeaderContract
from gateway.wire.messages import Target
from gateway.wire.upstream.asgi_target import CALLER_HEADER
from gateway.wire.upstream.no_target import NoTarget

_VERSION_SCHEMES = {"path": "segment", "header": "header", "query": "query"}


class Assembly:
    """
    One run over the configuration: every API and operation with its pipelines.

    Attributes:
        config: What it runs over.
        apis: What ``dispatcher`` has made of the configuration's APIs, in their order.
    """

    def __init__(self, config: Config, services: Services, targets: ConfiguredTargets, metrics: GatewayMetrics) -> None:
        self.apis: list[RoutedApi] = []
        self.config = config
        self._targets = targets
        self._metrics = metrics
        # An application in the process believes this header, and policies may route any API there. No client sends it.
        inside = any(backend.app is not None for backend in config.backends.values())
        self._vouched = frozenset({CALLER_HEADER} if inside else ())
        self._deployment = entities.deployment_info(config, services.certificates)
        named = {
            name: NamedValue(each.value.get_secret_value(), each.secret) for name, each in config.named_values.items()
        }
        self._library = PolicyLibrary(POLICIES, services, named, config.fragments)
        members = [(product, frozenset(config.product_apis(product))) for product in config.products]
        self._products = {api.id: [product for product, ids in members if api.id in ids] for api in config.apis}

    def dispatcher(self, watcher: Watcher | None = None) -> Dispatcher:
        """The data plane. Raises LoadError."""
        self.apis = [self._api(api, index) for index, api in enumerate(self.config.apis)]
        nowhere = self._nowhere()
        self._library.require()
        return Dispatcher(
            router=Router(self.apis),
            nowhere=nowhere,
            deployment=self._deployment,
            metrics=self._metrics,
            access=KeyAccess(self.config) if needs_keys(self.config) else None,
            log_all=self.config.logging.requests == "all",
            watcher=watcher,
        )

    @cached_property
    def notes(self) -> list[Problem]:
        """What in the documents is worth a second look."""
        return [note for document in self._library.documents for note in lint(document)]

    def _api(self, api: Api, index: int) -> RoutedApi:
        target = self._target(api)
        whole = self.operation(api, None)
        operations = [self.operation(api, operation) for operation in api.operations]
        contract = _contract([whole, *operations], self._vouched)
        info = entities.api_info(api, None if api.backend is None and api.service_url is None else target.url)
        runtime = ApiRuntime(info, target, contract, whole)
        return RoutedApi(
            id=api.id,
            path=api.path,
            operations=[
                RoutedOperation(
                    each.id,
                    each.method,
                    each.url_template,
                    payload,
                    each.location or self.config.location("apis", index, "operations", number),
                )
                for number, (each, payload) in enumerate(zip(api.operations, operations, strict=True))
            ],
            payload=runtime,
            version=_version(api),
            revision=api.revision,
            is_current=api.current,
            location=self.config.location("apis", index),
        )

    def operation(self, api: Api, operation: Operation | None) -> OperationRuntime:
        """*operation* with its pipelines; None is the API as a whole."""
        info = entities.WHOLE_API if operation is None else entities.operation_info(operation)
        own = None if operation is None else operation.policy
        pipelines: dict[str | None, Pipeline] = {
            product.id: self._pipeline(PolicyFiles(own, api.policy, product.policy, self.config.global_policy))
            for product in self._products[api.id]
        }
        pipelines[None] = self._pipeline(PolicyFiles(own, api.policy, None, self.config.global_policy))
        return OperationRuntime(info, pipelines, self._metrics.operation(api.id, info.id))

    def _pipeline(self, files: PolicyFiles) -> Pipeline:
        return self._library.pipeline(files)

    def _nowhere(self) -> ApiRuntime:
        pipelines: dict[str | None, Pipeline] = {
            None: self._pipeline(PolicyFiles(everywhere=self.config.global_policy))
        }
        whole = OperationRuntime(entities.WHOLE_API, pipelines, self._metrics.operation("", ""))
        return ApiRuntime(ApiInfo("", "", ""), NoTarget(), HeaderContract(self._vouched), whole)

    def _target(self, api: Api) -> Target:
        if api.backend is not None:
            return self._targets.for_id(api.backend)
        return NoTarget() if api.service_url is None else self._targets.for_api(api.service_url)


def _contract(operations: list[OperationRuntime], vouched: frozenset[str]) -> HeaderContract:
    """What the clients of an API may not send, on any of its routes: docs/adr/0003; *vouched* on no account."""
    pipelines = [pipeline for operation in operations for pipeline in operation.pipelines.values()]
    owned = frozenset[str]().union(*(pipeline.owned_headers for pipeline in pipelines))
    guarded = frozenset[str]().union(*(pipeline.guarded_headers for pipeline in pipelines))
    return HeaderContract((owned - guarded) | vouched)


def _version(api: Api) -> Version | None:
    version = api.version
    if version is None:
        return None
    return Version(_VERSION_SCHEMES[version.scheme], version.value, version.name or "")  # type: ignore[arg-type]
