"""
Documents of all scopes → one pipeline per operation.

``<base/>`` is replaced by the same section of the next broader scope, fragments by their content, named values by their
text; what is left is one flat tuple of steps per section.

Source: APIM "Set or edit policies", "Policy fragments".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.documents.lint import client_claims
from gateway.documents.model import Node, PolicyDocument, Scope, Section
from gateway.documents.vocabulary import BASE, INCLUDE_FRAGMENT
from gateway.errors import LoadError, Problem
from gateway.pipeline.buffering import BufferBody
from gateway.pipeline.destination import Destination
from gateway.pipeline.first_changes import mark_first
from gateway.pipeline.guarded_outbound import guarded_outbound
from gateway.pipeline.header_contract import ContractBuilder
from gateway.pipeline.pipeline import Pipeline
from gateway.pipeline.place import Place
from gateway.pipeline.policy import PolicyType, PolicyTypes
from gateway.pipeline.services import Services
from gateway.pipeline.settings import Reads, Resumption, Settings, Site
from gateway.pipeline.step import PipelineStep, Policy, Steps
from gateway.wire.slices import sliced

_STRING_LITERAL = re.compile(r'"([A-Za-z0-9_-]{1,128})"')


@dataclass(frozen=True, slots=True)
class Scoped:
    """A document and the scope where it applies."""

    scope: Scope
    document: PolicyDocument


@dataclass(frozen=True, slots=True)
class _Statement:
    """One policy element of the effective policy, and where it came from."""

    node: Node
    scope: Scope
    path: str


class Compiler:
    """
    Compiles the effective policy of one operation; ``problems`` holds every mistake found on the way.

    One compiler serves one pipeline; what pipelines share is in *services*, *fragments* and *vocabulary*.
    """

    def __init__(
        self, vocabulary: PolicyTypes, services: Services, fragments: Mapping[str, PolicyDocument] | None = None
    ) -> None:
        self.services = services
        self.problems: list[Problem] = []
        self.notes: list[Problem] = []
        self.contract = ContractBuilder()
        self.destinations: set[Destination] = set()
        self._vocabulary = vocabulary
        self._fragments = fragments or {}
        self.resumption = Resumption()
        self.guards: list[PipelineStep] = []
        self.may_be_long = False
        self.body_work: list[Problem] = []

    def compile(self, documents: Sequence[Scoped]) -> Pipeline:
        """
        The pipeline of *documents*, narrowest scope first.

        Raises:
            LoadError: With every problem of every document.
        """
        steps = {section: self._compile_section(section, documents) for section in Section}
        if self.problems:
            raise LoadError(dict.fromkeys(self.problems))
        order = (Section.INBOUND, Section.BACKEND, Section.OUTBOUND)
        inbound, backend, outbound = mark_first([steps[section] for section in order], self.contract.owned)
        guards = tuple(self.guards)
        self.resumption.steps = guarded_outbound(_behind_cache_store(outbound), guards)
        return Pipeline(
            inbound=inbound,
            backend=backend,
            outbound=guarded_outbound(outbound, guards),
            on_error=steps[Section.ON_ERROR],
            owned_headers=frozenset(self.contract.owned),
            guarded_headers=frozenset(self.contract.guarded),
            destinations=frozenset(self.destinations),
            preflight=_preflight(inbound),
            may_be_long=self.may_be_long,
            notes=tuple(dict.fromkeys(self.notes)),
            body_work=tuple(dict.fromkeys(self.body_work)),
        )

    def _compile_section(self, section: Section, documents: Sequence[Scoped]) -> Steps:
        return self._compile_all(self._effective(section, documents), section)

    # -- the effective policy
    def _effective(self, section: Section, documents: Sequence[Scoped]) -> Iterator[_Statement]:
        """The statements of *section* with ``<base/>`` replaced, narrowest document first."""
        if not documents:
            return
        narrowest, broader = documents[0], documents[1:]
        if section is Section.BACKEND and section not in narrowest.document.sections:
            # Who writes no <backend> at all means "forward as usual": docs/adr/0005.
            yield from self._effective(section, broader)
            return
        for statement in self._expand(narrowest.document.statements(section), narrowest.scope):
            if statement.node.name != BASE.name:
                yield statement
            else:
                yield from self._effective(section, broader)

    def _expand(self, nodes: Iterable[Node], scope: Scope, prefix: str = "") -> Iterator[_Statement]:
        """*nodes* with their paths, and fragments replaced by their content."""
        seen: Counter[str] = Counter()
        for node in nodes:
            seen[node.name] += 1
            path = f"{prefix}{node.name}[{seen[node.name]}]"
            if node.name == INCLUDE_FRAGMENT.name:
                yield from self._expand(self._fragment(node), scope, path + "/")
            else:
                yield _Statement(node, scope, path)

    def _fragment(self, node: Node) -> tuple[Node, ...]:
        name = (node.attribute("fragment-id") or "").strip()
        document = self._fragments.get(name)
        if document is not None and document.fragment is not None:
            return document.fragment.children
        known = ", ".join(sorted(self._fragments)) or "none"
        remedy = f"add it under fragments in the configuration; known: {known}"
        self.problems.append(Problem(node.location, "unknown-fragment", f"no fragment {name!r}", remedy))
        return ()

    # -- statements to steps
    def _compile_all(self, statements: Iterable[_Statement], section: Section) -> Steps:
        steps: list[PipelineStep] = []
        for statement in statements:
            try:
                steps += self._compile_one(statement, section)
            except LoadError as error:
                self.problems += error.problems
        return tuple(steps)

    def _compile_one(self, statement: _Statement, section: Section) -> list[PipelineStep]:
        node, reads = statement.node, Reads()
        kind = self._policy_type(node, section)
        site = Site(section, self.services, self._nested(statement, section), self.resumption)
        policy = _compiled(kind, Settings(node, kind.shape, site, reads))
        if section in (Section.INBOUND, Section.BACKEND):
            self._note_headers(node, policy)
        if section is not Section.ON_ERROR and (policy.works_on_bodies or reads.request_body or reads.response_body):
            self.body_work.append(_body_work(node))
        self.destinations.update(policy.destinations)
        self.may_be_long |= reads.may_be_long
        position = f"{node.location.file}:{node.location.line}"
        place = Place(
            node.name, statement.scope, section, statement.path, node.attribute("id"), policy.sets_secrets, position
        )
        if policy.answer_guard is not None:
            self.guards.append(PipelineStep(policy.answer_guard, place, policy))
        apply = sliced(policy.apply) if reads.may_be_long else policy.apply
        return [*self._buffering(reads, place, policy), PipelineStep(apply, place, policy)]

    def _nested(self, outer: _Statement, section: Section) -> Callable[[Node], Steps]:
        """Compiles the policies inside a node that belongs to *outer*, in its section and scope."""
        return lambda node: self._compile_all(self._expand(node.children, outer.scope, outer.path + "/"), section)

    def _policy_type(self, node: Node, section: Section) -> type[PolicyType]:
        kind = self._vocabulary.get(node.name)
        if kind is None:
            raise LoadError.at(node.location, "unknown-element", f"no policy is called {node.name!r}")
        if section not in kind.sections:
            allowed = ", ".join(known.value for known in Section if known in kind.sections)
            message = f"{node.name} is not allowed in {section.value}"
            raise LoadError.at(node.location, "wrong-section", message, f"allowed in: {allowed}")
        return kind

    def _buffering(self, reads: Reads, place: Place, policy: Policy) -> list[PipelineStep]:
        if not reads.request_body and not reads.response_body:
            return []
        limit = self.services.max_body_bytes
        buffer = BufferBody(reads.request_body, reads.response_body, limit, policy.before_body)
        return [PipelineStep(buffer.apply, place, buffer)]

    # -- the header contract
    def _note_headers(self, node: Node, policy: Policy) -> None:
        self.contract.reads(set(_literals(node, policy.header_attributes)))
        self.notes += client_claims(node, self.contract.owned)
        for name in policy.sets_headers:
            self.contract.sets(name)


def _compiled(kind: type[PolicyType], settings: Settings) -> PolicyType:
    """The policy; whatever goes wrong in between is a problem of its element, so that it hides no other."""
    try:
        return kind.compile(settings)
    except LoadError:
        raise
    except Exception as error:
        message = f"{settings.node.name} cannot be compiled: {type(error).__name__}: {error}"
        raise settings.error("internal-error", message, "this is a bug: please report it with the document") from error


def _body_work(node: Node) -> Problem:
    message = f"{node.name} works on a body, and those of gRPC calls are streams of messages"
    return Problem(
        node.location, "grpc-body", message, "remove it from what applies to this API, or make that type: http"
    )


def _behind_cache_store(outbound: Steps) -> Steps:
    """What follows the policy that stored the response: the stored response contains the work of everything before."""
    for index, step in enumerate(outbound):
        if step.policy.stores_response:
            return outbound[index + 1 :]
    return ()


def _preflight(inbound: Steps) -> Steps:
    """The policies that answer preflights: direct children of inbound, as in APIM."""
    return tuple(step for step in inbound if step.policy.answers_preflight)


def _literals(node: Node, header_attributes: Iterable[str]) -> Iterator[str]:
    """String literals in the expressions of *node* itself, and the header names that its attributes spell."""
    for text in (*node.attributes.values(), *([node.text] if node.text else [])):
        yield from _STRING_LITERAL.findall(text.value)
    yield from filter(None, map(node.attribute, header_attributes))
    for child in node.all("value"):
        yield from _STRING_LITERAL.findall(child.text.value if child.text else "")
