"""In front of the notification service nobody can be somebody else, not even where no policy sets the caller."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.acceptance.rig import product

CONFIG = """
management: 127.0.0.1:0
backends:
  notifications: {{app: notifications}}
apis:
  - {{id: bare, path: bare, backend: notifications}}
  - {{id: routed, path: routed, service-url: "http://127.0.0.1:{backend}", policy: routed.xml}}
notifications:
  store: sqlite:///n.db
  d365: {{instance-url: "http://127.0.0.1:9", token-url: "http://127.0.0.1:9/t", client-id: i, client-secret: s}}
  default-caller: {{name: all, batch-jobs: "*"}}
"""

ROUTED = """
<policies>
  <inbound><set-backend-service backend-id="notifications" /></inbound>
  <backend><forward-request /></backend><outbound /><on-error />
</policies>
"""


@pytest.mark.parametrize("path", ["/bare/jobs", "/routed/jobs"])
@pytest.mark.parametrize("field", ["caller-objectid: me", "Caller_ObjectId: me", "CALLER-OBJECTID: me"])
def test_forged_caller(tmp_path: Path, path: str, field: str) -> None:
    """A client that names itself is 401, on an API without policies and on one that is routed there by a policy."""

    async def scenario() -> None:
        (tmp_path / "routed.xml").write_text(ROUTED)
        async with product(tmp_path, config=CONFIG, warm=False) as running:
            assert (await running.call(path, field)).status == 401

    asyncio.run(scenario())
