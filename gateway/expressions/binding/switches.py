"""``switch`` as a statement and as an expression."""

from __future__ import annotations

from dataclasses import dataclass

from tree_sitter import Node

from gateway.expressions.binding.binder import (
    Binder,
    Statement,
    child_of_type,
    common_type,
    expression,
    field,
    named,
    statement,
)
from gateway.expressions.binding.bound import Bound, Frame, Meaning, Run
from gateway.expressions.binding.patterns import Test, bind_pattern
from gateway.expressions.binding.signals import BREAK, CaseJump
from gateway.expressions.binding.statements import run_all
from gateway.expressions.clr import DYNAMIC, Type
from gateway.expressions.conversions import implicit
from gateway.expressions.limits import tick
from gateway.expressions.thrown import thrown


@dataclass(slots=True)
class Arm:
    """The test and the body of one case; ``default`` has no test."""

    test: Test | None
    guard: Run | None
    run: Run


@statement("switch_statement")
def bind_switch(binder: Binder, node: Node) -> Statement:
    """``switch (x) { case a: … break; default: … }``."""
    value_node, body = field(node, "value"), field(node, "body")
    value = binder.value(value_node)
    with binder.block():
        sections = _sections(body)
        arms = [_section(binder, labels, statements, value.type) for labels, statements in sections]
    flat = [arm for group, _ in arms for arm in group]
    has_default = any(arm.test is None for arm in flat)
    completes = not has_default or any(done.breaks for _, done in arms)
    return Statement(_switch(value.run, flat), completes)


def _sections(body: Node) -> list[tuple[list[Node], list[Node]]]:
    """Labels and statements; the grammar makes one section for each label."""
    sections: list[tuple[list[Node], list[Node]]] = []
    pending: list[Node] = []
    for section in named(body):
        pending.append(section)
        statements = [child for child in named(section) if child.type.endswith(("_statement", "block"))]
        if statements:
            sections.append((pending, statements))
            pending = []
    return sections


def _section(binder: Binder, labels: list[Node], statements: list[Node], clr_type: Type) -> tuple[list[Arm], Statement]:
    with binder.block():
        tests = [_label(binder, label, clr_type) for label in labels]
        bound = [binder.statement(statement) for statement in statements]
    done = Statement(None, all(s.completes for s in bound), any(s.breaks for s in bound))  # type: ignore[arg-type]
    if done.completes:
        raise binder.problem(
            statements[-1], "syntax-error", "a case must not fall through to the next", "end it with break;"
        )
    run = run_all([part.run for part in bound])
    return [Arm(test, guard, run) for test, guard in tests], done


def _label(binder: Binder, label: Node, clr_type: Type) -> tuple[Test | None, Run | None]:
    if label.children[0].type == "default":
        return None, None
    pattern = next(child for child in named(label) if not child.type.endswith(("_statement", "block")))
    test = bind_pattern(binder, pattern, clr_type)
    clause = next((child for child in named(label) if child.type == "when_clause"), None)
    return test, binder.condition(named(clause)[0]) if clause is not None else None


def _switch(value: Run, arms: list[Arm]) -> Run:
    tested = [arm for arm in arms if arm.test is not None]
    default = next((arm.run for arm in arms if arm.test is None), None)

    def choose(subject: object, frame: Frame) -> Run | None:
        for arm in tested:
            if arm.test(subject, frame) and (arm.guard is None or arm.guard(frame)):  # type: ignore[misc]
                return arm.run
        return default

    def run(frame: Frame) -> object:
        chosen = choose(value(frame), frame)
        signal = chosen(frame) if chosen is not None else None
        while isinstance(signal, CaseJump):
            tick()
            chosen = default if signal.is_default else choose(signal.value, frame)
            signal = chosen(frame) if chosen is not None else None
        return None if signal is BREAK else signal

    return run


@expression("switch_expression")
def bind_switch_expression(binder: Binder, node: Node, target: Type | None) -> Meaning:
    """``x switch { pattern => value, _ => value }``."""
    value_node, arm_nodes = _subject_and_arms(node)
    value = binder.value(value_node)
    bound = [_arm(binder, arm_node, value.type, target) for arm_node in arm_nodes]
    clr_type = _arms_type([result.type for _, _, result in bound], target)
    arms = [
        Arm(test, guard, binder.convert(result, clr_type, arm_node).run)
        for (test, guard, result), arm_node in zip(bound, arm_nodes, strict=True)
    ]
    return Bound(clr_type, _choose(value.run, arms))


def _subject_and_arms(node: Node) -> tuple[Node, list[Node]]:
    """The grammar puts the arms beside the value, or into a body."""
    body = child_of_type(node, "switch_expression_body")
    subject, *arms = [child for child in named(node) if child.type != "switch_expression_body"]
    return subject, arms if body is None else named(body)


def _arms_type(types: list[Type], target: Type | None) -> Type:
    common = common_type(types) or target or DYNAMIC
    if target is not None and any(implicit(result, common) is None for result in types):
        return target
    return common


def _arm(binder: Binder, node: Node, clr_type: Type, target: Type | None) -> tuple[Test, Run | None, Bound]:
    parts = named(node)
    with binder.block():
        test = bind_pattern(binder, parts[0], clr_type)
        clause = next((part for part in parts if part.type == "when_clause"), None)
        guard = binder.condition(named(clause)[0]) if clause is not None else None
        return test, guard, binder.value(parts[-1], target)


def _choose(value: Run, arms: list[Arm]) -> Run:
    def run(frame: Frame) -> object:
        subject = value(frame)
        for arm in arms:
            if arm.test(subject, frame) and (arm.guard is None or arm.guard(frame)):  # type: ignore[misc]
                return arm.run(frame)
        raise thrown("SwitchExpressionException", "Non-exhaustive switch expression failed to match its input.")

    return run
