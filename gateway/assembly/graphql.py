"""GraphQL APIs: schema, resolvers and bounds, from the configuration to what requests meet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

from gateway.assembly.library import PolicyLibrary
from gateway.config import Config
from gateway.config.apis import Api
from gateway.data_plane.dispatcher import OperationRuntime
from gateway.documents.model import Scope, Section
from gateway.errors import LoadError, Location, Problem
from gateway.graphql.settings import GraphQLResolver, GraphQLSettings
from gateway.pipeline.pipeline import Pipeline
from gateway.pipeline.settings import Reads, Resumption, Settings, Site
from gateway.policies.http_data_source import HttpDataSource
from gateway.policies.set_graphql_resolver import SetGraphqlResolver
from gateway.policies.validate_graphql_request import ValidateGraphqlRequest

if TYPE_CHECKING:
    from graphql import GraphQLSchema

    from gateway.graphql.call import GraphQLApi

_OWN_SCOPES = (Scope.API, Scope.OPERATION)
_EXTRA = "pip install 'apim-policy-gateway[graphql]'"


class GraphQLApis:
    """Makes the runtime of each API of the kind; what is wrong goes to the library."""

    def __init__(self, config: Config, library: PolicyLibrary) -> None:
        self._config = config
        self._library = library

    def api(self, api: Api, settings: GraphQLSettings, index: int) -> GraphQLApi | None:
        """The API at *index* of the configuration; None, and problems, where it cannot be run."""
        try:
            return self._api(api, settings, index)
        except LoadError as error:
            self._library.note(error.problems)
            return None

    def _api(self, api: Api, settings: GraphQLSettings, index: int) -> GraphQLApi:
        if find_spec("graphql") is None:
            place = self._config.location("apis", index, "type")
            raise LoadError.at(place, "missing-extra", "GraphQL is read by graphql-core", _EXTRA)
        from gateway.graphql.call import GraphQLApi
        from gateway.graphql.judge import Judge
        from gateway.graphql.schema import read_schema

        schema = read_schema(settings.schema_file)
        synthetic = api.backend is None and api.service_url is None
        problems = [*self._unfit(schema, settings.resolvers, index, synthetic)]
        if problems:
            raise LoadError(problems)
        resolvers = {(resolver.type, resolver.field): self._source(resolver) for resolver in settings.resolvers}
        return GraphQLApi(Judge(schema, settings), settings, synthetic, resolvers)

    def _unfit(
        self, schema: GraphQLSchema, resolvers: Iterable[GraphQLResolver], index: int, synthetic: bool
    ) -> Iterable[Problem]:
        """Resolvers of fields that the schema does not have, of one field twice, or of an API with a backend."""
        seen: set[tuple[str, str]] = set()
        for number, resolver in enumerate(resolvers):
            place = self._config.location("apis", index, "graphql", "resolvers", number)
            key = (resolver.type, resolver.field)
            if not synthetic:
                message = "an API with a backend has no resolvers: whole queries go there"
                yield Problem(place, "not-synthetic", message, "remove them, or backend and service-url")
            elif _field(schema, *key) is None:
                message = f"the schema has no field {resolver.type}.{resolver.field} of an object type"
                yield Problem(place, "unknown-field", message, "correct type and field")
            elif key in seen:
                message = f"{resolver.type}.{resolver.field} has two resolvers"
                yield Problem(place, "duplicate-resolver", message, "keep one")
            seen.add(key)

    def _source(self, resolver: GraphQLResolver) -> HttpDataSource:
        """The compiled document of *resolver*. Raises LoadError."""
        document = self._library.document(resolver.policy, fragment=True)
        nodes = () if document.fragment is None else document.fragment.children
        if len(nodes) != 1 or nodes[0].name != HttpDataSource.shape.name:
            self._library.require()  # what is wrong inside the file says more
            message = "the document of a resolver is one http-data-source"
            raise LoadError.at(Location(str(resolver.policy)), "wrong-root", message, "write <http-data-source>")
        site = Site(Section.BACKEND, self._library.services, lambda _: (), Resumption())
        return HttpDataSource.compile(Settings(nodes[0], HttpDataSource.shape, site, Reads()))


def _field(schema: GraphQLSchema, type_name: str, field: str) -> object | None:
    from graphql import is_object_type

    type_ = schema.type_map.get(type_name)
    return type_.fields.get(field) if is_object_type(type_) else None


def misplaced_resolvers(pipelines: Iterable[Pipeline], api: GraphQLApi) -> Iterable[Problem]:
    """Policies that set resolvers where none is asked, or for a field that the schema does not have."""
    steps = [step for pipeline in pipelines for step in pipeline.backend]
    for step, policy in [(step, step.policy) for step in steps if isinstance(step.policy, SetGraphqlResolver)]:
        file, _, line = step.place.position.rpartition(":")
        place, key = Location(file, int(line)), (policy.parent_type, policy.field)
        if not api.is_synthetic:
            message = "set-graphql-resolver sets what answers, and the API has a backend"
            yield Problem(place, "not-synthetic", message, "remove it, or the API's backend and service-url")
        elif _field(api.judge.schema, *key) is None:
            message = f"the schema has no field {'.'.join(key)} of an object type"
            yield Problem(place, "unknown-field", message, "correct parent-type and field")


def useless_rules(pipelines: Iterable[Pipeline], api: GraphQLApi) -> Iterable[Problem]:
    """Rules of the API's own policies for fields that its schema does not have."""
    from gateway.graphql.rules import unmatched

    steps = [step for pipeline in pipelines for step in pipeline.inbound if step.place.scope in _OWN_SCOPES]
    for step, policy in [(step, step.policy) for step in steps if isinstance(step.policy, ValidateGraphqlRequest)]:
        file, _, line = step.place.position.rpartition(":")
        for path in unmatched(policy.paths, api.judge.schema):
            message = f"the schema has no field at {path}, so that this rule does nothing"
            yield Problem(Location(file, int(line)), "unknown-field", message, "write /Type/field as the schema has it")


def admitted(runtime: OperationRuntime, api: GraphQLApi, library: PolicyLibrary) -> OperationRuntime:
    """*runtime* of an operation of *api*; problems go to the library."""
    from gateway.data_plane.graphql.admission import admitting

    library.note(misplaced_resolvers(runtime.pipelines.values(), api))
    library.note(useless_rules(runtime.pipelines.values(), api))
    pipelines = {
        product: admitting(pipeline, api, runtime.metrics, library.services.max_body_bytes)
        for product, pipeline in runtime.pipelines.items()
    }
    return replace(runtime, info=replace(runtime.info, graphql=api), pipelines=pipelines)
