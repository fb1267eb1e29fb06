"""
MCP APIs at load: which operations are which tools, and what of that is a mistake.

Operations become tools by name; their routes are joined in once every API has its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

from gateway import __version__
from gateway.config import Config
from gateway.config.apis import Api, Operation, named
from gateway.data_plane.dispatcher import ApiRuntime, Dispatcher, OperationRuntime
from gateway.data_plane.mcp.admission import admission
from gateway.data_plane.mcp.entrance import entrance
from gateway.data_plane.mcp.sessions import seal
from gateway.data_plane.mcp.settings import MAX_TOOLS, McpSettings, McpTool
from gateway.data_plane.routing import RoutedApi, Router
from gateway.errors import LoadError, Location, Problem
from gateway.pipeline.changes import HEADER_PART
from gateway.pipeline.context import OperationInfo
from gateway.pipeline.step import PipelineStep, Steps
from gateway.pipeline.token_checks import steps_in
from gateway.telemetry.metrics import GatewayMetrics
from gateway.wire.fields import fold_name

if TYPE_CHECKING:
    from gateway.data_plane.mcp.server import McpServer
    from gateway.data_plane.mcp.tools import OfferedTool

NO_SETTINGS = McpSettings()
_NAME = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-")


@dataclass(frozen=True, slots=True)
class NamedTool:
    """A tool as the configuration has it: an operation of *api*, and where that is written."""

    name: str
    api: Api
    operation: Operation
    written: McpTool
    location: Location

    @property
    def info(self) -> OperationInfo:
        """The operation that the policies of the MCP API see."""
        return OperationInfo(self.name, self.title, "POST", "/*")

    @property
    def title(self) -> str:
        """Its name for people."""
        return self.written.title or named(self.operation)

    @property
    def description(self) -> str:
        """What models read."""
        definition = self.operation.definition
        own = "" if definition is None else definition.description
        return self.written.description or own or self.title


class Tools:
    """
    The tools of one MCP API.

    Attributes:
        by_name: Those that can be used.
        problems: What is wrong with others.
        server: The API's target, once it has been asked for.
    """

    def __init__(self, config: Config, index: int) -> None:
        self.api = config.apis[index]
        self.settings = self.api.mcp or NO_SETTINGS
        self.by_name: dict[str, NamedTool] = {}
        self.problems: list[Problem] = []
        self.server: McpServer | None = None
        self._config = config
        self._apis = {api.id: api for api in config.apis}
        for number, written in enumerate(self.settings.tools):
            self._add(written, ("apis", index, "mcp", "tools", number))
        if len(self.by_name) > MAX_TOOLS:
            message = f"{len(self.by_name)} tools; an MCP server has at most {MAX_TOOLS}"
            self._problem(("apis", index, "mcp", "tools"), "too-many-tools", message, "make several APIs of them")
        if not self.settings.tools and self.api.backend is None and self.api.service_url is None:
            message = "an API of type mcp has tools, or a server to pass through"
            self._problem(("apis", index), "missing-key", message, "add mcp: {tools: …}, backend or service-url")

    @property
    def are_made(self) -> bool:
        """Whether the API is a server made of operations."""
        return bool(self.settings.tools)

    def step(self, metrics: GatewayMetrics) -> PipelineStep:
        """What stands in front of the API's pipelines."""
        known = {name: tool.info for name, tool in self.by_name.items()} if self.are_made else None
        return entrance(self.settings, known, metrics.tool_calls(self.api.id))

    def last_steps(self) -> Steps:
        """What stands behind the inbound sections of the API's pipelines."""
        key = self.settings.session_key
        admitted = admission(keeps=self.are_made)
        return (admitted,) if key is None else (admitted, seal(key.get_secret_value().encode(), self.api.id))

    def target(self) -> McpServer:
        """The API's target, still without tools."""
        from gateway.data_plane.mcp.server import McpServer, ServerFacts  # loads JSON Schema

        version = self.api.version.value if self.api.version else __version__
        facts = ServerFacts(self.api.id, named(self.api), version, self.settings.instructions)
        self.server = McpServer(facts, self.settings)
        return self.server

    def _add(self, written: McpTool, path: tuple[Any, ...]) -> None:
        api = self._apis.get(written.api)
        if api is None:
            return  # reported with the other references
        if api.type != "http":
            message = f"{api.id!r} is of type {api.type}: its operations are not called by method, path and JSON"
            remedy = "name an API of type http, or publish there what tools may call"
            return self._problem((*path, "api"), "not-a-tool", message, remedy)
        chosen = [operation for operation in api.operations if written.operation in (None, operation.id)]
        if not chosen:
            return self._unknown(api, written, path)
        for operation in chosen:
            self._name(operation, api, written, path)
        return None

    def _unknown(self, api: Api, written: McpTool, path: tuple[Any, ...]) -> None:
        """The API has no such operation, or none at all."""
        message = f"the API {api.id!r} has no operation {written.operation!r}"
        if not api.operations:
            message = f"the API {api.id!r} has no operations, so that nothing is known of its tools"
        names = ", ".join(operation.id for operation in api.operations[:10])
        remedy = f"known: {names}" if names else "list its operations, or give it a definition"
        self._problem(
            (*path, "api" if written.operation is None else "operation"), "unknown-operation", message, remedy
        )

    def _name(self, operation: Operation, api: Api, written: McpTool, path: tuple[Any, ...]) -> None:
        name = written.name or operation.id
        if not set(name) <= _NAME or len(name) > 128:
            message = f"{name!r} is no name for a tool"
            self._problem(path, "bad-tool-name", message, "give it a name of letters, digits, dashes and underscores")
        elif name in self.by_name:
            message = f"two tools are called {name!r}"
            self._problem(path, "duplicate-tool", message, "give one of them another name")
        else:
            self.by_name[name] = NamedTool(name, api, operation, written, self._config.location(*path))

    def _problem(self, path: tuple[Any, ...], code: str, message: str, remedy: str) -> None:
        self.problems.append(Problem(self._config.location(*path), code, message, remedy))


