"""cache-value: a value that policies compute when none is kept."""

from __future__ import annotations

import pytest

from gateway.errors import ExpressionError
from tests.policies.bench import Bench

pytestmark = pytest.mark.usefixtures("cached")

COMPUTED = (
    '<cache-value key="k" variable-name="v" expires-after="60" refresh-after="10" {0}>'
    '<value><set-variable name="runs" value="@(context.Variables.GetValueOrDefault<int>("runs", 0) + 1)"/>{1}</value>'
    "</cache-value>"
)


SET = '<set-variable name="v" value="@(new string[] { "a" })"/>'


def test_a_value_is_computed_once(bench: Bench) -> None:
    """The policies inside run when nothing is kept, or when it is to be refreshed."""
    now = [1000.0]
    bench.use(now=lambda: now[0])
    xml = COMPUTED.format("", SET).replace("<int>", "&lt;int&gt;")
    assert bench.run(xml).variables == {"runs": 1, "v": ["a"]}
    assert bench.run(xml).variables == {"v": ["a"]}
    now[0] += 10
    assert bench.run(xml).variables["runs"] == 1


def test_what_is_not_computed_has_a_default(bench: Bench) -> None:
    """Without a value from the policies nothing is kept; an answer of theirs ends the pipeline."""
    xml = COMPUTED.format('default-value="d"', "").replace("<int>", "&lt;int&gt;")
    assert bench.run(xml).variables == {"runs": 1, "v": "d"}
    assert bench.run(COMPUTED.format("", "").replace("<int>", "&lt;int&gt;")).variables == {"runs": 1}
    ending = COMPUTED.format("", "<return-response/>").replace("<int>", "&lt;int&gt;")
    assert bench.run(ending).outcome is not None


def test_what_cannot_be_kept_is_an_error(bench: Bench) -> None:
    """A type without a form fails loudly."""
    with pytest.raises(ExpressionError):
        bench.run('<cache-store-value key="k" value="@(context.Variables["x"])" duration="60"/>', x=object())
    xml = COMPUTED.format("", '<set-variable name="v" value="@(context.Variables["x"])"/>')
    with pytest.raises(ExpressionError):
        bench.run(xml.replace("<int>", "&lt;int&gt;"), x=object())
