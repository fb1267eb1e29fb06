"""A small vocabulary with every kind of shape, for tests of the formats and the checker."""

from __future__ import annotations

from typing import cast

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Child, Content, Element, Kind
from gateway.pipeline.policy import ANYWHERE, PolicyType, PolicyTypes

TEXT = Element("value", "", content=Content.TEXT)
SET_BODY = Element("set-body", "", (ID, Attribute("template", "")), content=Content.VERBATIM)
SET_HEADER = Element(
    "set-header",
    "",
    (
        ID,
        Attribute("name", "", required=True),
        Attribute("exists-action", "", choices=("override", "skip", "append", "delete")),
    ),
    (Child(TEXT, maximum=None),),
)
SET_STATUS = Element(
    "set-status",
    "",
    (ID, Attribute("code", "", Kind.INTEGER, required=True, minimum=100, maximum=599), Attribute("reason", "")),
)
WHEN = Element("when", "", (Attribute("condition", "", Kind.BOOLEAN, required=True),), content=Content.POLICIES)
CHOOSE = Element("choose", "", (ID,), (Child(WHEN, 1, None), Child(Element("otherwise", "", content=Content.POLICIES))))
KEY = Element("key", "", (Attribute("id", "", expression=False),), content=Content.TEXT, required=True)
CLAIM = Element(
    "claim",
    "",
    (Attribute("name", "", required=True), Attribute("match", "", choices=("all", "any"))),
    (Child(TEXT, maximum=None),),
)
VALIDATE_JWT = Element(
    "validate-jwt",
    "",
    (
        ID,
        Attribute("header-name", "", expression=False),
        Attribute("clock-skew", "", Kind.NUMBER),
        Attribute("require-signed-tokens", "", Kind.BOOLEAN),
    ),
    (
        Child(Element("openid-config", "", (Attribute("url", "", required=True),)), maximum=None),
        Child(Element("issuer-signing-keys", "", children=(Child(KEY, 1, None),))),
        Child(Element("audiences", "", children=(Child(Element("audience", "", content=Content.TEXT), 1, None),))),
        Child(Element("required-claims", "", children=(Child(CLAIM, 1, None),))),
    ),
)
SHAPES = (
    SET_BODY,
    SET_HEADER,
    SET_STATUS,
    CHOOSE,
    VALIDATE_JWT,
    Element("forward-request", "", (ID, Attribute("timeout", "", Kind.INTEGER))),
    Element("set-method", "", (ID,), content=Content.TEXT, required=True, choices=("GET", "POST")),
    Element("retry", "", (ID, Attribute("condition", "")), content=Content.POLICIES, required=True),
    Element(
        "return-response",
        "",
        (ID, Attribute("response-variable-name", "", expression=False)),
        (Child(SET_STATUS), Child(SET_HEADER, maximum=None), Child(SET_BODY)),
    ),
    Element(
        "trace",
        "",
        (ID, Attribute("source", "", expression=False)),
        (Child(Element("message", "", content=Content.TEXT, mixed=True), 1),),
    ),
    Element(
        "ip-filter",
        "",
        (ID, Attribute("action", "")),
        (
            Child(Element("address", "", content=Content.TEXT), maximum=None),
            Child(Element("address-range", "", (Attribute("from", ""), Attribute("to", ""))), maximum=None),
        ),
    ),
    Element("include-fragment", "", (Attribute("fragment-id", "", required=True, expression=False),)),
    Element("xsl-transform", "", (ID,), (Child(Element("xsl:stylesheet", "", content=Content.VERBATIM), 1),)),
)
ONLY_IN = {"forward-request": frozenset({Section.BACKEND}), "validate-jwt": frozenset({Section.INBOUND})}


def policy_type(shape: Element, sections: frozenset[Section] = ANYWHERE) -> type[PolicyType]:
    """A policy class that has a shape and does nothing."""

    class Declared:
        pass

    Declared.shape = shape  # type: ignore[attr-defined]
    Declared.sections = sections  # type: ignore[attr-defined]
    return cast("type[PolicyType]", Declared)


VOCABULARY: PolicyTypes = {shape.name: policy_type(shape, ONLY_IN.get(shape.name, ANYWHERE)) for shape in SHAPES}
