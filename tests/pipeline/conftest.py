"""Fixtures of the engine's tests: a small vocabulary, a target that answers, and a compiler over both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Self

import pytest

from gateway.documents.model import Scope, Section
from gateway.documents.shape import ID, Attribute, Content, Element
from gateway.documents.xml import format as xml_format
from gateway.errors import PolicyError, UpstreamError
from gateway.pipeline.compiler import Compiler, Scoped
from gateway.pipeline.context import Context
from gateway.pipeline.outcome import MaybeLater, Outcome
from gateway.pipeline.pipeline import Pipeline
from gateway.pipeline.policy import ANYWHERE, PolicyType, PolicyTypes
from gateway.pipeline.run import run
from gateway.pipeline.services import Services
from gateway.pipeline.settings import Settings
from gateway.pipeline.step import Steps
from gateway.wire.messages import ForwardOptions, Request, Response, Target, Url
from gateway.wire.pending import Pending
from tests.entities import API, DEPLOYMENT, OPERATION


@dataclass(frozen=True)
class Note(PolicyType):
    """Writes its text into the variable ``notes``."""

    shape: ClassVar[Element] = Element("note", "A note.", (ID, Attribute("text", "What to write.", required=True)))
    sections: ClassVar[frozenset[Section]] = ANYWHERE
    text: Callable[[Context], str]

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        return cls(settings.text("text"))

    def apply(self, context: Context) -> None:
        notes = context.variables.setdefault("notes", [])
        assert isinstance(notes, list)
        notes.append(self.text(context))


@dataclass(frozen=True)
class Later(Note):
    """The same, after a wait."""

    shape: ClassVar[Element] = Element("later", "A note later.", (ID, Attribute("text", "What to write.")))

    async def _write(self, context: Context) -> None:
        Note.apply(self, context)

    def apply(self, context: Context) -> MaybeLater:  # type: ignore[override]
        return self._write(context)


@dataclass(frozen=True)
class Fail(PolicyType):
    """Refuses with 403, or breaks as our own bug would."""

    shape: ClassVar[Element] = Element(
        "fail", "A refusal.", (ID, Attribute("how", "refuse, bug or upstream.", default="refuse"))
    )
    sections: ClassVar[frozenset[Section]] = ANYWHERE
    how: str

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        return cls(settings.constant("how"))

    def apply(self, context: Context) -> None:
        errors: dict[str, Exception] = {
            "refuse": PolicyError(403, "Refused", "the detail", "the message"),
            "bug": ZeroDivisionError("our bug"),
            "upstream": UpstreamError("Timeout", "too slow", 504),
        }
        raise errors[self.how]


@dataclass(frozen=True)
class Answer(PolicyType):
    """Ends the pipeline with 299."""

    shape: ClassVar[Element] = Element("answer", "An answer.", (ID,))
    sections: ClassVar[frozenset[Section]] = ANYWHERE

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        return cls()

    def apply(self, context: Context) -> Response:
        return Response(299)


@dataclass(frozen=True)
class Group(PolicyType):
    """Runs the policies inside."""

    shape: ClassVar[Element] = Element("group", "A group.", (ID,), content=Content.POLICIES)
    sections: ClassVar[frozenset[Section]] = ANYWHERE
    steps: Steps

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        return cls(settings.steps())

    def apply(self, context: Context) -> MaybeLater:
        return run(self.steps, context)


@dataclass(frozen=True)
class Forward(PolicyType):
    """forward-request without its settings."""

    shape: ClassVar[Element] = Element("forward-request", "Send.", (ID,))
    sections: ClassVar[frozenset[Section]] = frozenset({Section.BACKEND})

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        return cls()

    def apply(self, context: Context) -> Pending[Outcome]:
        def take(response: Response) -> None:
            context.response = response

        assert context.request.target is not None
        return context.request.target.send(context.request, ForwardOptions()).map(take)


VOCABULARY: PolicyTypes = {kind.shape.name: kind for kind in (Note, Later, Fail, Answer, Group, Forward)}


@dataclass
class Backend:
    """A target that answers 200, at once or when told."""

    answer: Response = field(default_factory=Response)
    waiting: Pending[Response] | None = None
    url: Url = Url("http", "backend", 80, "/")

    def send(self, request: Request, options: ForwardOptions) -> Pending[Response]:
        if self.waiting is not None:
            return self.waiting
        pending: Pending[Response] = Pending()
        pending.resolve(self.answer)
        return pending


class Targets:
    """No backend is configured."""

    def for_url(self, base_url: str) -> Target:
        raise KeyError(base_url)

    def for_id(self, backend_id: str) -> Target:
        raise KeyError(backend_id)


CompileXml = Callable[..., Pipeline]


@pytest.fixture
def compile_xml() -> CompileXml:
    """Compile XML texts, narrowest scope first: operation, api, product, global."""

    def compile_(*texts: str, **fragments: str) -> Pipeline:
        scopes = (Scope.OPERATION, Scope.API, Scope.PRODUCT, Scope.GLOBAL)
        documents = [
            Scoped(scope, xml_format.parse(f"<policies>{text}</policies>", f"{scope.value}.xml"))
            for scope, text in zip(scopes, texts, strict=False)
        ]
        included = {
            name: xml_format.parse(f"<fragment>{text}</fragment>", f"{name}.xml") for name, text in fragments.items()
        }
        return Compiler(VOCABULARY, Services(Targets()), included).compile(documents)

    return compile_


@pytest.fixture
def backend() -> Backend:
    """The backend behind ``context``."""
    return Backend()


@pytest.fixture
def context(backend: Backend) -> Context:
    """A GET request bound for ``backend``."""
    request = Request("GET", "/")
    request.target = backend
    return Context(request, DEPLOYMENT, API, OPERATION)
