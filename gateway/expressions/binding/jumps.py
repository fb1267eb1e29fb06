"""``goto`` and the labels that it goes to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tree_sitter import Node

from gateway.expressions.binding.binder import Binder, Statement, named, statement, text_of
from gateway.expressions.binding.bound import NOT_CONSTANT, Frame, Run
from gateway.expressions.binding.signals import CaseJump, Jump
from gateway.expressions.limits import tick

_DEFAULT = CaseJump(is_default=True)


def labels_of(nodes: Sequence[Node]) -> dict[str, int]:
    """The labels among *nodes*: name → place."""
    return {text_of(named(node)[0]): place for place, node in enumerate(nodes) if node.type == "labeled_statement"}


@contextmanager
def labelled(binder: Binder, labels: dict[str, int]) -> Iterator[None]:
    """Inside, a goto may name *labels*."""
    binder.labels += labels
    try:
        yield
    finally:
        del binder.labels[len(binder.labels) - len(labels) :]


def run_labelled(runs: Sequence[Run], labels: dict[str, int]) -> Run:
    """Run until a statement returns a signal that is not a jump to one of *labels*; each jump is a step."""

    def run(frame: Frame) -> object:
        place = 0
        while place < len(runs):
            signal = runs[place](frame)
            place += 1
            if isinstance(signal, Jump) and signal.label in labels:
                tick()
                place = labels[signal.label]
            elif signal is not None:
                return signal
        return None

    return run


@statement("labeled_statement")
def bind_labelled(binder: Binder, node: Node) -> Statement:
    """``label: statement``."""
    return binder.statement(named(node)[-1])


@statement("goto_statement")
def bind_goto(binder: Binder, node: Node) -> Statement:
    """``goto label;``, ``goto case value;``, ``goto default;``."""
    signal = _signal(binder, node, {child.type for child in node.children})
    return Statement(lambda _frame: signal, completes=False)


def _signal(binder: Binder, node: Node, keywords: set[str]) -> Jump | CaseJump:
    if "default" in keywords:
        return _DEFAULT
    target = named(node)[0]
    if "case" in keywords:
        bound = binder.value(target)
        if bound.constant is NOT_CONSTANT:
            raise binder.problem(target, "not-constant", "the value of a case must be constant")
        return CaseJump(bound.constant)
    if text_of(target) not in binder.labels:
        raise binder.problem(target, "unknown-name", f"there is no label {text_of(target)} around this goto")
    return Jump(text_of(target))
