"""
Blocks with their arguments evaluated, and how many there are of each: ``count``, ``for_each``, ``dynamic``.

Source: Terraform's documentation, "The count Meta-Argument", "The for_each Meta-Argument", "dynamic Blocks".
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.commands.importing.resources import Unresolved
from gateway.commands.importing.sources.terraform.conversion import NotKnown, items, whole_number
from gateway.commands.importing.sources.terraform.evaluation import Evaluator, TermScope
from gateway.commands.importing.sources.terraform.syntax import (
    BlockBody,
    BodyArgument,
    CallTerm,
    ConfigurationBlock,
    Term,
)
from gateway.commands.importing.sources.terraform.values import (
    Deployed,
    EvaluationError,
    mapping_of,
    number_node,
    unresolved,
)
from gateway.errors import Location
from gateway.reading.yaml_nodes import Mapping, Scalar, Sequence, YamlNode

MOST_INSTANCES = 5_000  # of one block
_DEEPEST_BLOCK = 12
_META = frozenset("count for_each depends_on provider providers lifecycle".split())
_META_BLOCKS = frozenset("lifecycle provisioner connection timeouts".split())


@dataclass(frozen=True, slots=True)
class Expansion:
    """
    The instances of a block: key and names of each.

    Attributes:
        how: ``""`` for exactly one, ``count`` or ``for_each``; ``unknown`` where one stands for any number.
    """

    how: str
    instances: list[tuple[str, dict[str, YamlNode]]]

    def arranged(self, values: list[tuple[str, Deployed]], location: Location) -> YamlNode:
        """What the block's name means."""
        if self.how in ("", "unknown"):
            return values[0][1] if values else Mapping((), location)
        if self.how == "count":
            return Sequence(tuple(value for _, value in values), location)
        return mapping_of(values, location)

    def named(self, path: str, key: str) -> str:
        """How the instance *key* is written."""
        return {"count": f"{path}[{key}]", "for_each": f'{path}["{key}"]'}.get(self.how, path)


def expand(body: BlockBody, evaluator: Evaluator, scope: TermScope) -> Expansion | None:
    """The instances of the block *body*; None where for_each is not known. Raises EvaluationError."""
    count, for_each = body.arguments.get("count"), body.arguments.get("for_each")
    if count is not None:
        return _counted(evaluator.evaluate(count.value, scope), count.location)
    if for_each is None:
        return Expansion("", [("", {})])
    try:
        pairs = pairs_of(evaluator.evaluate(for_each.value, scope), for_each.location)
    except NotKnown:
        return None
    return Expansion("for_each", [(key.value, {"each": _named(key, value)}) for key, value in pairs])


def _named(key: Scalar, value: YamlNode) -> Mapping:
    return mapping_of([("key", key), ("value", value)], key.location)


def _counted(count: YamlNode, location: Location) -> Expansion:
    if isinstance(count, Unresolved):
        return Expansion("unknown", [("0", {"count": mapping_of([("index", number_node(0, location))], location)})])
    number = whole_number(count, location)
    if number > MOST_INSTANCES:
        raise EvaluationError(location, f"count is more than {MOST_INSTANCES}")
    places = [(str(place), number_node(place, location)) for place in range(number)]
    return Expansion("count", [(key, {"count": mapping_of([("index", place)], location)}) for key, place in places])


def pairs_of(collection: YamlNode, location: Location) -> list[tuple[Scalar, YamlNode]]:
    """Keys and values of what for_each has; of a set, the values are the keys. Raises NotKnown, EvaluationError."""
    pairs = list(items(collection, location))
    if len(pairs) > MOST_INSTANCES:
        raise EvaluationError(location, f"for_each has more than {MOST_INSTANCES} items")
    if not isinstance(collection, Sequence):
        return pairs
    texts = [value for _, value in pairs if isinstance(value, Scalar)]
    if len(texts) < len(pairs):
        raise EvaluationError(location, "for_each needs texts, or an object")
    return [(value, value) for value in {text.value: text for text in texts}.values()]


