"""
``gateway demo --ai``: the gateway in front of two deployments of language models, emulated or your own.

The policy is an ordinary document (ai-policy.xml), as people write it for API Management.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import AsyncExitStack
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.assembly.app import Gateway, build
from gateway.commands.demo.running import Show, render, serve_parts
from gateway.config import parse
from gateway.emulators.openai import OpenAIEmulator

MODEL = "gpt-4o-mini"
# As quick as a person reads.
PACE_S = 0.04
CALM = """\
Starting two emulated deployments of language models, with the gateway in front of them.
Everything listens on 127.0.0.1 only; nothing leaves this machine unless OPENAI_BASE_URL names an endpoint of your own.
The settings are those of a demo: plain HTTP and private addresses, which the gateway otherwise warns about.
"""
OPEN = """\
Starting two emulated deployments of language models, with the gateway in front of them.
Everything listens on {host}; the emulators trust everyone who can connect.
The settings are those of a demo: plain HTTP and private addresses, which the gateway otherwise warns about.
"""


async def start(port: int, host: str, running: AsyncExitStack) -> tuple[Gateway, dict[str, str]]:
    """Start the emulators and build the gateway, all of them on *host*; *running* ends them."""
    deployments = {"first": OpenAIEmulator(name="swedencentral"), "second": OpenAIEmulator(name="eastus")}
    for deployment in deployments.values():
        deployment.pace_s = PACE_S
    facts = await serve_parts(port, host, deployments, running)
    facts |= endpoints(facts, os.environ)
    folder = Path(running.enter_context(TemporaryDirectory(prefix="gateway-demo-")))
    policy = files("gateway.commands.demo").joinpath("ai-policy.xml").read_text("utf-8")
    (folder / "ai-policy.xml").write_text(policy, encoding="utf-8")
    config = parse(render("ai.yaml", facts), "gateway/commands/demo/ai.yaml", folder, os.environ)
    return build(config), facts


def endpoints(facts: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """
    Where calls go: to the two emulators, or to the user's own endpoint alone.

    Values are JSON, which is YAML too, so that nothing in a variable changes the configuration around it. A key is
    named there, never written.
    """
    own = environ.get("OPENAI_BASE_URL", "")
    urls = [own] if own else [f"{facts['first']}/v1", f"{facts['second']}/v1"]
    parameter = {"env": "OPENAI_API_KEY"} if "OPENAI_API_KEY" in environ and own else "demo"
    credentials = {"authorization": {"scheme": "Bearer", "parameter": parameter}}
    breaker = {
        "count": 1,
        "interval": "1m",
        "status-codes": ["429"],
        "error-reasons": [],
        "trip-duration": "30s",
        "accept-retry-after": True,
    }
    backends = {
        f"deployment-{number}": {"url": url, "credentials": credentials, "circuit-breaker": breaker}
        for number, url in enumerate(urls, 1)
    }
    members = [{"backend": name, "priority": number} for number, name in enumerate(backends, 1)]
    return {
        "backends": json.dumps(backends | {"models": {"pool": members}}),
        "model": environ.get("OPENAI_MODEL") or MODEL,
        "where": f"your endpoint {own}" if own else f"{facts['first']} and {facts['second']}",
    }


AI = Show(start, "ai-banner.txt", CALM, OPEN, 4)
