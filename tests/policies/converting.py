"""Conversions on the bench: the body and content type that come out."""

from __future__ import annotations

from tests.policies.bench import Bench, answer, get, new_context

XML = [("Content-Type", "application/xml")]


JSON = [("Content-Type", "application/json")]


def converted(
    bench: Bench, xml: str, body: str, headers: list[tuple[str, str]], accept: str | None = None
) -> tuple[str, str | None]:
    """Body and content type of the response after *xml*."""
    request = get("/", [("Accept", accept)] if accept else [])
    ran = bench.run(xml, section="outbound", context=new_context(request, answer(200, body, headers)))
    return ran.response.body.content.decode(), ran.response.headers.first("Content-Type")


TO_JSON = '<xml-to-json kind="{0}" apply="always" consider-accept-header="false" {1}/>'


TO_XML = '<json-to-xml apply="always" consider-accept-header="false" {0}/>'