def tools_of(config: Config) -> dict[str, Tools]:
    """The tools of each MCP API, by its id."""
    return {api.id: Tools(config, index) for index, api in enumerate(config.apis) if api.type == "mcp"}


def tool_problems(tools: Mapping[str, Tools]) -> Iterator[Problem]:
    """What is wrong with the tools as they are written."""
    for listed in tools.values():
        yield from listed.problems


def offer_tools(tools: Mapping[str, Tools], apis: Iterable[RoutedApi]) -> Iterator[Problem]:
    """Give every server its tools; what cannot be one becomes a problem."""
    routed = {api.id: api for api in apis}
    for listed in tools.values():
        if listed.server is not None:
            offered, problems = _offered(listed, routed)
            listed.server.offer(offered)
            yield from problems


def _offered(listed: Tools, routed: Mapping[str, RoutedApi]) -> tuple[dict[str, OfferedTool], list[Problem]]:
    from gateway.data_plane.mcp.tools import router_of  # loads JSON Schema

    offered: dict[str, OfferedTool] = {}
    problems: list[Problem] = []
    outer: ApiRuntime = routed[listed.api.id].payload
    routers: dict[str, Router] = {}
    for name, tool in listed.by_name.items():
        api = routed[tool.api.id]
        router = routers.get(api.id) or routers.setdefault(api.id, router_of(api, _prefix(tool.api)))
        try:
            offered[name] = _tool(tool, api, router, outer)
        except LoadError as error:
            problems += (replace(problem, location=tool.location) for problem in error.problems)
    return offered, problems


def _tool(tool: NamedTool, api: RoutedApi, router: Router, outer: ApiRuntime) -> OfferedTool:
    """Raises LoadError: the operation takes what no argument can be."""
    from gateway.data_plane.mcp.inputs import input_of  # loads JSON Schema
    from gateway.data_plane.mcp.tools import OfferedTool

    operation = next(operation for operation in api.operations if operation.id == tool.operation.id)
    runtime: OperationRuntime = operation.payload
    inner: ApiRuntime = api.payload
    keys = {fold_name(key.header) for key in (tool.api.subscription_key,)}
    reserved = inner.contract.names | outer.contract.names | keys | frozenset(_changed_fields(outer))
    return OfferedTool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input=input_of(runtime.info, reserved),
        router=router,
        operation=operation,
        prefix=_prefix(tool.api),
        path_escapes=inner.path_escapes,
    )


def _changed_fields(api: ApiRuntime) -> Iterator[str]:
    """Keys of header fields that the policies of *api* set or remove: an argument would bring them back."""
    for step in chain.from_iterable(steps_in(pipeline.inbound) for pipeline in api.whole.pipelines.values()):
        change = step.policy.changes
        parts = () if change is None else change.parts
        yield from (part.removeprefix(HEADER_PART) for part in parts if part.startswith(HEADER_PART))


def _prefix(api: Api) -> str:
    """The path of an API, with the version where that is part of it."""
    words = [api.path.strip("/"), api.version.value if api.version and api.version.scheme == "path" else ""]
    return "".join(f"/{word}" for word in words if word)


def bind(tools: Mapping[str, Tools], dispatcher: Dispatcher) -> None:
    """Have the calls of tools run through *dispatcher*."""

    for listed in tools.values():
        if listed.server is not None:
            listed.server.run = dispatcher.call