def evaluate_block(
    body: BlockBody, evaluator: Evaluator, scope: TermScope, path: str, depth: int = 0
) -> tuple[Deployed, list[EvaluationError]]:
    """The arguments and inner blocks of *body*; those without a value are missing, and listed with the reason."""
    problems: list[EvaluationError] = []
    entries: list[tuple[Scalar, YamlNode]] = []
    for argument in body.arguments.values():
        if argument.name in _META and not depth:
            continue
        value = _value(argument.value, argument.name, evaluator, scope, problems)
        if value is not None:
            entries.append((Scalar(argument.name, argument.location), value))
    groups = _groups(body, evaluator, scope, path, depth, problems)
    entries += [
        (Scalar(kind, group[0].location), Sequence(tuple(group), group[0].location))
        for kind, group in groups.items()
        if group
    ]
    return Deployed(tuple(entries), _start(body, entries), path), problems


def _groups(
    body: BlockBody, evaluator: Evaluator, scope: TermScope, path: str, depth: int, problems: list[EvaluationError]
) -> dict[str, list[YamlNode]]:
    """The inner blocks by kind."""
    groups: dict[str, list[YamlNode]] = {}
    inner_blocks = [block for block in body.blocks if block.kind not in _META_BLOCKS and depth < _DEEPEST_BLOCK]
    for block in inner_blocks:
        kind = block.labels[0] if block.kind == "dynamic" and block.labels else block.kind
        group = groups.setdefault(kind, [])
        for inner, names in _inner_blocks(block, evaluator, scope, problems):
            place = f"{path}.{kind}[{len(group)}]"
            value, unread = evaluate_block(inner, evaluator, scope.with_names(names), place, depth + 1)
            problems += unread
            group.append(Deployed(value.entries, block.location, value.path))
    return groups


def _start(body: BlockBody, entries: list[tuple[Scalar, YamlNode]]) -> Location:
    first = next(iter(body.blocks), None)
    return entries[0][0].location if entries else (first.location if first else Location(""))


def _value(
    term: Term, name: str, evaluator: Evaluator, scope: TermScope, problems: list[EvaluationError]
) -> YamlNode | None:
    if name == "body" and isinstance(term, CallTerm) and term.name == "jsonencode" and term.arguments:
        term = term.arguments[0]  # an object keeps the places of its values, its text does not
    try:
        return evaluator.evaluate(term, scope)
    except EvaluationError as error:
        problems.append(error)
        return unresolved(term.source, term.location)
    except RecursionError:
        evaluator.bounds.depth = 0
        problems.append(EvaluationError(term.location, "values depend on each other too deeply"))
        return None


def _inner_blocks(
    block: ConfigurationBlock, evaluator: Evaluator, scope: TermScope, problems: list[EvaluationError]
) -> list[tuple[BlockBody, dict[str, YamlNode]]]:
    """A block itself, or what a dynamic one makes."""
    if block.kind != "dynamic":
        return [(block.body, {})]
    content, for_each = block.body.first("content"), block.body.arguments.get("for_each")
    if content is None or for_each is None or not block.labels:
        return []
    iterator = block.body.arguments.get("iterator")
    name = block.labels[0] if iterator is None else iterator.value.source.strip('"')
    pairs = _dynamic_pairs(for_each, block.labels[0], evaluator, scope, problems)
    return [(content.body, {name: _named(key, value)}) for key, value in pairs]


def _dynamic_pairs(
    for_each: BodyArgument, kind: str, evaluator: Evaluator, scope: TermScope, problems: list[EvaluationError]
) -> list[tuple[Scalar, YamlNode]]:
    try:
        collection = evaluator.evaluate(for_each.value, scope)
        pairs = [] if isinstance(collection, Scalar) and collection.null else list(items(collection, for_each.location))
        if len(pairs) > MOST_INSTANCES:
            raise EvaluationError(for_each.location, f"for_each has more than {MOST_INSTANCES} items")
    except NotKnown:
        message = f"how many {kind} blocks there are is known to the deployment alone"
        problems.append(EvaluationError(for_each.location, message))
        return []
    except EvaluationError as error:
        problems.append(error)
        return []
    return pairs
