"""
What the reference says about policies, their elements and attributes, as Markdown for an editor.

The pages in ``docs/policies`` are made from the same shapes and docstrings, which the wheel has.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata

from gateway.documents.model import Section
from gateway.documents.shape import ID, Attribute, Content, Element
from gateway.documents.vocabulary import STRUCTURE, statement_shape
from gateway.policies import POLICIES


def _pages() -> str:
    """The folder of the documentation's pages, from the package's own address of them."""
    try:
        addresses = metadata("apim-policy-gateway").get_all("Project-URL") or []
    except PackageNotFoundError:
        return ""
    documentation = (address.partition(", ")[2] for address in addresses if address.startswith("Documentation,"))
    return next(documentation, "").rpartition("/")[0] + "/"


PAGES = _pages()
_ROOTS = {
    "policies": "The root of a policy document: inbound, backend, outbound and on-error.",
    "fragment": "The root of a policy fragment, which documents include with `include-fragment`.",
    "inbound": "Policies that run on the request, in order, before it goes to the backend.",
    "backend": "The policy that sends the request to the backend; one alone.",
    "outbound": "Policies that run on the backend's response, in order.",
    "on-error": "Policies that run when one of the others has failed.",
}


def allowed_in(section: Section | None) -> list[Element]:
    """The shapes of the policies of *section*; None for all."""
    names = [name for name in POLICIES if section is None or section in POLICIES[name].sections]
    shapes = [*STRUCTURE.values(), *(POLICIES[name].shape for name in names)]
    return [shape for shape in shapes if not shape.refused]


def shape_of(parents: list[str], name: str) -> Element | None:
    """The shape of the element *name* inside *parents*, the outermost first; None where it is not known."""
    steps = [*parents, name]
    first = next((place for place, step in enumerate(steps) if step not in _ROOTS), len(steps))
    shape: Element | None = None
    for step in steps[first:]:
        shape = _inside(shape, step)
        if shape is None:
            return None
    return shape


def _inside(shape: Element | None, name: str) -> Element | None:
    """The shape of *name* inside of *shape*; in a section where that is None."""
    child = shape.child(name) if shape is not None else None
    if child is not None:
        return child.element
    return statement_shape(name, POLICIES) if shape is None or shape.content is Content.POLICIES else None


def section_of(parents: list[str]) -> Section | None:
    """The section that *parents* lead to; None in a fragment."""
    return next((section for section in Section if section.value in parents[:3]), None)


def element_page(name: str, shape: Element | None) -> str:
    """What the reference says about an element."""
    if shape is None:
        return _ROOTS.get(name, "")
    notes = _notes(name) if statement_shape(name, POLICIES) is shape else ""
    lines = [
        f"**{name}**: {shape.doc}",
        notes,
        "\n".join(_attributes(shape)),
        link(name) if notes or _has_page(shape) else "",
    ]
    return "\n\n".join(filter(None, lines))


def _has_page(shape: Element) -> bool:
    return statement_shape(shape.name, POLICIES) is shape


def link(name: str) -> str:
    """A link to the page of a policy; empty where the package has no address."""
    return f"[Reference]({PAGES}policies/{name}.md)" if PAGES else ""


def _notes(name: str) -> str:
    """The policy's docstring beyond its first line, and the sections that it may be in."""
    if name not in POLICIES:
        return ""
    policy = POLICIES[name]
    docstring = (sys.modules[policy.__module__].__doc__ or "").strip()
    rest = docstring.partition("Source:")[0].partition("\n\n")[2].strip().replace("``", "`")
    sections = ", ".join(section.value for section in Section if section in policy.sections)
    return "\n\n".join(filter(None, [rest, f"Sections: {sections}."]))


def _attributes(shape: Element) -> Iterator[str]:
    for attribute in shape.attributes:
        if attribute is not ID:
            yield f"- `{attribute.name}`: {_facts(attribute)}"


def attribute_page(attribute: Attribute) -> str:
    """What the reference says about an attribute."""
    return f"**{attribute.name}**: {_facts(attribute)}"


def _facts(attribute: Attribute) -> str:
    facts = [attribute.kind.value]
    facts += ["required"] if attribute.required else []
    facts += [f"default `{attribute.default}`"] if attribute.default is not None else []
    facts += [] if attribute.expression else ["no expression"]
    facts += ["not in APIM"] if attribute.extension else []
    choices = f" One of {', '.join(f'`{choice}`' for choice in attribute.choices)}." if attribute.choices else ""
    return f"{attribute.doc}{choices} ({', '.join(facts)})"
