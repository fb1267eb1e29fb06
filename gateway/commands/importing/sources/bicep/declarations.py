"""
What a Bicep file declares: parameters, variables, resources, modules, outputs, functions, imports.

Source: "Bicep file structure and syntax"; "Create parameters files for Bicep deployment".
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import pairwise

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser

from gateway.commands.importing.sources.bicep.expressions import BicepText, ExpressionBuilder, meaningful
from gateway.commands.importing.sources.template.limits import EvaluationFault
from gateway.commands.importing.sources.template.names import below, without_version
from gateway.commands.importing.sources.template.syntax import (
    ObjectExpression,
    Repetition,
    TemplateExpression,
    WrittenOut,
)
from gateway.errors import Location

_PARAMETER_VALUE = re.compile(rb"param(?=[ \t]+\w+[ \t]*=)")
_NOT_CODE = rb"'''.*?'''|'(?:\\.|[^'\\\n])*'|//[^\n]*|/\*.*?\*/"
_START = re.compile(
    _NOT_CODE
    + rb"|^(?P<start>@|(?:param|var|resource|module|output|func|type|import|using|metadata|targetScope|assert|"
    rb"test|extension|provider|extends)\b(?=[ \t]))",
    re.MULTILINE | re.DOTALL,
)
_SURE = re.compile(_NOT_CODE + rb"|(?<=[\w)\]])(?P<sure>!)(?=[\s.,)\[\]}:?])", re.DOTALL)
_RESOURCE_TYPE = re.compile(rb"\bresource(?:In|Out)put<'[^'\n]*'>(?:\.[\w*]+|\[\*\])*")
_TYPED_VARIABLE = re.compile(rb"^(var[ \t]+\w+[ \t]+)([^=\s][^=]*)(=)", re.MULTILINE)
_SKIPPED = (b"extension", b"provider", b"extends", b"type", b"metadata", b"targetScope", b"assert", b"test")


@dataclass(frozen=True, slots=True)
class BicepParameter:
    """``@secure() param name type = default``."""

    name: str
    type: str
    default: TemplateExpression | None
    secure: bool
    location: Location


@dataclass(frozen=True, slots=True)
class BicepResource:
    """
    ``resource name 'type@version' = …``, or a module: then *kind* is its path.

    Attributes:
        outer: The symbol of the resource that it is declared inside; empty at the top of the file.
        loop: Around the whole resource.
    """

    name: str
    kind: str
    existing: bool
    body: ObjectExpression
    condition: TemplateExpression | None
    loop: Repetition | None
    location: Location
    outer: str = ""


@dataclass(frozen=True, slots=True)
class BicepFunction:
    """``func name(parameter type) type => body``."""

    parameters: tuple[str, ...]
    body: TemplateExpression


@dataclass(frozen=True, slots=True)
class BicepImport:
    """``import {a, b as c} from 'file'`` (*names*: local name → name there) or ``import * as space from 'file'``."""

    path: str
    names: dict[str, str]
    space: str
    location: Location


@dataclass(slots=True)
class BicepFile:
    """A file; *faults* are the declarations that could not be read."""

    file: str
    parameters: dict[str, BicepParameter] = field(default_factory=dict)
    variables: dict[str, TemplateExpression] = field(default_factory=dict)
    resources: dict[str, BicepResource] = field(default_factory=dict)
    modules: dict[str, BicepResource] = field(default_factory=dict)
    outputs: dict[str, TemplateExpression] = field(default_factory=dict)
    functions: dict[str, BicepFunction] = field(default_factory=dict)
    imports: list[BicepImport] = field(default_factory=list)
    faults: list[EvaluationFault] = field(default_factory=list)
    using: str = ""


LONGEST_PARSE_S = 1  # processor time; a file of thousands of lines takes a tenth of it
_PIECE = 1 << 16


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_bicep.language()))


def parse(text: str, file: str) -> BicepFile:
    """The declarations of a ``.bicep`` or ``.bicepparam`` file; what cannot be read is among its faults."""
    data = text.encode("utf-8", "replace")
    content = BicepFile(file)
    line = 0
    for declaration in _declarations(_SURE.sub(_without_sign, data)):
        _DeclarationReader(_prepared(declaration, file, line), content).read()
        line += declaration.count(b"\n")
    return content


def _without_sign(match: re.Match[bytes]) -> bytes:
    """``value!`` says that a value is not null: the grammar takes it for a type, and it changes nothing."""
    return match[0] if match["sure"] is None else b" "


def _without_type(match: re.Match[bytes]) -> bytes:
    """``var name type = value``: the grammar knows no types of variables, and they change nothing."""
    return match[1] + re.sub(rb"[^\n]", b" ", match[2]) + match[3]


def _declarations(data: bytes) -> Iterator[bytes]:
    """*data* in declarations, each with its decorators: what cannot be read in one does not spoil the next."""
    marks = [mark for mark in _START.finditer(data) if mark["start"]]
    behind_decorator = [False, *(mark["start"] == b"@" for mark in marks)]
    starts = [mark.start() for mark, decorated in zip(marks, behind_decorator, strict=False) if not decorated]
    edges = [0, *starts, len(data)]
    return (data[start:end] for start, end in pairwise(edges))


def _prepared(declaration: bytes, file: str, line: int) -> BicepText:
    """A declaration as the grammar knows it; what plays no part here is blank."""
    if file.endswith(".bicepparam"):  # the grammar knows ``param name type = value`` alone
        declaration = _PARAMETER_VALUE.sub(b"var  ", declaration)
    declaration = _RESOURCE_TYPE.sub(lambda match: b"object".ljust(len(match[0])), declaration)
    declaration = _TYPED_VARIABLE.sub(_without_type, declaration, count=1)
    keywords = [mark["start"] for mark in _START.finditer(declaration) if mark["start"] not in (None, b"@")]
    return BicepText(b"" if keywords[:1] and keywords[0] in _SKIPPED else declaration, file, line)


class _DeclarationReader:
    """Reads one declaration into a file's."""

    def __init__(self, text: BicepText, content: BicepFile) -> None:
        self._text = text
        self._build = ExpressionBuilder(text)
        self._file = content
        self._readers = {
            "parameter_declaration": self._parameter,
            "variable_declaration": self._variable,
            "resource_declaration": self._resource,
            "module_declaration": self._module,
            "output_declaration": self._output,
            "user_defined_function": self._function,
            "import_functionality": self._import,
            "using_statement": self._using,
        }

    def read(self) -> None:
        """Add what is declared, or a fault."""
        decorators: list[str] = []
        root = self._root()
        for node in () if root is None else meaningful(root):
            if node.type == "decorators":
                decorators = [self._text.of(part) for part in node.children]
                continue
            self._declaration(node, decorators)
            decorators = []

    def _root(self) -> Node | None:
        """The file's tree, or None: thousands of open brackets take the grammar quadratic time."""
        end, data = time.process_time() + LONGEST_PARSE_S, self._text.data

        def piece(offset: int, place: object) -> bytes:
            return data[offset : offset + _PIECE]

        try:
            return _parser().parse(piece, progress_callback=lambda *progress: time.process_time() > end).root_node
        except ValueError:  # the time was over
            _parser().reset()
            location = Location(self._text.file)
            self._fault(
                EvaluationFault(location, f"the file takes longer than {LONGEST_PARSE_S} s to read: simplify it")
            )
            return None

    def _declaration(self, node: Node, decorators: list[str]) -> None:
        if node.is_error:
            shown = " ".join(self._text.of(node).split())[:40]
            self._fault(EvaluationFault(self._place(node), f"this is not Bicep that is known here: {shown}"))
        reader = self._readers.get(node.type)
        if reader is None:
            return
        try:
            reader(node, decorators)
        except EvaluationFault as fault:
            self._fault(fault)

    def _fault(self, fault: EvaluationFault) -> None:
        self._file.faults.append(fault)

    def _place(self, node: Node) -> Location:
        return self._text.place(node.start_byte)

    def _name(self, node: Node) -> str:
        name = next((part for part in node.children if part.type in ("identifier", "compatible_identifier")), None)
        return "" if name is None else self._text.of(name)

    def _behind(self, node: Node, mark: str) -> Node | None:
        """What follows *mark* in a declaration."""
        parts = meaningful(node)
        at = next((position for position, part in enumerate(parts) if part.type == mark), None)
        return parts[at + 1] if at is not None and at + 1 < len(parts) else None

    # -- values
    def _parameter(self, node: Node, decorators: list[str]) -> None:
        name = self._name(node)
        default = self._behind(node, "=")
        kind = next((self._text.of(part) for part in node.children if part.type == "type"), "")
        secure = any(re.match(r"@\s*(?:sys\.)?secure\s*\(", decorator) for decorator in decorators)
        value = None if default is None else self._build.build(default)
        self._file.parameters[name] = BicepParameter(name, kind, value, secure, self._place(node))

    def _variable(self, node: Node, decorators: list[str]) -> None:
        self._file.variables[self._name(node)] = self._build.build(self._behind(node, "="))

    def _output(self, node: Node, decorators: list[str]) -> None:
        self._file.outputs[self._name(node)] = self._build.build(self._behind(node, "="))

    def _function(self, node: Node, decorators: list[str]) -> None:
        listed = next((part for part in node.children if part.type == "parameters"), None)
        parameters = [part for part in listed.children if part.type == "parameter"] if listed is not None else []
        body = self._build.build(self._behind(node, "=>"))
        self._file.functions[self._name(node)] = BicepFunction(tuple(map(self._name, parameters)), body)

    def _import(self, node: Node, decorators: list[str]) -> None:
        path = self._path(node)
        shown = self._text.of(node).partition("from")[0]
        if "{" not in shown:
            self._file.imports.append(BicepImport(path, {}, self._name(node), self._place(node)))
            return
        pairs = [part.split() for part in shown.partition("{")[2].rpartition("}")[0].split(",") if part.strip()]
        names = {words[-1]: words[0] for words in pairs}
        self._file.imports.append(BicepImport(path, names, "", self._place(node)))

    def _path(self, node: Node) -> str:
        """The text in a declaration: a path, or a type."""
        return next((self._literal(part) for part in node.children if part.type == "string"), "")

    def _using(self, node: Node, decorators: list[str]) -> None:
        self._file.using = self._path(node)

    def _literal(self, node: Node) -> str:
        built = self._build.build(node)
        return built.label if isinstance(built, WrittenOut) else ""

    # -- resources and modules
    def _resource(self, node: Node, decorators: list[str]) -> None:
        self._declared(node, "", "")

    def _declared(self, node: Node, outer: str, outer_kind: str) -> None:
        """A resource and those declared inside it."""
        kind = without_version(self._path(node))
        kind = below(outer_kind, kind) if outer_kind else kind
        name = f"{outer}::{self._name(node)}" if outer else self._name(node)
        existing = any(part.type == "existing" for part in node.children)
        resource, inside = self._around(node, name, kind, existing, outer)
        self._file.resources[name] = resource
        for child in inside:
            try:
                self._declared(child, name, kind)
            except EvaluationFault as fault:
                self._fault(fault)

    def _module(self, node: Node, decorators: list[str]) -> None:
        name = self._name(node)
        self._file.modules[name] = self._around(node, name, self._path(node), False, "")[0]

    def _around(self, node: Node, name: str, kind: str, existing: bool, outer: str) -> tuple[BicepResource, list[Node]]:
        """The declaration *node*, and the declarations inside its body."""
        value = self._behind(node, "=")
        loop: Repetition | None = None
        if value is not None and value.type == "for_statement":
            loop = self._build.loop(value)
            body, condition, built = _object_in(value.child_by_field_name("body")), loop.condition, loop.body
        else:
            body, condition, built = self._single(node, value)
        if body is None or not isinstance(built, ObjectExpression):
            raise EvaluationFault(self._place(node), f"the body of {name} is not an object that is known here")
        resource = BicepResource(
            name=name,
            kind=kind,
            existing=existing,
            body=built,
            condition=condition,
            loop=None if loop is None else replace(loop, condition=None),
            location=self._place(node),
            outer=outer,
        )
        return resource, list(_inner_resources(body))

    def _single(
        self, node: Node, value: Node | None
    ) -> tuple[Node | None, TemplateExpression | None, TemplateExpression]:
        """A body outside of a loop: its node, its condition, and what it says."""
        body = _object_in(value)
        if value is None or body is None:
            raise EvaluationFault(self._place(node), "the body of a declaration is not an object that is known here")
        condition = self._build.guarded(value)[0] if value.type == "if_statement" else None
        return body, condition, self._build.object(body)


def _object_in(node: Node | None) -> Node | None:
    """The object that a declaration's body is, or that ``if (…)`` guards."""
    if node is not None and node.type == "if_statement":
        node = next((part for part in node.children if part.type == "object"), None)
    return node if node is not None and node.type == "object" else None


def _inner_resources(body: Node) -> Iterator[Node]:
    for entry in body.children:
        if entry.type == "resource_declaration":
            yield entry
        elif entry.type == "object_property":
            yield from (part for part in entry.children if part.type == "resource_declaration")
