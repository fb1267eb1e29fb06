"""An OData API in front of the D365 emulator: entity sets and actions as operations, and URLs that are judged."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx2

from gateway.emulators.d365 import D365Emulator
from gateway.emulators.entra import EntraEmulator
from gateway.emulators.serving import serve_here
from tests.soap.calculator import fronting

CONFIG = """
management: 127.0.0.1:0
apis:
  - id: fno
    type: odata
    path: fno
    metadata: metadata.xml
    service-url: {url}/data
    policy: api.xml
    path-escapes: ["//"]
    operations: [{{id: BatchJobs, policy: jobs.xml}}]
"""
API = """<policies><inbound><base/><validate-odata-request/></inbound><outbound><base/>
<set-header name="x-was"><value>@(context.Operation.Id)</value></set-header></outbound></policies>"""
JOBS = """<policies><inbound><base/><set-query-parameter name="cross-company"><value>true</value></set-query-parameter>
</inbound><outbound><base/></outbound></policies>"""
SET = "BatchJobs"
CASES = {
    "BatchJobs?$top=1&$select=BatchJobRecId": (200, SET),
    "%42atchJobs": (200, SET),
    "BatchJobs/$count": (200, SET),
    "$metadata": (200, "metadata"),
    "": (307, "service-document"),
    "BatchJobs?$filter=Nope eq 1": (400, None),
    "BatchJobs?$top=1&$top=2": (400, None),
    "batchjobs": (404, None),
    "BatchJobs/": (400, None),
    "Other": (404, None),
    "$batch": (404, None),
    "BatchJobs%2527": (400, None),
    "data/BatchJobs": (404, None),
    "//BatchJobs": (404, None),
    "()/BatchJobs": (404, None),
    "(1)": (404, None),
    "$metadata/BatchJobs": (404, None),
    "$metadata(1)/BatchJobs": (404, None),
    "%24metadata": (200, "metadata"),
}


def test_an_odata_service(tmp_path: Path) -> None:
    """A path leads to the operation of the set it begins with, by its exact name; what is not OData gets no further."""

    async def scenario() -> None:
        d365 = D365Emulator()
        d365.listing_delay_s = 0
        (tmp_path / "api.xml").write_text(API)
        (tmp_path / "jobs.xml").write_text(JOBS)
        async with serve_here(d365) as url, httpx2.AsyncClient() as http:
            fields = {"Authorization": f"Bearer {EntraEmulator().mint(version=1, aud=url)}"}
            described = await http.get(f"{url}/data/$metadata", headers=fields)
            (tmp_path / "metadata.xml").write_bytes(described.content)
            async with fronting(tmp_path, CONFIG.format(url=url)) as port:
                answers = {}
                for path in CASES:
                    answer = await http.get(f"http://127.0.0.1:{port}/fno/{path}", headers=fields)
                    answers[path] = (answer.status_code, answer.headers.get("x-was"))
                for path in ("", "$metadata"):
                    written = await http.post(f"http://127.0.0.1:{port}/fno/{path}", headers=fields)
                    assert (written.status_code, written.headers.get("x-was")) == (404, None)
        assert answers == CASES

    asyncio.run(scenario())
