"""Instances of API Management as the management API tells of them, for tests of ``gateway import``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SERVICE = "/subscriptions/s/resourceGroups/r/providers/Microsoft.ApiManagement/service/demo"
PASSING = "<policies>\n    <inbound>\n        <base />\n    </inbound>\n</policies>\n"


def answer(place: str, /, **properties: Any) -> dict[str, Any]:
    """One resource, as GET returns it; *place* is what follows the service in its id."""
    return {"id": f"{SERVICE}/{place}", "name": place.rpartition("/")[2], "properties": properties}


def policy(parent: str, text: str = PASSING) -> dict[str, Any]:
    """The policy document of *parent*; of the service where that is empty."""
    return answer(f"{parent}/policies/policy".lstrip("/"), format="rawxml", value=text)


def api(name: str = "orders", **properties: Any) -> list[dict[str, Any]]:
    """An API with one operation."""
    own = {"displayName": name, "path": name, "serviceUrl": "https://orders.example.com", "protocols": ["https"]}
    return [
        answer(f"apis/{name}", **{**own, **properties}),
        answer(f"apis/{name}/operations/read", displayName="Read", method="GET", urlTemplate="/{id}"),
    ]


def saved(folder: Path, *resources: dict[str, Any]) -> Path:
    """A file with a list of *resources*, one a line."""
    lines = ",\n".join(json.dumps(resource) for resource in resources)
    file = folder / "instance.json"
    file.write_text(f'{{"value": [\n{lines}\n]}}', encoding="utf-8")
    return file
