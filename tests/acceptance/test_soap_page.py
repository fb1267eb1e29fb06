"""The examples of docs/soap.md and docs/odata.md, as they are written, in front of real services."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import httpx2
import pytest

from gateway.emulators.d365 import D365Emulator
from gateway.emulators.entra import EntraEmulator
from gateway.emulators.serving import serve_here
from tests.data_plane.test_soap import ADD, action, message
from tests.soap.calculator import calculator, fronting, needs_spyne

DOCS = Path(__file__).parents[2] / "docs"
DIVISION = '<c:divide xmlns:c="urn:acme:calculator"><c:a>6</c:a><c:b>2</c:b></c:divide>'


def fences(page: str, language: str) -> list[str]:
    """The examples of *page* in *language*."""
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)


@pytest.fixture
def config(tmp_path: Path) -> str:
    """What the pages leave out."""
    assert tmp_path.exists()
    return "management: 127.0.0.1:0\n"


@needs_spyne
def test_soap_page(tmp_path: Path, config: str) -> None:
    """The pass-through API protects one operation; the document that makes JSON of SOAP runs from end to end."""
    through, _, rest = fences("soap.md", "yml")
    divide, add = fences("soap.md", "xml")
    (tmp_path / "divide.xml").write_text(divide)
    (tmp_path / "add.xml").write_text(add)

    async def scenario() -> list[tuple[int, str]]:
        with calculator(tmp_path) as service:
            (tmp_path / "calculator.wsdl").write_bytes(service.wsdl("1.1"))
            text = (config + through + rest.removeprefix("apis:\n")).replace(
                "127.0.0.1:8000", f"127.0.0.1:{service.ports['1.1']}"
            )
            async with (
                fronting(tmp_path, text) as port,
                httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http,
            ):
                answers = [
                    await http.post("/calculator", headers=action("add"), content=message(ADD)),
                    await http.post("/calculator", headers=action("divide"), content=message(DIVISION)),
                    await http.post(
                        "/calculator",
                        headers=action("divide", **{"X-Department": "accounting"}),
                        content=message(DIVISION),
                    ),
                    await http.post("/sums/add", json={"a": 2, "b": 40}),
                ]
        return [(answer.status_code, answer.text) for answer in answers]

    added, forbidden, divided, as_json = asyncio.run(scenario())
    assert (added[0], forbidden[0], divided[0]) == (200, 403, 200)
    assert ">3</" in divided[1]
    assert as_json == (200, '{"result": 42}')


def test_odata_page(tmp_path: Path, config: str) -> None:
    """The API of the page lets through what fits the metadata of its service."""
    (text,) = fences("odata.md", "yml")
    (policy,) = fences("odata.md", "xml")
    (tmp_path / "odata.xml").write_text(policy)
    (tmp_path / "jobs.xml").write_text("<policies><inbound><base/></inbound></policies>")

    async def scenario() -> list[int]:
        async with serve_here(D365Emulator()) as url:
            fields = {"Authorization": f"Bearer {EntraEmulator().mint(version=1, aud=url)}"}
            async with httpx2.AsyncClient(headers=fields) as http:
                (tmp_path / "metadata.xml").write_bytes((await http.get(f"{url}/data/$metadata")).content)
                async with fronting(tmp_path, config + text.replace("http://127.0.0.1:8000", url)) as port:
                    base = f"http://127.0.0.1:{port}/jobs/BatchJobs"
                    return [(await http.get(f"{base}{query}")).status_code for query in ("?$top=1", "?$top=x", "?$a=1")]

    assert asyncio.run(scenario()) == [200, 400, 400]
