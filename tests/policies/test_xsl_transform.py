"""xsl-transform: a stylesheet over the body, which reaches nothing else."""

from __future__ import annotations

import pytest

from gateway.errors import ExpressionError
from tests.policies.bench import Bench, get
from tests.policies.converting import XML, converted

SHEET = (
    '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:param name="p"/>'
    '<xsl:output method="text"/><xsl:template match="/"><xsl:value-of select="{0}"/></xsl:template></xsl:stylesheet>'
)


def _transform(select: str) -> str:
    return f'<xsl-transform><parameter name="p">@("v" + 1)</parameter>{SHEET.format(select)}</xsl-transform>'


def test_xsl_transform(bench: Bench) -> None:
    """The stylesheet sees the body and its parameters."""
    assert converted(bench, _transform("concat(/a/b, $p)"), "<a><b>x</b></a>", XML)[0] == "xv1"
    assert bench.run(_transform("/a"), get("/")).request.body is None


@pytest.mark.parametrize(
    ("select", "body"),
    [("document('/etc/passwd')", "<a/>"), ("/a", "not xml")],
    ids=["file", "body"],
)
def test_a_stylesheet_reaches_nothing(bench: Bench, select: str, body: str) -> None:
    """No file, no network; a body that is not XML fails."""
    with pytest.raises(ExpressionError):
        converted(bench, _transform(select), body, XML)
