"""What the registry lists keeps what ``PolicyType`` promises."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.documents.shape import Content, Element
from gateway.pipeline.step import Policy
from gateway.policies import POLICIES


def _elements(element: Element) -> Iterator[Element]:
    yield element
    for child in element.children:
        yield from _elements(child.element)


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_policies_that_hold_others_show_them(name: str) -> None:
    """A policy whose shape takes policies declares them as ``nested``, so that explain finds the checks inside."""
    policy = POLICIES[name]
    holds = any(element.content is Content.POLICIES for element in _elements(policy.shape))
    assert (policy.nested is not Policy.nested) == holds


def test_the_declared_roles_are_played() -> None:
    """cors alone answers preflights, the stores of caches keep responses, and two policies judge tokens."""
    kinds = POLICIES.values()
    assert [kind.shape.name for kind in kinds if kind.answers_preflight] == ["cors"]
    keeping = {kind.shape.name for kind in kinds if kind.stores_response}
    semantic = {f"{name}-semantic-cache-store" for name in ("llm", "azure-openai")}
    assert keeping == {"cache-store", *semantic}
    judges = {kind.shape.name for kind in kinds if kind.token_judge is not Policy.token_judge}
    assert judges == {"validate-jwt", "validate-azure-ad-token"}
