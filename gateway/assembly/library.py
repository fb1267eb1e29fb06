"""
All policy documents of one configuration: each file read once, each combination of scopes compiled once.

Every mistake in every document is collected, so that one start names them all.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from gateway.documents.check import check
from gateway.documents.files import read_document
from gateway.documents.model import Node, PolicyDocument, Scope, Section
from gateway.documents.named_values import NamedValue, Substitution
from gateway.errors import LoadError, Location, Problem
from gateway.pipeline.compiler import Compiler, Scoped
from gateway.pipeline.masking import MASK
from gateway.pipeline.pipeline import Pipeline
from gateway.pipeline.policy import PolicyTypes
from gateway.pipeline.services import Services

_TELLING = 8  # this many characters of a secret, or a shorter one whole, give it away


@dataclass(frozen=True, slots=True)
class PolicyFiles:
    """The documents of the scopes that apply to one operation; None where a scope has none."""

    operation: Path | None = None
    api: Path | None = None
    product: Path | None = None
    everywhere: Path | None = None

    def narrowest_first(self) -> tuple[tuple[Scope, Path | None], ...]:
        """Scopes in the order in which ``<base/>`` climbs."""
        return (
            (Scope.OPERATION, self.operation),
            (Scope.API, self.api),
            (Scope.PRODUCT, self.product),
            (Scope.GLOBAL, self.everywhere),
        )


@dataclass(slots=True)
class PolicyLibrary:
    """
    Reads and compiles policy documents.

    Attributes:
        problems: Every mistake found so far, in no particular order, each once.
    """

    vocabulary: PolicyTypes
    services: Services
    named_values: Mapping[str, NamedValue] = field(default_factory=dict)
    fragments: Mapping[str, Path] = field(default_factory=dict)
    problems: dict[Problem, None] = field(default_factory=dict)
    _documents: dict[Path, PolicyDocument | None] = field(default_factory=dict)
    _pipelines: dict[PolicyFiles, Pipeline] = field(default_factory=dict)

    def pipeline(self, files: PolicyFiles) -> Pipeline:
        """The effective policy of *files*; an empty one, and problems, where it cannot be compiled."""
        if files not in self._pipelines:
            self._pipelines[files] = self._compile(files)
        return self._pipelines[files]

    @property
    def documents(self) -> list[PolicyDocument]:
        """Every document read so far."""
        return [document for document in self._documents.values() if document is not None]

    @property
    def notes(self) -> list[Problem]:
        """What in the pipelines so far is worth a second look."""
        return [note for pipeline in self._pipelines.values() for note in pipeline.notes]

    def require(self) -> None:
        """Raises LoadError with every problem, when there is one."""
        if self.problems:
            raise LoadError(sorted(self.problems, key=lambda problem: problem.location))

    def _compile(self, files: PolicyFiles) -> Pipeline:
        scoped = [Scoped(scope, self.document(path)) for scope, path in files.narrowest_first() if path is not None]
        if files.everywhere is None:
            scoped.append(Scoped(Scope.GLOBAL, _default_global_policy()))
        try:
            return Compiler(self.vocabulary, self.services, self.fragment_documents()).compile(scoped)
        except LoadError as error:
            self.note(error.problems)
            return Pipeline()

    def fragment_documents(self) -> dict[str, PolicyDocument]:
        """Every fragment by its name."""
        return {name: self.document(path, fragment=True) for name, path in self.fragments.items()}

    def document(self, path: Path, fragment: bool = False) -> PolicyDocument:
        """The document in *path*, named values replaced; an empty one where it has problems, which are noted."""
        document = self._documents.get(path)
        if document is None:
            document = self._documents[path] = self._read(path, fragment)
        return document

    def _read(self, path: Path, fragment: bool) -> PolicyDocument:
        """The document, or an empty one when it has problems."""
        try:
            document = read_document(path, self.vocabulary)
        except LoadError as error:
            self.note(error.problems)
            return _empty(path, fragment)
        substitution = Substitution(self.named_values)
        document = substitution.document(document)
        problems = [*substitution.problems, *check(document, self.vocabulary), *_wrong_root(document, path, fragment)]
        self.note(problems)
        return _empty(path, fragment) if problems else document

    def note(self, problems: Iterable[Problem]) -> None:
        """Remember *problems*, secrets masked."""
        secrets = [value.text for value in self.named_values.values() if value.secret]
        self.problems.update((_masked(problem, secrets), None) for problem in problems)


def _empty(path: Path, fragment: bool) -> PolicyDocument:
    """Represents a document with problems, so that the fragment is not reported as missing where it is included."""
    return PolicyDocument(str(path), fragment=Node("fragment", Location(str(path))) if fragment else None)


def _masked(problem: Problem, secrets: Iterable[str]) -> Problem:
    """*problem*, its texts cut where a secret named value begins: they quote, and shorten, what is refused."""
    beginnings = [secret[:_TELLING] for secret in secrets if len(secret) >= _TELLING // 2]
    message, remedy = (_cut(text, beginnings) for text in (problem.message, problem.remedy))
    return replace(problem, message=message, remedy=remedy)


def _cut(text: str, beginnings: Iterable[str]) -> str:
    shown = min((end for end in map(text.find, beginnings) if end >= 0), default=None)
    return text if shown is None else text[:shown] + MASK


def _wrong_root(document: PolicyDocument, path: Path, fragment: bool) -> list[Problem]:
    """A fragment where a policy document belongs, or the other way round."""
    if (document.fragment is not None) == fragment:
        return []
    expected, actual = ("fragment", "policy document") if fragment else ("policy document", "fragment")
    message = f"a {expected} belongs here, and this is a {actual}"
    return [Problem(Location(str(path)), "wrong-root", message, "name the right file in the configuration")]


def _default_global_policy() -> PolicyDocument:
    """
    What the broadest scope does when it has no document of its own: forward.

    Source: APIM, the global policy of a new instance.
    """
    nowhere = Location("(default global policy)")
    backend = Node("backend", nowhere, children=(Node("forward-request", nowhere),))
    return PolicyDocument(nowhere.file, {Section.BACKEND: backend})
