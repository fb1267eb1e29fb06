"""
Instances of modules: what the names in a module mean for one set of arguments.

Everything is evaluated when it is first asked for, and once. A resource is an object of its arguments; its other
attributes are known to the deployment alone, but for the ids and names of API Management's own resources.

Source: Terraform's documentation, "References to Named Values", "The for_each Meta-Argument", "Modules".
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from gateway.commands.importing.resources import Unresolved
from gateway.commands.importing.sources.terraform import identities
from gateway.commands.importing.sources.terraform.constraints import converted
from gateway.commands.importing.sources.terraform.conversion import NotKnown
from gateway.commands.importing.sources.terraform.evaluation import Evaluator, NoReferences, TermScope
from gateway.commands.importing.sources.terraform.expansion import Expansion, evaluate_block, expand
from gateway.commands.importing.sources.terraform.modules import TerraformModule, load_module
from gateway.commands.importing.sources.terraform.syntax import ConfigurationBlock, Term
from gateway.commands.importing.sources.terraform.values import (
    Deployed,
    EvaluationError,
    is_null,
    mapping_of,
    text_node,
    unresolved,
)
from gateway.errors import Location, Problem
from gateway.reading.yaml_nodes import Mapping, Scalar, YamlNode

DEEPEST_MODULE = 12
_STEPS_OF_MODULE = 200  # that one more instance of a module counts as


@dataclass(slots=True)
class Loading:
    """What all instances of one import share."""

    evaluator: Evaluator
    modules: dict[Path, TerraformModule] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def module(self, folder: Path) -> TerraformModule:
        """The module in *folder*, read once."""
        if folder not in self.modules:
            self.modules[folder] = load_module(folder)
            self.problems += self.modules[folder].problems
        return self.modules[folder]


@dataclass(frozen=True, slots=True)
class EvaluatedBlock:
    """
    One instance of a resource or data source.

    Attributes:
        path: How it is written: ``module.apis["orders"].azurerm_api_management_api.this[0]``.
        problems: The arguments that have no value, and why.
        absent: There is none of it: ``count`` is 0, or ``for_each`` empty.
    """

    kind: str
    label: str
    path: str
    values: Deployed
    location: Location
    problems: tuple[EvaluationError, ...]
    absent: bool = False


def _absent(block: ConfigurationBlock, written: str) -> EvaluatedBlock:
    return EvaluatedBlock(block.labels[0], "", written, Deployed((), block.location), block.location, (), absent=True)


class ModuleInstance:
    """
    Args:
        arguments: Values of the module's variables.
        path: How the module is written: ``module.apis``; empty for the root.
        above: The folders of the modules around it.
    """

    def __init__(
        self,
        loading: Loading,
        folder: Path,
        arguments: dict[str, YamlNode],
        path: str = "",
        above: tuple[Path, ...] = (),
    ) -> None:
        self._loading = loading
        self._evaluator = loading.evaluator
        self.module = loading.module(folder)
        self.path = path
        self._arguments = arguments
        self._above = (*above, folder)
        self._scope = TermScope(self)
        self._known: dict[tuple[str, str], YamlNode] = {}
        self._blocks: dict[tuple[str, str, str], list[tuple[str, EvaluatedBlock]]] = {}
        self._children: dict[str, list[tuple[str, ModuleInstance]]] = {}
        self._running: set[tuple[str, ...]] = set()

    # -- what names mean
    def reference(self, root: str, name: str, location: Location) -> YamlNode:
        """``root.name``. Raises EvaluationError."""
        match root:
            case "var" | "local":
                return self._value(root, name, location)
            case "path":
                return self._path(name, location)
            case "module":
                return self._outputs(name, location)
            case "terraform" | "each" | "count" | "self":
                return unresolved(f"{root}.{name}", location)
            case _:
                return self._object("resource", root, name, location)

    def data_source(self, kind: str, name: str, location: Location) -> YamlNode:
        """``data.kind.name``. Raises EvaluationError."""
        return self._object("data", kind, name, location)

    def _path(self, name: str, location: Location) -> YamlNode:
        folder = self._evaluator.folder
        return text_node(folder.relative(self.module.folder if name == "module" else folder.root), location)

    def _value(self, root: str, name: str, location: Location) -> YamlNode:
        if (root, name) not in self._known:
            with self._guarded((root, name), location):
                value = self._variable(name, location) if root == "var" else self._local(name, location)
                self._known[root, name] = value
        return self._known[root, name]

    @contextmanager
    def _guarded(self, key: tuple[str, ...], location: Location) -> Iterator[None]:
        """Whatever is inside cannot ask for itself. Raises EvaluationError."""
        if key in self._running:
            raise EvaluationError(location, f"{'.'.join(key)} refers to itself")
        self._running.add(key)
        try:
            yield
        finally:
            self._running.discard(key)

    def _local(self, name: str, location: Location) -> YamlNode:
        argument = self.module.locals.get(name)
        if argument is None:
            raise EvaluationError(location, f"there is no local value {name}")
        return self._evaluator.evaluate(argument.value, self._scope)

    def _variable(self, name: str, location: Location) -> YamlNode:
        block = self.module.variables.get(name)
        if block is None:
            raise EvaluationError(location, f"there is no variable {name}")
        arguments = block.body.arguments
        secret = "sensitive" in arguments and arguments["sensitive"].value.source == "true"
        value = self._given(name, block)
        if value is None:
            return unresolved(name, block.location, secret)
        if "type" in arguments:
            value = converted(value, arguments["type"].value, self._constant)
        shown = is_null(value) or isinstance(value, Unresolved)
        return unresolved(name, value.location, True) if secret and not shown else value

    def _given(self, name: str, block: ConfigurationBlock) -> YamlNode | None:
        value = self._arguments.get(name)
        arguments = block.body.arguments
        never_null = "nullable" in arguments and arguments["nullable"].value.source == "false"
        if value is not None and not (never_null and is_null(value)):
            return value
        return self._constant(arguments["default"].value) if "default" in arguments else None

    def _constant(self, term: Term) -> YamlNode:
        return self._evaluator.evaluate(term, TermScope(NoReferences()))

    # -- resources and data sources
    def _object(self, declared: str, kind: str, name: str, location: Location) -> YamlNode:
        block = (self.module.resources if declared == "resource" else self.module.data).get((kind, name))
        if block is None:
            raise EvaluationError(location, f"there is no {declared} {kind}.{name}")
        expansion = self._expansion(block)
        if expansion is None:
            return Deployed((), block.location, self._written(declared, kind, name))
        values = [(key, item.values) for key, item in self._instances(declared, block, expansion)]
        return expansion.arranged(values, block.location)

    def blocks(self, declared: str, prefix: str) -> Iterator[EvaluatedBlock]:
        """Every instance of the resources (or ``data``) whose type begins with *prefix*."""
        for (kind, _), block in (self.module.resources if declared == "resource" else self.module.data).items():
            if kind.startswith(prefix):
                yield from self._each(declared, block)

    def _each(self, declared: str, block: ConfigurationBlock) -> Iterator[EvaluatedBlock]:
        written = self._written(declared, *block.labels)
        try:
            expansion = self._expansion(block)
            if expansion is not None:
                instances = [instance for _, instance in self._instances(declared, block, expansion)]
                yield from instances or [_absent(block, written)]
                return
            message = "for_each depends on what only the deployment knows"
            problem = EvaluationError(block.body.arguments["for_each"].location, message)
        except EvaluationError as error:
            problem = error
        yield EvaluatedBlock(block.labels[0], "", written, Deployed((), block.location), block.location, (problem,))

    def _expansion(self, block: ConfigurationBlock) -> Expansion | None:
        return expand(block.body, self._evaluator, self._scope)

    def _instances(
        self, declared: str, block: ConfigurationBlock, expansion: Expansion
    ) -> list[tuple[str, EvaluatedBlock]]:
        kind, name = block.labels
        if (declared, kind, name) not in self._blocks:
            with self._guarded((declared, kind, name), block.location):
                self._blocks[declared, kind, name] = [
                    (key, self._instance(declared, block, expansion, key, names)) for key, names in expansion.instances
                ]
        return self._blocks[declared, kind, name]

    def _instance(
        self, declared: str, block: ConfigurationBlock, expansion: Expansion, key: str, names: dict[str, YamlNode]
    ) -> EvaluatedBlock:
        kind, name = block.labels
        path = expansion.named(self._written(declared, kind, name), key)
        scope = self._scope.with_names(names)
        values, problems = evaluate_block(block.body, self._evaluator, scope, path)
        if expansion.how == "unknown":
            message = "count depends on what only the deployment knows: one is imported"
            problems.append(EvaluationError(block.body.arguments["count"].location, message))
        values = self._rendered(kind, identities.completed(kind, values, name), block.location)
        return EvaluatedBlock(kind, name, path, values, block.location, tuple(problems))

    def _rendered(self, kind: str, values: Deployed, location: Location) -> Deployed:
        """Data sources that only read a file of the source."""
        try:
            added = self._read(kind, values, location)
        except (EvaluationError, NotKnown):
            return values
        return identities.with_entries(values, added)

    def _read(self, kind: str, values: Deployed, location: Location) -> dict[str, YamlNode]:
        template, file = values.find("template"), values.find("filename")
        if kind == "template_file" and template is not None:
            names = values.find("vars") or Mapping((), location)
            return {"rendered": self._evaluator.rendered(template, names, location)}
        if kind == "local_file" and isinstance(file, Scalar) and not isinstance(file, Unresolved):
            return {"content": self._evaluator.folder.text(file.value, location)}
        return {}

    def _written(self, declared: str, kind: str, name: str) -> str:
        own = f"data.{kind}.{name}" if declared == "data" else f"{kind}.{name}"
        return f"{self.path}.{own}" if self.path else own

    # -- modules
    def _outputs(self, name: str, location: Location) -> YamlNode:
        call = self.module.calls.get(name)
        if call is None:
            raise EvaluationError(location, f"there is no module {name}")
        written = f"{self.path}.module.{name}" if self.path else f"module.{name}"
        expansion = self._expansion(call)
        if expansion is None or ("module", name) in self._running:
            return Deployed((), call.location, written)
        try:
            children = self.children(name)
        except EvaluationError:  # reported where the module is called
            children = []
        with self._guarded(("module", name), location):
            outputs = [(key, child.outputs()) for key, child in children]
        return expansion.arranged(outputs, call.location) if outputs else Deployed((), call.location, written)

    def outputs(self) -> Deployed:
        """The outputs that have a value."""
        values = [(name, self._output(block)) for name, block in self.module.outputs.items()]
        known = [(name, value) for name, value in values if value is not None]
        return Deployed(mapping_of(known, Location("")).entries, Location(""), self.path)

    def _output(self, block: ConfigurationBlock) -> YamlNode | None:
        argument = block.body.arguments.get("value")
        try:
            return None if argument is None else self._evaluator.evaluate(argument.value, self._scope)
        except EvaluationError:
            return None  # a part of this source that asks for it gets what is not known

    def children(self, name: str) -> list[tuple[str, ModuleInstance]]:
        """The instances of the module *name*, by key; none of a module that is not here. Raises EvaluationError."""
        if name not in self._children:
            self._children[name] = list(self._made(name, self.module.calls[name]))
        return self._children[name]

    def _made(self, name: str, call: ConfigurationBlock) -> Iterable[tuple[str, ModuleInstance]]:
        folder = self.folder_of(call)
        expansion = self._expansion(call)
        if folder is None or expansion is None:
            return
        for key, names in expansion.instances:
            self._evaluator.bounds.step(call.location, _STEPS_OF_MODULE)
            values, _ = evaluate_block(call.body, self._evaluator, self._scope.with_names(names), f"module.{name}")
            arguments = {key.value: value for key, value in values.entries if key.value not in ("source", "version")}
            path = expansion.named(f"{self.path}.module.{name}" if self.path else f"module.{name}", key)
            yield key, ModuleInstance(self._loading, folder, arguments, path, self._above)

    def folder_of(self, call: ConfigurationBlock) -> Path | None:
        """Where a local module is; None for one from a registry or repository. Raises EvaluationError."""
        source = self.source_of(call)
        if not source.startswith(("./", "../")):
            return None
        text = self._evaluator.folder.relative(self.module.folder)
        folder = self._evaluator.folder.path(f"{text}/{source}", call.location)
        if folder in self._above or len(self._above) >= DEEPEST_MODULE:
            raise EvaluationError(call.location, f"the modules call each other in a circle, or too deep: {source}")
        if not folder.is_dir():
            raise EvaluationError(call.location, f"there is no folder {source}")
        return folder

    def source_of(self, call: ConfigurationBlock) -> str:
        """A module's source as it is written. Raises EvaluationError."""
        argument = call.body.arguments.get("source")
        value = None if argument is None else self._evaluator.evaluate(argument.value, TermScope(NoReferences()))
        return value.value if isinstance(value, Scalar) else ""
