"""
The walk through a source: from its root modules to the resources and findings of an import.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gateway.commands.importing.findings import ImportFinding, ImportOutcome
from gateway.commands.importing.resources import ArmResource, Harvest
from gateway.commands.importing.sources.inputs import Inputs
from gateway.commands.importing.sources.terraform import identities, revisions, roots
from gateway.commands.importing.sources.terraform.evaluation import Evaluator
from gateway.commands.importing.sources.terraform.folder import SourceFolder, repository
from gateway.commands.importing.sources.terraform.functions.encodings import typed
from gateway.commands.importing.sources.terraform.identities import PREFIX
from gateway.commands.importing.sources.terraform.instances import EvaluatedBlock, Loading, ModuleInstance
from gateway.commands.importing.sources.terraform.shapes import shape_of, translated
from gateway.commands.importing.sources.terraform.syntax import ConfigurationBlock
from gateway.commands.importing.sources.terraform.values import EvaluationError, WorkBounds, is_null, plain
from gateway.commands.importing.sources.terraform.variables import given_values, other_files
from gateway.errors import LoadError, Location, Problem
from gateway.reading.yaml_nodes import Mapping, Scalar, YamlNode, compose

_REMOTE = "run it where the module is at hand, or import what it makes from the instance itself"
_HINTS = ("api_management", "apim", "api_policy", "apiops")  # in what is about API Management
_DOCUMENTS = ("policies", "policyFragments")
_MOST_RESOURCES = 50_000
_PLAN = "import the instance itself (management API), or write the value where this is"


class TerraformReader:
    """Collects what one import finds; resources that occur twice are taken once."""

    def __init__(self, source: Path, inputs: Inputs) -> None:
        self._source = source
        self._inputs = inputs
        self._bounds = WorkBounds()
        self._resources: dict[tuple[str, ...], ArmResource] = {}
        self._findings: list[ImportFinding] = []

    def harvest(self) -> Harvest:
        """Everything of the source."""
        chosen = roots.root_folders(self._source)
        for folder in chosen:
            self._root(folder)
        if not self._resources and not self._findings:
            message = f"no resource of API Management ({PREFIX}…) is in these files"
            self._left_out(Location(str(self._source)), "Terraform", message, "name the root module")
        return Harvest(revisions.arranged(list(self._resources.values())), list(dict.fromkeys(self._findings)))

    def _needs_you(self, location: Location, what: str, message: str, remedy: str) -> None:
        self._findings.append(ImportFinding(ImportOutcome.NEEDS_YOU, location, what, message, remedy))

    def _left_out(self, location: Location, what: str, message: str, remedy: str = "", harmless: bool = False) -> None:
        self._findings.append(ImportFinding(ImportOutcome.LEFT_OUT, location, what, message, remedy, harmless))

    # -- modules
    def _root(self, folder: Path) -> None:
        evaluator = Evaluator(SourceFolder(folder, repository(self._source)), self._bounds)
        loading = Loading(evaluator)
        values = given_values(folder, self._inputs, evaluator, loading.problems)
        root = ModuleInstance(loading, folder, values)
        self._module(root)
        self._hint(root, values)
        for problem in loading.problems:
            self._problem(problem)

    def _problem(self, problem: Problem) -> None:
        remedy = problem.remedy or "mend the file"
        self._needs_you(problem.location, "Terraform", problem.message, remedy)

    def _hint(self, root: ModuleInstance, values: dict[str, YamlNode]) -> None:
        """Which files of values there are, when variables have none."""
        missing = [name for name, block in root.module.variables.items() if _needed(name, block, values)]
        files = other_files(root.module.folder, missing) if missing else []
        if not files or self._inputs.files:
            return
        names = ", ".join([*missing[:5], "…"] if missing[5:] else missing)
        remedy = f"--parameters {files[0]}" + (f" (or one of {len(files) - 1} others)" if files[1:] else "")
        message = f"variables have no value: {names}"
        self._needs_you(Location(str(files[0])), "Terraform", message, remedy)

    def _module(self, instance: ModuleInstance) -> None:
        for block in self._present(instance, "resource", PREFIX):
            self._block(block)
        for block in self._present(instance, "resource", "azapi_"):
            self._azapi(block)
        for block in self._present(instance, "data", PREFIX):
            self._data(block)
        self._templates(instance)
        for name, call in instance.module.calls.items():
            self._call(instance, name, call)

    def _present(self, instance: ModuleInstance, declared: str, prefix: str) -> Iterator[EvaluatedBlock]:
        """The blocks of which there is one; the others are reported."""
        for block in instance.blocks(declared, prefix):
            if not block.absent:
                yield block
            elif declared == "resource":
                self._none(block.location, block.path)

    def _none(self, location: Location, path: str) -> None:
        message = "there is none of it with these values: count is 0, or for_each is empty"
        self._left_out(location, path, message, harmless=True)

    def _call(self, instance: ModuleInstance, name: str, call: ConfigurationBlock) -> None:
        what = f"{instance.path}.module.{name}" if instance.path else f"module.{name}"
        try:
            children = instance.children(name)
            folder, source = instance.folder_of(call), instance.source_of(call)
        except EvaluationError as error:
            self._remote(what, error.message, call)
            return
        if folder is None:
            self._remote(what, f"the module {source[:120]} is not part of this source: it is not read", call)
        elif not children:
            self._none(call.location, what)
        for _, child in children:
            self._module(child)

    def _remote(self, what: str, message: str, call: ConfigurationBlock) -> None:
        words = " ".join([message, *call.body.arguments]).replace("-", "_").casefold()
        if any(hint in words for hint in _HINTS):
            self._needs_you(call.location, what, message, _REMOTE)
        else:
            self._left_out(call.location, what, message, harmless=True)

    def _templates(self, instance: ModuleInstance) -> None:
        """ARM templates that Terraform deploys are a source of their own."""
        for declared in ("azurerm_resource_group_template_deployment", "azurerm_template_deployment"):
            for block in self._present(instance, "resource", declared):
                message = "an ARM template is deployed here: it is not read with this source"
                self._needs_you(block.location, block.path, message, "import the template as well")

    # -- resources
    def _block(self, block: EvaluatedBlock) -> None:
        identity = identities.identity_of(block.kind)
        if identity is None:
            self._left_out(block.location, block.path, f"the gateway has nothing like {block.kind}")
            return
        self._unread(block)
        if not block.label:  # it could not be evaluated at all, which has been reported
            return
        name = identities.segments_of(identity, block.values, block.label)
        if name is None:
            message = "what it belongs to has no name here: it is not taken over"
            self._needs_you(block.location, block.path, message, _PLAN)
            return
        properties = translated(block.values, shape_of(block.kind))
        if block.kind == PREFIX:
            self._service(block, properties)
        else:
            self._take(block, ArmResource(identity.kind, name, properties, block.location, _workspace(block)))

    def _service(self, block: EvaluatedBlock, properties: Mapping) -> None:
        """The instance itself; early versions have its policy inside this block."""
        if properties.entries:
            self._take(block, ArmResource("", (), properties, block.location))
        else:
            message = "where Azure runs the instance has no effect on traffic"
            self._left_out(block.location, block.path, message, harmless=True)
        for item in _mappings(block.values.find("policy")):
            properties = translated(item, shape_of(f"{PREFIX}_policy"))
            self._take(block, ArmResource("policies", ("policy",), properties, item.location))

    def _unread(self, block: EvaluatedBlock) -> None:
        for problem in block.problems:
            self._needs_you(problem.location, block.path, problem.message, _PLAN)

    def _take(self, block: EvaluatedBlock, resource: ArmResource) -> None:
        key = _key(resource)
        known = self._resources.get(key)
        if known is not None and plain(known.properties) == plain(resource.properties):
            message = f"the same is in {known.location}"
            self._left_out(block.location, block.path, message, harmless=True)
        elif known is not None and resource.kind.rpartition("/")[2] in _DOCUMENTS:
            self._resources[(*key, str(len(self._resources)))] = resource  # the mapping refuses what differs
        elif known is not None:
            message = f"the same name is in {known.location}: the first one is taken over"
            self._needs_you(block.location, block.path, message, "name the folder of one environment")
        elif len(self._resources) >= _MOST_RESOURCES:
            message = f"more than {_MOST_RESOURCES} resources are in this source: the rest is not read"
            self._needs_you(Location(block.location.file), "Terraform", message, "import it in parts")
        else:
            self._resources[key] = resource

    def _azapi(self, block: EvaluatedBlock) -> None:
        own = identities.azapi_identity(block.values)
        kind = identities.plain_name(block.values.find("type")) or ""
        if not kind.lower().startswith("microsoft.apimanagement/service"):
            return
        self._unread(block)
        if own is None or block.kind != "azapi_resource":
            message = f"a change of {kind.partition('@')[0]} by {block.kind} is not taken over"
            self._needs_you(block.location, block.path, message, _PLAN)
            return
        workspace, (kind, name) = "", own
        if kind.startswith("workspaces/"):
            workspace, kind, name = name[0], kind.removeprefix("workspaces/"), name[1:]
        self._take(block, ArmResource(kind, name, _body(block), block.location, workspace))

    def _data(self, block: EvaluatedBlock) -> None:
        identity = identities.identity_of(block.kind)
        harmless = identity is None or not identity.kind
        message = "it is managed elsewhere, and only referred to here: it is not taken over"
        remedy = "" if harmless else "import its source as well, or the instance itself"
        self._left_out(block.location, block.path, message, remedy, harmless)


def _needed(name: str, block: ConfigurationBlock, values: dict[str, YamlNode]) -> bool:
    return name not in values and "default" not in block.body.arguments


def _mappings(node: YamlNode | None) -> Iterator[Mapping]:
    if node is not None and not isinstance(node, Scalar | Mapping):
        yield from (item for item in node.items if isinstance(item, Mapping))


def _key(resource: ArmResource) -> tuple[str, ...]:
    """What can be there once; revisions of an API have one name."""
    revision = resource.properties.find("apiRevision") if resource.kind == "apis" else None
    number = revision.value if isinstance(revision, Scalar) else ""
    return resource.kind, resource.workspace, *(part.casefold() for part in resource.name), number


def _workspace(block: EvaluatedBlock) -> str:
    return identities.workspace_of(block.values)


def _body(block: EvaluatedBlock) -> Mapping:
    """The properties in the body of an ``azapi_resource``: an object, or JSON in a text."""
    body = block.values.find("body")
    if isinstance(body, Scalar) and not is_null(body):
        try:
            body = typed(compose(body.value, body.location.file), json_only=True)
        except LoadError:
            body = None
    properties = body.find("properties") if isinstance(body, Mapping) else None
    return properties if isinstance(properties, Mapping) else Mapping((), block.location)
