"""
Terms become values. What only the deployment knows stays unresolved, and so does what depends on it.

Source: HCL Native Syntax Specification, "Expressions"; Terraform's documentation, "Expressions".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from gateway.commands.importing.resources import Unresolved
from gateway.commands.importing.sources.terraform import operators
from gateway.commands.importing.sources.terraform.conversion import NotKnown, flag, items, text
from gateway.commands.importing.sources.terraform.folder import SourceFolder
from gateway.commands.importing.sources.terraform.functions import FUNCTIONS
from gateway.commands.importing.sources.terraform.functions.calls import FunctionCall, run
from gateway.commands.importing.sources.terraform.parsing import read_template
from gateway.commands.importing.sources.terraform.syntax import (
    ITEM,
    CallTerm,
    ConditionalTerm,
    IndexTerm,
    ListTerm,
    LiteralTerm,
    LoopTerm,
    MemberTerm,
    NameTerm,
    ObjectTerm,
    OperationTerm,
    SplatTerm,
    TemplateChoice,
    TemplateLoop,
    TemplateTerm,
    Term,
)
from gateway.commands.importing.sources.terraform.values import (
    DEEPEST_EVALUATION,
    Deployed,
    EvaluationError,
    WorkBounds,
    flag_node,
    is_null,
    joined,
    mapping_of,
    plain,
    text_node,
    unknowns,
    unresolved,
)
from gateway.errors import LoadError, Location
from gateway.reading.yaml_nodes import Mapping as NodeMapping
from gateway.reading.yaml_nodes import Scalar, Sequence, YamlNode


class References(Protocol):
    """What the names outside of an expression mean."""

    def reference(self, root: str, name: str, location: Location) -> YamlNode:
        """``root.name``: a variable, a local value, a module, a resource. Raises EvaluationError."""

    def data_source(self, kind: str, name: str, location: Location) -> YamlNode:
        """``data.kind.name``. Raises EvaluationError."""


class NoReferences:
    """A template file sees only the variables that it is given."""

    def reference(self, root: str, name: str, location: Location) -> YamlNode:
        """Nothing is known."""
        raise EvaluationError(location, f"{root} is not among the variables of this template")

    def data_source(self, kind: str, name: str, location: Location) -> YamlNode:
        """Nothing is known."""
        raise EvaluationError(location, "a template cannot refer to data sources")


@dataclass(frozen=True, slots=True)
class TermScope:
    """The names that an expression may use: its own (``each``, names of loops), and those around it."""

    references: References
    names: Mapping[str, YamlNode] = field(default_factory=dict)

    def with_names(self, names: Mapping[str, YamlNode]) -> TermScope:
        """This scope and *names*, which hide others."""
        return TermScope(self.references, {**self.names, **names})


class Evaluator:
    """Evaluates terms within bounds; one for an import."""

    def __init__(self, folder: SourceFolder, bounds: WorkBounds) -> None:
        self.folder = folder
        self.bounds = bounds
        self._templates: dict[str, Term] = {}
        self._by_term: dict[type, Callable[[Any, TermScope], YamlNode]] = {
            LiteralTerm: lambda term, scope: term.value,
            TemplateTerm: self._template,
            TemplateChoice: self._template_choice,
            TemplateLoop: self._template_loop,
            NameTerm: self._name,
            MemberTerm: self._member,
            IndexTerm: self._index,
            SplatTerm: self._splat,
            CallTerm: self._call,
            ConditionalTerm: self._conditional,
            OperationTerm: self._operation,
            LoopTerm: self._loop,
            ListTerm: lambda term, scope: Sequence(
                tuple(self.evaluate(item, scope) for item in term.items), term.location
            ),
            ObjectTerm: self._object,
        }
        self._special: dict[str, Callable[[CallTerm, TermScope], YamlNode]] = {
            "try": self._try,
            "can": self._can,
            "templatefile": self._template_file,
            "templatestring": self._template_string,
        }

    def evaluate(self, term: Term, scope: TermScope) -> YamlNode:
        """The value of *term*. Raises EvaluationError: it has none."""
        self.bounds.step(term.location)
        if self.bounds.depth >= DEEPEST_EVALUATION:
            raise EvaluationError(term.location, "values depend on each other too deeply, or on themselves")
        self.bounds.depth += 1
        try:
            return self.bounds.fits(self._by_term[type(term)](term, scope), term.location)
        except NotKnown:
            return unresolved(term.source, term.location)
        finally:
            self.bounds.depth -= 1

    # -- templates
    def _template(self, term: TemplateTerm, scope: TermScope) -> YamlNode:
        values = [self.evaluate(part, scope) for part in term.parts]
        if term.bare:
            return values[0]
        parts = [_template_part(value, part.location) for value, part in zip(values, term.parts, strict=True)]
        result = joined(parts, term.location)
        self.bounds.made(term.location, result.value)
        return result

    def _template_choice(self, term: TemplateChoice, scope: TermScope) -> YamlNode:
        condition = self.evaluate(term.condition, scope)
        if isinstance(condition, Unresolved):
            return unresolved(term.condition.source, term.location, condition.secret)
        return self.evaluate(term.chosen if flag(condition, term.location) else term.otherwise, scope)

    def _template_loop(self, term: TemplateLoop, scope: TermScope) -> YamlNode:
        collection = self.evaluate(term.collection, scope)
        if isinstance(collection, Unresolved):
            return unresolved(term.collection.source, term.location, collection.secret)
        texts = []
        for key, value in items(collection, term.location):
            names = {term.key: key, term.value: value} if term.key else {term.value: value}
            texts.append(_template_part(self.evaluate(term.body, scope.with_names(names)), term.location))
        result = joined(texts, term.location)
        self.bounds.made(term.location, result.value)
        return result

    def _template_file(self, term: CallTerm, scope: TermScope) -> YamlNode:
        path, *rest = [self.evaluate(argument, scope) for argument in term.arguments] or [text_node("", term.location)]
        names = rest[0] if rest else NodeMapping((), term.location)
        if isinstance(path, Unresolved) or isinstance(names, Unresolved):
            return unresolved(term.source, term.location)
        file = text(path, term.location)
        if file not in self._templates:
            content = self.folder.text(file, term.location)
            self._templates[file] = _read_template(content.value, content.location.file)
        return self._with_variables(self._templates[file], names, term.location)

    def _template_string(self, term: CallTerm, scope: TermScope) -> YamlNode:
        content, *rest = [self.evaluate(argument, scope) for argument in term.arguments]
        names = rest[0] if rest else NodeMapping((), term.location)
        return self.rendered(content, names, term.location)

    def rendered(self, content: YamlNode, names: YamlNode, location: Location) -> YamlNode:
        """The template *content* with the variables *names*, as ``template_file`` of early versions has it."""
        if isinstance(content, Unresolved) or isinstance(names, Unresolved):
            raise NotKnown
        template = _read_template(text(content, location), content.location.file)
        return self._with_variables(template, names, location)

    def _with_variables(self, template: Term, names: YamlNode, location: Location) -> YamlNode:
        variables = {key.value: value for key, value in items(names, location)}
        return self.evaluate(template, TermScope(NoReferences(), variables))

    # -- references
    def _name(self, term: NameTerm, scope: TermScope) -> YamlNode:
        if term.name in scope.names:
            return scope.names[term.name]
        raise EvaluationError(term.location, f"{term.name} is not known")

    def _member(self, term: MemberTerm, scope: TermScope) -> YamlNode:
        outer = self._outer(term, scope)
        return member(self.evaluate(term.base, scope), term.name, term.location) if outer is None else outer

    def _outer(self, term: MemberTerm, scope: TermScope) -> YamlNode | None:
        """What a name means that comes from outside the expression: ``var.x``, ``data.type.name``."""
        base = term.base
        if isinstance(base, NameTerm) and base.name not in scope.names:
            return scope.references.reference(base.name, term.name, term.location)
        if isinstance(base, MemberTerm) and isinstance(base.base, NameTerm):
            return _declared(base.base.name, base.name, term, scope)
        return None

    def _index(self, term: IndexTerm, scope: TermScope) -> YamlNode:
        base, key = self.evaluate(term.base, scope), self.evaluate(term.key, scope)
        if isinstance(key, Unresolved):
            return unresolved(term.source, term.location, key.secret)
        return entry(base, text(key, term.location), term.location)

    def _splat(self, term: SplatTerm, scope: TermScope) -> YamlNode:
        base = self.evaluate(term.base, scope)
        if isinstance(base, Unresolved):
            return self.evaluate(term.rest, scope.with_names({ITEM: base}))
        if is_null(base):
            return Sequence((), term.location)
        spread = base.items if isinstance(base, Sequence) else (base,)
        return Sequence(
            tuple(self.evaluate(term.rest, scope.with_names({ITEM: item})) for item in spread), term.location
        )

    # -- operators
    def _conditional(self, term: ConditionalTerm, scope: TermScope) -> YamlNode:
        condition = self.evaluate(term.condition, scope)
        if not isinstance(condition, Unresolved):
            return self.evaluate(term.chosen if flag(condition, term.location) else term.otherwise, scope)
        chosen, otherwise = self.evaluate(term.chosen, scope), self.evaluate(term.otherwise, scope)
        if plain(chosen) == plain(otherwise):
            return chosen
        secret = any(part.secret for value in (condition, chosen, otherwise) for part in unknowns(value))
        return unresolved(term.source, term.location, secret)

    def _operation(self, term: OperationTerm, scope: TermScope) -> YamlNode:
        first = self.evaluate(term.operands[0], scope)
        settled = operators.settled(term.operator, first)
        if settled is not None:
            return flag_node(settled, term.location)
        operands = [first, *(self.evaluate(operand, scope) for operand in term.operands[1:])]
        self.bounds.step(term.location, sum(map(self.bounds.size, operands)))
        return operators.operate(term.operator, operands, term.location)

    # -- collections
    def _object(self, term: ObjectTerm, scope: TermScope) -> YamlNode:
        entries: dict[str, tuple[Scalar, YamlNode]] = {}
        for key_term, value_term in term.entries:
            key = self.evaluate(key_term, scope)
            if not isinstance(key, Scalar):
                raise EvaluationError(key_term.location, "a key that is not text")
            entries[key.value] = (Scalar(key.value, key_term.location), self.evaluate(value_term, scope))
        return NodeMapping(tuple(entries.values()), term.location)

    def _loop(self, term: LoopTerm, scope: TermScope) -> YamlNode:
        collection = self.evaluate(term.collection, scope)
        if isinstance(collection, Unresolved):
            return unresolved(term.source, term.location, collection.secret)
        scopes = list(self._loop_scopes(term, collection, scope))
        if term.key_result is None:
            return Sequence(tuple(self.evaluate(term.result, inner) for inner in scopes), term.location)
        return self._loop_object(term, term.key_result, scopes)

    def _loop_scopes(self, term: LoopTerm, collection: YamlNode, scope: TermScope) -> Iterator[TermScope]:
        for key, value in items(collection, term.location):
            inner = scope.with_names({term.key: key, term.value: value} if term.key else {term.value: value})
            condition = None if term.condition is None else self.evaluate(term.condition, inner)
            if isinstance(condition, Unresolved):
                raise NotKnown
            if condition is None or flag(condition, term.location):
                yield inner

    def _loop_object(self, term: LoopTerm, key_result: Term, scopes: list[TermScope]) -> YamlNode:
        groups: dict[str, list[YamlNode]] = {}
        for inner in scopes:
            key = text(self.evaluate(key_result, inner), term.location)
            groups.setdefault(key, []).append(self.evaluate(term.result, inner))
        if term.grouped:
            return mapping_of(((key, Sequence(tuple(v), term.location)) for key, v in groups.items()), term.location)
        doubled = next((key for key, values in groups.items() if len(values) > 1), None)
        if doubled is not None:
            raise EvaluationError(term.location, f"the key {doubled!r} occurs twice")
        return mapping_of(((key, values[0]) for key, values in groups.items()), term.location)

    # -- functions
    def _call(self, term: CallTerm, scope: TermScope) -> YamlNode:
        name = term.name.removeprefix("core::")
        special = self._special.get(name)
        if special is not None:
            return special(term, scope)
        function = FUNCTIONS.get(name)
        if function is None:
            raise EvaluationError(term.location, f"the function {term.name} is not known here")
        arguments = [self.evaluate(argument, scope) for argument in term.arguments]
        if term.expanded and arguments:
            arguments = [*arguments[:-1], *(value for _, value in items(arguments[-1], term.location))]
        self.bounds.step(term.location, sum(map(self.bounds.size, arguments)))
        call = FunctionCall(name, arguments, term.location, term.source, self.bounds, self.folder)
        return run(function, call)

    def _try(self, term: CallTerm, scope: TermScope) -> YamlNode:
        for argument in term.arguments:
            try:
                return self.evaluate(argument, scope)
            except EvaluationError as error:
                last = error
        raise EvaluationError(term.location, f"no argument of try has a value: {last.message}")

    def _can(self, term: CallTerm, scope: TermScope) -> YamlNode:
        try:
            return flag_node(not isinstance(self.evaluate(term.arguments[0], scope), Unresolved), term.location)
        except EvaluationError:
            return flag_node(False, term.location)


def _declared(word: str, kind: str, term: MemberTerm, scope: TermScope) -> YamlNode | None:
    """``data.kind.name`` and ``resource.kind.name``."""
    if word == "data":
        return scope.references.data_source(kind, term.name, term.location)
    return scope.references.reference(kind, term.name, term.location) if word == "resource" else None


def _template_part(value: YamlNode, location: Location) -> Scalar:
    if is_null(value):
        raise EvaluationError(location, "null has no place in a text")
    if not isinstance(value, Scalar):
        raise EvaluationError(location, "a list or an object has no place in a text")
    return value


def _read_template(content: str, file: str) -> Term:
    try:
        return read_template(content, file)
    except LoadError as error:
        problem = error.problems[0]
        raise EvaluationError(problem.location, problem.message) from None


def member(base: YamlNode, name: str, location: Location) -> YamlNode:
    """``base.name``. Raises EvaluationError."""
    if isinstance(base, Unresolved):
        return _inside(base, f".{name}", location)
    if isinstance(base, Sequence) and name.isdecimal():
        return entry(base, name, location)
    value = base.find(name) if isinstance(base, NodeMapping) else None
    if value is not None:
        return value
    if isinstance(base, Deployed):
        return unresolved(f"{base.path}.{name}", location, _is_secret(base.path, name))
    raise EvaluationError(location, f"there is no {name} here")


def entry(base: YamlNode, key: str, location: Location) -> YamlNode:
    """``base[key]``. Raises EvaluationError."""
    if isinstance(base, Unresolved):
        return _inside(base, f"[{key}]" if key.isdecimal() else f'["{key}"]', location)
    if isinstance(base, Deployed) and key.isdecimal():
        return base  # how many there are is not known: the one stands for all
    if isinstance(base, NodeMapping):
        return member(base, key, location)
    item = _item(base, key) if isinstance(base, Sequence) else None
    if item is None:
        raise EvaluationError(location, f"there is no [{key[:40]}] here")
    return item


def _item(base: Sequence, key: str) -> YamlNode | None:
    number = int(key) if key.isdecimal() and len(key) < 10 else len(base.items)
    return base.items[number] if number < len(base.items) else None


def _inside(base: Unresolved, step: str, location: Location) -> Unresolved:
    """What is asked of something that is not known."""
    if len(base.names) == 1 and base.value == f"{{{base.names[0]}}}":
        return unresolved(base.names[0] + step, location, base.secret or _is_secret("", step))
    return Unresolved(base.value, location, names=base.names, secret=base.secret)


_SECRETS = ("key", "password", "secret", "connection_string", "token", "credential")


def _is_secret(path: str, name: str) -> bool:
    """Whether an attribute of a resource is one that Azure keeps secret, by its name."""
    folded = name.strip(".").casefold()
    of_vault = "key_vault_secret" in path and folded == "value"
    return of_vault or (folded.endswith(_SECRETS) or folded in ("primary_key", "secondary_key"))
