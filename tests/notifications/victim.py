"""A service process that starts its watches, says so, and waits to be killed."""

from __future__ import annotations

import json
import sys
import time

from pydantic import SecretStr

from gateway.emulators.entra.directory import documentation_directory
from gateway.notifications.settings import D365Settings
from tests.notifications.conftest import fast_settings, running


def main() -> None:
    """Take the plan from the command line."""
    plan = json.loads(sys.argv[1])
    application = documentation_directory().applications[0]
    d365 = D365Settings(
        instance_url=plan["d365"],
        token_url=plan["token_url"],
        client_id=application.client_id,
        client_secret=SecretStr(application.secrets[0]),
        settle_s=0.3,
    )
    with running(fast_settings(plan["store"], d365)) as service:
        jobs = [service.create(f"{plan['url']}&n={n}", 900 + n).json()["id"] for n in range(plan["watches"])]
        for job_id in jobs:
            service.until(job_id, "running")
        print("running", file=sys.__stdout__, flush=True)
        time.sleep(60)


if __name__ == "__main__":
    main()
