"""Ready means that the notification service can make a job durable, too."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.acceptance.rig import product

CONFIG = """
management: 127.0.0.1:0
backends:
  notifications: {{app: notifications}}
apis:
  - {{id: batch, path: batch, backend: notifications}}
notifications:
  store: sqlite:///n.db
  d365: {{instance-url: "http://127.0.0.1:9", token-url: "http://127.0.0.1:9/t", client-id: i, client-secret: s}}
  default-caller: {{name: all, batch-jobs: "*"}}
"""


def test_engine(tmp_path: Path) -> None:
    """``/readyz`` is 200 with a running engine, although F&O is away, and 503 once the engine has stopped."""

    async def scenario() -> list[tuple[bool, dict[str, object]]]:
        async with product(tmp_path, config=CONFIG, warm=False) as running:
            found = [await running.gateway.readiness.report()]
            await asyncio.to_thread(running.gateway.outside.apps["notifications"].state.engine.stop)
            return [*found, await running.gateway.readiness.report()]

    (before, well), (after, report) = [(ready, report["notifications"]) for ready, report in asyncio.run(scenario())]
    fine = {"ready": True, "detail": ""}
    assert (before, well) == (True, {"engine": fine, "d365": fine, "callbacks": fine})
    assert not after
    gone = {"ready": False, "detail": "it does not run, or its store cannot be written"}
    assert report == {"engine": gone, "d365": fine, "callbacks": fine}
