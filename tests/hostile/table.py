"""
Prints what nginx, HAProxy and the gateway make of each probe, and writes docs/hostile.md.

Run it with ``make hostile``. The second table shows what other clients notice of an attack (``meanwhile``), the third
lists the attacks that are tests of their own, by their docstrings.
"""

from __future__ import annotations

import ast
import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.hostile import meanwhile
from tests.hostile.probes import PROBES
from tests.hostile.servers import everyone, outcome

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "hostile.md"
HEAD = """\
<!-- Written by `make hostile`. -->
# Hostile requests

`make hostile` sends each of these requests to the gateway, nginx and HAProxy (Debian 12's), all in front of the same
backend. "Right" is what the standard allows, with several answers where it leaves the choice. A test checks the
gateway's column.

| Sent | Right | Source | nginx | HAProxy | Gateway |
|---|---|---|---|---|---|
"""
MEANWHILE = """
## What other clients notice

How long another client's requests take during an attack (99th percentile), each server in its own process, with the
attackers and the backend on the same machine. nginx has one worker, like the gateway; it refuses large chunked uploads.
The load average was {before:.0f} at the beginning and {after:.0f} at the end, on {processors} processors: other work on
the machine makes all figures larger, those of the server that needs more processor time most.

"""
ATTACKS = """
## Attacks with their own tests

| Test | What it proves |
|---|---|
"""


async def rows(folder: Path) -> list[str]:
    """The first table."""
    lines = []
    async with everyone(folder, ["nginx", "haproxy"]) as ports:
        for probe in PROBES:
            seen = {name: (await outcome(port, probe))[1] for name, port in ports.items()}
            columns = [probe.what, " or ".join(probe.right), probe.source]
            columns += [seen[name] for name in ("nginx", "haproxy", "gateway")]
            lines.append(f"| {' | '.join(columns)} |")
    return lines


def attacks() -> Iterator[str]:
    """The second table: a line for each test below this folder."""
    for file in sorted(HERE.glob("*/test_*.py")):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                promise = " ".join((ast.get_docstring(node) or "").split()).replace("|", "\\|")
                yield f"| `{file.relative_to(HERE)}::{node.name}` | {promise} |"


def main() -> None:
    """Write and print the page."""
    with TemporaryDirectory() as folder:
        table = asyncio.run(rows(Path(folder)))
    before = os.getloadavg()[0]
    others = "\n".join(asyncio.run(meanwhile.rows())) + "\n"
    head = MEANWHILE.format(before=before, after=os.getloadavg()[0], processors=os.cpu_count())
    page = HEAD + "\n".join(table) + "\n" + head + others + ATTACKS + "\n".join(attacks()) + "\n"
    PAGE.write_text(page)
    print(page)


if __name__ == "__main__":
    main()
