"""The Postman collection: consistent in itself, and its D365 folder runs against the emulators with newman."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gateway.emulators.d365 import D365Emulator
from gateway.emulators.entra import EntraEmulator
from gateway.emulators.serving import serve
from tests import tools

EXAMPLES = Path(__file__).parents[2] / "examples" / "postman"
COLLECTION = EXAMPLES / "batch-notification.postman_collection.json"
ENVIRONMENTS = sorted(EXAMPLES.glob("*.postman_environment.json"))
BLOG = {"G_AzureTenantId", "D365clientId", "D365clientSecret", "D365InstanceUrl"}


def _environment(path: Path) -> dict[str, str]:
    return {entry["key"]: entry["value"] for entry in json.loads(path.read_bytes())["values"]}


def test_names() -> None:
    """Every variable that is used is defined, in both environments alike; the blog's names are among them."""
    text = COLLECTION.read_text()
    collection: dict[str, Any] = json.loads(text)
    own = {entry["key"] for entry in collection["variable"]}
    first, second = (set(_environment(path)) for path in ENVIRONMENTS)
    assert first == second >= BLOG
    assert "c_bearertoken" in own
    assert set(re.findall(r"{{(\w+)}}", text)) == own - {"c_polls"} | first


def test_no_secrets() -> None:
    """The environment for Azure comes without tenant, client and secret."""
    azure = _environment(EXAMPLES / "azure.postman_environment.json")
    assert {azure[name] for name in ("G_AzureTenantId", "D365clientId", "D365clientSecret")} == {""}


@pytest.mark.slow
@pytest.mark.needs("newman")
def test_d365_folder() -> None:
    """The blog's requests, straight to D365, all pass."""
    entra, d365 = EntraEmulator(), D365Emulator()
    command = [tools.need("newman"), "run", str(COLLECTION), "-e", str(EXAMPLES / "demo.postman_environment.json")]
    with serve(entra) as authority, serve(d365) as instance:
        values = ["--env-var", f"authority={authority}", "--env-var", f"D365InstanceUrl={instance}"]
        done = subprocess.run(
            [*command, "--folder", "D365 directly", *values], capture_output=True, text=True, timeout=60
        )
    assert done.returncode == 0, done.stdout
    assert d365.requests["batch-jobs"] == 1
