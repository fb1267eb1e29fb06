"""Completion in policy documents in XML."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gateway.commands.lsp.code_completion import code_offers
from gateway.commands.lsp.offers import Offer, Offers
from gateway.commands.lsp.policy_docs import allowed_in, attribute_page, element_page, section_of, shape_of
from gateway.commands.lsp.project import KINDS, Project
from gateway.commands.lsp.references import entry_offers, named_value_offers
from gateway.commands.lsp.variables import set_before
from gateway.commands.lsp.xml_cursor import XmlPlace, attributes_behind, place_in
from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Content, Element, Kind
from gateway.documents.vocabulary import BASE

_ROOTS = ("policies", "fragment")
_TRUTHS = ("true", "false")


def xml_offers(text: str, offset: int, project: Project | None) -> Offers | None:
    """What may be written at *offset*; None where nothing is known."""
    place = place_in(text, offset)
    if place.code is not None:
        code = code_offers(text[place.code : offset], offset, set_before(text, place.code, is_yaml=False))
        return code or named_value_offers(text, offset, project)
    if place.kind in ("value", "text") and (named := named_value_offers(text, offset, project)):
        return named
    offers = list(_offers(place, text, offset, project))
    return Offers(_start(place, text, offset), offset, offers) if offers else None


def _start(place: XmlPlace, text: str, offset: int) -> int:
    """Where what is replaced begins: in a text the word before the cursor."""
    if place.kind != "text":
        return min(place.start, offset)
    written = text[place.start : offset]
    return offset - len(written.lstrip()) if not written.strip().count(" ") else offset


def _offers(place: XmlPlace, text: str, offset: int, project: Project | None) -> Iterable[Offer]:
    match place.kind:
        case "element":
            return _elements(place.parents)
        case "close":
            return [Offer(f"{name}>", "element") for name in reversed(place.parents[-1:])]
        case "attribute":
            written = {*place.written, *attributes_behind(text, offset)}
            return _attributes(shape_of(place.parents, place.element), place, written)
        case "value":
            return _values(place, project)
        case "text":
            return _texts(place)
    return ()


def _elements(parents: list[str], before: str = "") -> Iterator[Offer]:
    """The elements that may be inside *parents*."""
    for shape in _children(parents):
        yield Offer(
            shape.name,
            "element",
            shape.doc.partition("\n")[0],
            element_page(shape.name, shape),
            insert=before + shape.name,
        )
    for name in _named(parents):
        yield Offer(name, "element", "", element_page(name, None), insert=before + name)


def _named(parents: list[str]) -> tuple[str, ...]:
    """What is no policy: the root, and the sections."""
    if not parents:
        return _ROOTS
    return tuple(section.value for section in Section) if parents[-1] == "policies" else ()


def _children(parents: list[str]) -> Iterable[Element]:
    if parents[-1:] in ([], ["policies"]):
        return ()
    if _is_root(parents):
        section = section_of(parents)
        statements = allowed_in(section)
        return statements if section is not None else _without_base(statements)
    shape = shape_of(parents[:-1], parents[-1])
    if shape is None:
        return ()
    if shape.content is Content.POLICIES:
        return _without_base(allowed_in(section_of(parents)))
    return [child.element for child in shape.children]


def _without_base(shapes: Iterable[Element]) -> list[Element]:
    return [shape for shape in shapes if shape is not BASE]


def _is_root(parents: list[str]) -> bool:
    """Whether policies stand directly in the innermost of *parents*: a section or a fragment."""
    return parents[-1] == "fragment" or (parents[-2:-1] == ["policies"] and section_of(parents) is not None)


def _attributes(shape: Element | None, place: XmlPlace, written: Iterable[str]) -> Iterator[Offer]:
    if shape is None:
        return
    known = [*shape.attributes, *([] if ID in shape.attributes else [ID])]
    for attribute in known:
        if attribute.name not in written:
            yield Offer(
                attribute.name,
                "attribute",
                "required" if attribute.required else attribute.kind.value,
                attribute_page(attribute),
                insert=f'{attribute.name}="',
                required=attribute.required,
            )


def _values(place: XmlPlace, project: Project | None) -> list[Offer]:
    shape = shape_of(place.parents, place.element)
    attribute = shape.attribute(place.attribute) if shape else None
    if attribute is None:
        return []
    return [*_literals(attribute), *entry_offers(project, KINDS.get(attribute.name))]


def _literals(rule: Attribute | Element) -> Iterator[Offer]:
    values = rule.choices or (_TRUTHS if rule.kind is Kind.BOOLEAN else ())
    default = rule.default if isinstance(rule, Attribute) else None
    for value in values:
        yield Offer(value, "value", "default" if value == default else "")


def _texts(place: XmlPlace) -> Iterable[Offer]:
    if not place.parents:
        return _elements([], "<")
    shape = shape_of(place.parents[:-1], place.parents[-1])
    if shape is not None and shape.content is Content.TEXT:
        return _literals(shape)
    return _elements(place.parents, "<")
