"""Every policy in both forms, XML and YAML; and the mistakes that each refuses at load."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.documents import check as checker
from gateway.documents.model import Section, same
from gateway.documents.shape import Attribute, Element, Kind
from gateway.errors import LoadError
from gateway.policies import POLICIES
from tests.policies.bench import Bench, codes, only, read_xml, read_yaml
from tests.policies.forms import FORMS
from tests.policies.mistakes import MISTAKES

CLOUD_ONLY_NAMES = sorted(name for name, kind in POLICIES.items() if kind.shape.refused)


def _section(name: str) -> str:
    sections = POLICIES[name].sections
    return next(section.value for section in Section if section in sections)


@pytest.mark.parametrize(("name", "xml", "yaml"), FORMS, ids=[f"{name}-{n}" for n, (name, *_) in enumerate(FORMS)])
def test_both_forms_are_equal(name: str, xml: str, yaml: str) -> None:
    """XML and YAML give the same tree, and the shape knows all of it."""
    section = _section(name)
    from_xml, from_yaml = read_xml(xml, section), read_yaml(yaml, section)
    assert same(only(from_xml, section), only(from_yaml, section))
    assert checker.check(from_xml, POLICIES) == []


def test_every_policy_has_a_form() -> None:
    """The table covers the vocabulary, save what stands in no section: the document of a resolver."""
    assert {name for name, *_ in FORMS} == {
        name for name, kind in POLICIES.items() if kind.sections and not kind.shape.refused
    }


@pytest.mark.parametrize("name", CLOUD_ONLY_NAMES)
def test_cloud_only_policies_are_refused_by_name(bench: Bench, name: str) -> None:
    """A policy that needs Azure is refused with the reason, whatever it holds and wherever it stands."""
    with pytest.raises(LoadError) as caught:
        bench.compile(f'<{name} any="thing"><whatever/></{name}>', "outbound")
    (problem,) = caught.value.problems
    assert problem.code == "cloud-only"
    assert POLICIES[name].shape.refused in problem.message


@pytest.mark.parametrize(("xml", "code"), MISTAKES, ids=[f"{code}-{n}" for n, (_, code) in enumerate(MISTAKES)])
def test_mistakes_refuse_to_load(bench: Bench, xml: str, code: str) -> None:
    """What a policy cannot do is told at load, with a stable code and a place in the file."""
    name = xml[1:].split(" ")[0].split(">")[0].split("/")[0]
    with pytest.raises(LoadError) as caught:
        bench.compile(xml, _section(name))
    assert code in codes(caught.value)
    assert all(problem.location.file == "test.xml" for problem in caught.value.problems)


def _elements(shape: Element, seen: frozenset[str] = frozenset()) -> Iterator[Element]:
    """*shape* and everything that can stand in it."""
    yield shape
    for child in shape.children:
        if child.element.name not in seen:
            yield from _elements(child.element, seen | {shape.name})


NUMBERS = {
    f"{shape.name}/{element.name}/{attribute.name}": attribute
    for shape in (kind.shape for kind in POLICIES.values())
    for element in _elements(shape)
    for attribute in element.attributes
    if attribute.kind in (Kind.INTEGER, Kind.NUMBER)
}


@pytest.mark.parametrize("attribute", NUMBERS.values(), ids=NUMBERS.keys())
def test_every_number_has_a_range(attribute: Attribute) -> None:
    """Literals below a sensible minimum are refused at load; only a metric's value may be any negative number."""
    assert attribute.minimum is not None or attribute.name == "value"
