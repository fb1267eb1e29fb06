"""
Three walkthroughs of the code, for docs/architecture.md: each step is a function that really runs, in this order.

``tests/test_walks.py`` follows each one with a profiler; ``make docs`` draws them and writes the lists.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from docs.drawing import Picture

IMAGES = Path(__file__).parent / "images"
_ROW = 40


@dataclass(frozen=True)
class Step:
    """
    One function on the way.

    Attributes:
        place: ``module:function`` below the package.
        does: What it does there, in a few words.
    """

    place: str
    does: str

    @property
    def module(self) -> str:
        """The module below the package: ``tokens.validator``."""
        return self.place.partition(":")[0]

    @property
    def function(self) -> str:
        """The function in it: ``TokenValidator.verify``."""
        return self.place.partition(":")[2]

    @property
    def package(self) -> str:
        """The folder below the package."""
        return self.module.partition(".")[0]


@dataclass(frozen=True)
class Walk:
    """A walkthrough of the code; *name* is that of its picture."""

    name: str
    title: str
    introduction: str
    steps: tuple[Step, ...]


TOKEN = Walk(
    "walk-token",
    "From a token to a header",
    "One request with a token that this process has not seen, to an API with `policies/caller-objectid.xml`.",
    (
        Step("wire.server.connection:ServerConnection.data_received", "bytes of a connection arrive"),
        Step("wire.server.request_head:parse_head", "the head, read once and strictly, or 400"),
        Step("data_plane.dispatcher:Dispatcher.handle", "the server's application: one request in, one answer out"),
        Step("data_plane.routing.router:Router.match", "host, path and method → API and operation"),
        Step("wire.contract:HeaderContract.is_broken", "does the client send an owned header? then it is removed"),
        Step("pipeline.pipeline:Pipeline.execute", "the operation's sections, run without a task"),
        Step("pipeline.run:run", "a loop over the steps of inbound"),
        Step("policies.parts.token_check:TokenPolicy.apply", "the first policy, validate-jwt"),
        Step("tokens.validator:TokenValidator.verify", "a remembered verdict, or a new one"),
        Step("tokens.compact:parse", "three parts, each with only one reading"),
        Step("tokens.signature:is_signed_by", "was it signed with this key of the issuer?"),
        Step("tokens.claims:check_lifetime", "lifetime, audience, issuer"),
        Step("policies.set_header:SetHeader.apply", "the second policy: caller-objectid"),
        Step("expressions.expression:Expression.__call__", "the closures compiled from the C#"),
        Step("tokens.jwt:Jwt.subject", "jwt.Subject: the claim sub"),
        Step("policies.forward_request:ForwardRequest.apply", "the backend section"),
        Step("wire.upstream.http_target:HttpTarget.send", "a connection from the pool; the answer arrives by callback"),
    ),
)
DOCUMENT = Walk(
    "walk-document",
    "From XML to closures",
    "What `gateway serve` and `gateway check` do at load, for the same document.",
    (
        Step("assembly.app:build", "configuration → a gateway, or every problem in it"),
        Step("assembly.library:PolicyLibrary.pipeline", "the scopes that apply to one operation"),
        Step("documents.files:read_document", "XML or YAML, by the file's name"),
        Step("documents.xml.reader:read", "elements and attributes with their places, raw C# included"),
        Step("documents.named_values:Substitution.document", "{{names}} are replaced by their values"),
        Step("documents.check:check", "against the shapes that the policies declare"),
        Step("pipeline.compiler:Compiler.compile", "<base/> replaced; one tuple of steps per section"),
        Step("policies.validate_jwt:ValidateJwt.compile", "attributes → constants and values, once"),
        Step("policies.set_header:SetHeader.compile", "the same, for the next policy"),
        Step("expressions.expression:compile_expression", "one C# expression"),
        Step("expressions.syntax:parse", "tree-sitter's tree, repaired"),
        Step("expressions.binding.binder:Binder.value", "types and members, by an allow-list → closures"),
    ),
)
JOB = Walk(
    "walk-job",
    "From POST to callback",
    "A batch job through the notification service, on its own store, from the caller's request to the callback.",
    (
        Step("notifications.api.routes:JobEndpoints.create", "POST /jobs"),
        Step("notifications.api.callers:identify", "who calls, according to the gateway"),
        Step("notifications.api.schema:parse_request", "batch id, callback URL, options"),
        Step("notifications.api.intake:Intake.accept", "the rule's permission, the URL's addresses"),
        Step("notifications.store.jobs:accept", "one row, committed: now the answer may be 202"),
        Step("notifications.workflow.dispatch:JobDispatcher.dispatch", "rows without an owner get a task"),
        Step("notifications.workflow.workflow:Workflow.run", "the step for the row's state, until the job has ended"),
        Step("notifications.workflow.starting:Starter.start", "start once, in effect"),
        Step("notifications.d365.client:D365Client.start", "the start action of F&O"),
        Step("notifications.workflow.watching:RunWatcher.wait", "until the batch job has ended or a budget is used up"),
        Step("notifications.workflow.judgement:judge", "what a reading means"),
        Step("notifications.store.jobs:end", "the outcome, recorded"),
        Step("notifications.callbacks.delivery:Deliverer.attempt", "an attempt, recorded before it is made"),
        Step("notifications.callbacks.signature:headers", "Standard Webhooks"),
        Step("notifications.callbacks.sending:CallbackSender.send", "to the address that was checked"),
        Step("notifications.callbacks.classification:classify", "delivered, to be retried, or given up"),
    ),
)
WALKS = (TOKEN, DOCUMENT, JOB)


def walk_pictures() -> Iterator[tuple[Path, str]]:
    """The picture of each walk: its path and its text."""
    yield from ((IMAGES / f"{walk.name}.svg", _drawn(walk)) for walk in WALKS)


def walks_markdown() -> str:
    """The section of docs/architecture.md that lists the walks."""
    return "\n".join(line for walk in WALKS for line in _listed(walk))


def _drawn(walk: Walk) -> str:
    picture = Picture(920, _ROW * len(walk.steps) + 40, f"{walk.title}: the functions in the order in which they run")
    top = 24
    for package, steps in groupby(walk.steps, key=lambda step: step.package):
        several = list(steps)
        picture.box((14, top - 2, 892, _ROW * len(several) - 6), kind="frame")
        picture.text(28, top + 22, package, "title")
        for step in several:
            _draw_step(picture, step, top, is_last=step is walk.steps[-1])
            top += _ROW
    return picture.svg()


def _draw_step(picture: Picture, step: Step, top: int, *, is_last: bool) -> None:
    picture.box((140, top + 4, 362, 26), kind="blue")
    inside = f"{step.module.partition('.')[2]}:{step.function}"
    picture.text(321, top + 21, inside, "code", "middle")
    picture.text(518, top + 21, step.does, "small")
    if not is_last:
        picture.arrow(f"M321 {top + 30}V{top + _ROW + 3}")


def _listed(walk: Walk) -> Iterator[str]:
    yield from (f"### {walk.title}", "", walk.introduction, "")
    yield from (f"![{walk.title}: {len(walk.steps)} functions, listed below](images/{walk.name}.svg)", "")
    for number, step in enumerate(walk.steps, 1):
        path = f"../gateway/{step.module.replace('.', '/')}.py"
        yield f"{number}. [`{step.module}`]({path}) `{step.function}`: {step.does}"
    yield ""
