"""One caller whose callback URLs at one host are partly well and partly hang, from request to callback."""

from __future__ import annotations

from pathlib import Path

from gateway.emulators.d365 import D365Emulator
from gateway.emulators.d365.lives import ends
from gateway.emulators.entra import EntraEmulator
from tests.notifications.conftest import d365_settings, fast_settings, running
from tests.notifications.receiver import Receiver, slow

HANGING = range(1000, 1040)
WELL = range(1040, 1044)


def test_good_urls_beside_hanging_ones(
    entra: EntraEmulator, d365: D365Emulator, receiver: Receiver, tmp_path: Path
) -> None:
    """Forty URLs of one flow hang; those of the caller's other flow, asked for later, are not queued behind them."""
    settings = fast_settings(f"sqlite:///{tmp_path}/x.db", d365_settings(entra, d365))
    patience = {"concurrency": 4, "read_timeout_s": 0.15, "total_timeout_s": 0.15}
    with running(settings.model_copy(update={"callbacks": settings.callbacks.model_copy(update=patience)})) as service:
        for batch_id in (*HANGING, *WELL):
            d365.script(batch_id, ends("Finished", 1, 1))
        for batch_id in HANGING:
            receiver.script(f"/flow/hangs/{batch_id}", slow(1.0))
            assert service.create(receiver.url(f"/flow/hangs/{batch_id}"), batch_id).status_code == 202
        well = [service.create(receiver.url(f"/flow/well/{n}"), n).json()["id"] for n in WELL]
        for job_id in well:
            assert service.until(job_id, "delivered")["outcome"] == "succeeded"
        tried = {item.path for item in receiver.received() if "hangs" in item.path}
        assert 5 <= len(tried) < len(HANGING)
        assert all(len(receiver.received(f"/flow/well/{n}")) == 1 for n in WELL)
