"""
http-data-source: how a GraphQL resolver gets the value of a field: one HTTP call, and what becomes of its answer.

Source: APIM policy reference, "http-data-source", "set-graphql-resolver".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import orjson

from gateway.documents.model import Scope, Section
from gateway.documents.shape import ID, Child, Element
from gateway.errors import UpstreamError
from gateway.pipeline.outcome import finish
from gateway.pipeline.place import Place
from gateway.pipeline.policy import PolicyType
from gateway.pipeline.run import run
from gateway.pipeline.settings import Settings
from gateway.pipeline.step import PipelineStep
from gateway.pipeline.values import Constant
from gateway.policies.authentication_basic import AuthenticationBasic
from gateway.policies.authentication_certificate import SHAPE as CERTIFICATE
from gateway.policies.authentication_managed_identity import AuthenticationManagedIdentity
from gateway.policies.find_and_replace import FindAndReplace
from gateway.policies.json_to_xml import JsonToXml
from gateway.policies.parts.elements import timeout
from gateway.policies.parts.outgoing import SET_URL, Outgoing, changes_of
from gateway.policies.set_body import SetBody
from gateway.policies.set_header import SetHeader
from gateway.policies.set_method import SetMethod
from gateway.policies.xml_to_json import XmlToJson
from gateway.wire.slices import sliced

if TYPE_CHECKING:
    from gateway.pipeline.context import Context
    from gateway.pipeline.step import Steps

_ANSWER_BYTE_S = 5e-9  # processor time for each byte of an answer that becomes a value
_WORD = 8  # bytes of memory for each

_CHANGES: tuple[type[PolicyType], ...] = (SetBody, XmlToJson, JsonToXml, FindAndReplace)
_FORWARD = Element(
    "forward-request", "How long to wait.", attributes=(ID, timeout("timeout", "Seconds for the whole call."))
)
_REQUEST = Element(
    "http-request",
    "The call.",
    children=(
        Child(SetMethod.shape),
        Child(SET_URL, minimum=1),
        Child(SetHeader.shape, maximum=None),
        Child(SetBody.shape),
        Child(AuthenticationBasic.shape),
        Child(CERTIFICATE),
        Child(AuthenticationManagedIdentity.shape),
    ),
)
_RESPONSE = Element(
    "http-response",
    "What becomes of the answer; without it one of 400 and more is an error of the field.",
    children=tuple(Child(policy.shape) for policy in _CHANGES),
)


@dataclass(frozen=True, slots=True)
class HttpDataSource(PolicyType):
    """
    One compiled http-data-source.

    Attributes:
        timeout_s: Seconds for the call; None: what the API's settings say.
        response: What becomes of the answer; None: it has to be a good one.
    """

    shape: ClassVar[Element] = Element(
        "http-data-source",
        "Gets the value of a GraphQL field; the document of a resolver, or inside `set-graphql-resolver`.",
        attributes=(ID,),
        children=(
            Child(_REQUEST, minimum=1),
            Child(Element("backend", "How the call is made.", children=(Child(_FORWARD),))),
            Child(_RESPONSE),
        ),
    )
    sections: ClassVar[frozenset[Section]] = frozenset()

    outgoing: Outgoing
    timeout_s: float | None
    response: Steps | None

    @classmethod
    def compile(cls, settings: Settings) -> Self:
        """From ``<http-data-source>``."""
        request = next(settings.all("http-request"))
        outgoing = Outgoing(settings.services.http, Constant("new"), Constant(60.0), tuple(changes_of(request)), ())
        response = settings.child("http-response")
        return cls(outgoing, _timeout(settings), None if response is None else _steps(response))

    async def fetch(self, context: Context, timeout_s: float) -> object:
        """The value, for the field whose *context* it is. Raises UpstreamError: there is none; PolicyError."""
        seconds = Constant(timeout_s if self.timeout_s is None else self.timeout_s)
        context.response = await replace(self.outgoing, timeout_s=seconds).send(context)
        if self.response is not None:
            await finish(run(self.response, context))
        elif context.response.status_code >= 400:
            message = f"the resolver's call was answered {context.response.status_code}"
            raise UpstreamError("BackendErrorStatusCode", message)
        return _value(context)


def _value(context: Context) -> object:
    """The answer's body: JSON, or else the text that it is; nothing is null."""
    content = bytes(context.answer.body.read(preserve=True)).strip()
    context.work.draw(len(content) * _ANSWER_BYTE_S, len(content) * _WORD)
    if not content:
        return None
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return content.decode("utf-8", "replace")


def _timeout(settings: Settings) -> float | None:
    backend = settings.child("backend")
    forward = None if backend is None else backend.child("forward-request")
    return forward.constant_number("timeout") if forward is not None and forward.has("timeout") else None


def _steps(response: Settings) -> Steps:
    """The policies of ``<http-response>``, which change the call's answer."""
    site = replace(response.site, section=Section.OUTBOUND)
    kinds: dict[str, type[PolicyType]] = {policy.shape.name: policy for policy in _CHANGES}
    steps: list[PipelineStep] = []
    for number, node in enumerate(response.node.children, 1):
        kind = kinds[node.name]
        policy: Any = kind.compile(Settings(node, kind.shape, site, response.reads))
        place = Place(node.name, Scope.OPERATION, Section.OUTBOUND, f"http-response/{node.name}[{number}]")
        steps.append(PipelineStep(sliced(policy.apply), place, policy))
    return tuple(steps)
