"""
One bill of materials of the image: Python's packages (as cyclonedx-py lists them), Debian's, and the gateway.

``bill.py python.json /var/lib/dpkg/status gateway.whl`` writes CycloneDX JSON to standard output.

Source: CycloneDX 1.6; https://github.com/package-url/purl-spec (types deb and pypi).
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

Component = dict[str, Any]


def debian(status: str, release: str = "debian-12") -> Iterator[Component]:
    """The installed packages of dpkg's *status* file."""
    for paragraph in status.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in paragraph.splitlines() if ": " in line and line[0] != " ")
        if fields.get("Status", "").endswith(" installed"):
            name, version, machine = fields["Package"], fields["Version"], fields["Architecture"]
            purl = f"pkg:deb/debian/{name}@{quote(version, safe='.-~')}?arch={machine}&distro={release}"
            yield {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def of_wheel(wheel: Path) -> Component:
    """The gateway's own entry, from its wheel's name and content."""
    name, version = wheel.name.split("-")[:2]
    name = name.replace("_", "-")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    purl = f"pkg:pypi/{name}@{version}"
    hashes = [{"alg": "SHA-256", "content": digest}]
    return {"type": "application", "bom-ref": purl, "name": name, "version": version, "purl": purl, "hashes": hashes}


def whole(python: Component, status: str, gateway: Component) -> Component:
    """*python*, a CycloneDX document, with Debian's packages added and *gateway* as what it describes."""
    own = (found for found in python.get("components", []) if found["name"] != gateway["name"])
    components = sorted([*own, *debian(status)], key=lambda found: str(found["bom-ref"]))
    return {**python, "metadata": {**python.get("metadata", {}), "component": gateway}, "components": components}


if __name__ == "__main__":
    listed, packages, built = (Path(name) for name in sys.argv[1:4])
    document = whole(json.loads(listed.read_text("utf-8")), packages.read_text("utf-8"), of_wheel(built))
    json.dump(document, sys.stdout, indent=1, sort_keys=True)
