"""The operations of GraphQL APIs: one endpoint each, at the API's own path. Source: "GraphQL over HTTP" §4."""

from __future__ import annotations

from gateway.config.apis import Api, Operation
from gateway.config.model import Config

ENDPOINT = (
    Operation(id="graphql", name="GraphQL", method="POST", url_template="/"),
    Operation(id="graphql-get", name="GraphQL by GET", method="GET", url_template="/"),
)


def with_endpoints(config: Config) -> Config:
    """*config*, the endpoints of its GraphQL APIs completed."""
    return config.model_copy(update={"apis": tuple(map(_completed, config.apis))})


def _completed(api: Api) -> Api:
    if api.type != "graphql":
        return api
    return api.model_copy(update={"operations": ENDPOINT})
