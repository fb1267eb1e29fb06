"""deploy/container: what the image is made of, how large it is, and whether it lives."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.parts import DEPLOY, ROOT, script

DOCKERFILE = (DEPLOY / "container" / "Dockerfile").read_text()
FINAL = DOCKERFILE.rpartition("\nFROM ")[2]


@pytest.mark.parametrize(
    "instruction",
    [
        "USER 65532:65532",
        "STOPSIGNAL SIGTERM",
        'ENTRYPOINT ["gateway"]',
        'CMD ["serve", "--config", "/etc/gateway/config.yaml"]',
        'CMD ["gateway-health"]',
        "EXPOSE 8080 8081",
        'sbom="/usr/share/sbom/gateway.cdx.json"',
        "/build/bom.cdx.json /usr/share/sbom/gateway.cdx.json",
    ],
)
def test_the_image(instruction: str) -> None:
    """The final stage has a fixed user that is not root, stops by a signal, is checked, and names its bill."""
    assert instruction in FINAL


def test_nothing_is_installed_last() -> None:
    """The final stage runs no installer and copies no tool: what builds the image is not in it."""
    run = re.findall(r"^RUN (.*(?:\\\n.*)*)", FINAL, re.MULTILINE)
    assert not re.search(r"\b(apt-get|pip|uv|curl|wget|gcc)\b", " ".join(run))


def test_everything_is_checked_by_hash() -> None:
    """Each installation from PyPI goes by hashes: of the lock, or of the file beside the Dockerfile."""
    commands = re.sub(r"\\\n\s*", " ", DOCKERFILE)
    installing = [line for line in re.split(r"&&|;|\n", commands) if re.search(r"pip install|uv build", line)]
    assert len(installing) == 4
    assert [line for line in installing if "--require-hashes" not in line] == [
        line for line in installing if line.rstrip().endswith("dist/*.whl")
    ]
    constraints = (DEPLOY / "container" / "build-constraints.txt").read_text()
    assert all("--hash=sha256:" in part for part in re.split(r"\n(?=[a-z])", constraints)[1:])


def test_only_what_is_needed_is_sent() -> None:
    """The builder gets what is listed, so that no configuration or secret can get into a layer."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    listed = {line[1:] for line in lines if line.startswith("!")}
    copies = re.findall(r"^COPY (?!--from)(?:--\S+ )?(.+) \S+$", DOCKERFILE, re.MULTILINE)
    sources = {name for names in copies for name in names.split()}
    assert len(sources) > 8
    assert [name for name in sources if not {name, *map(str, Path(name).parents)} & listed] == []


LOCK = """
[[package]]
name = "uv"
version = "1.2"
wheels = [{url = "https://files.example/a", hash = "sha256:aa"}, {url = "https://files.example/b", hash = "sha256:bb"}]
"""


def test_locked() -> None:
    """The release of uv is the lock's, with the hash of each of its wheels; an unknown package is an error."""
    locked = script("container/locked.py")
    assert locked.requirement(LOCK, "uv") == "uv==1.2 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb"
    with pytest.raises(LookupError):
        locked.requirement(LOCK, "not-there")


STATUS = """Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9+deb12u13
Description: GNU C Library
 with: a colon in the long text

Package: removed
Status: deinstall ok config-files
Architecture: all
Version: 1
"""


def test_bill(tmp_path: Path) -> None:
    """The bill names the gateway with its wheel's hash, Python's packages and Debian's, but not what was removed."""
    wheel = tmp_path / "apim_policy_gateway-1.2.3-py3-none-any.whl"
    wheel.write_bytes(b"wheel")
    bill = script("container/bill.py")
    python = {"bomFormat": "CycloneDX", "components": [{"bom-ref": "regex==1", "name": "regex"}]}
    whole = bill.whole(python, STATUS, bill.of_wheel(wheel))
    component = whole["metadata"]["component"]
    assert (component["name"], component["version"]) == ("apim-policy-gateway", "1.2.3")
    assert component["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(b"wheel").hexdigest()}]
    assert [(it["name"], it.get("purl")) for it in whole["components"]] == [
        ("libc6", "pkg:deb/debian/libc6@2.36-9%2Bdeb12u13?arch=amd64&distro=debian-12"),
        ("regex", None),
    ]


def saved(path: Path, images: int = 1) -> Path:
    """An image of two layers with a file each, as `docker save` writes it."""

    def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))

    def layer(size: int) -> bytes:
        written = io.BytesIO()
        with tarfile.open(fileobj=written, mode="w") as archive:
            add(archive, "file", b"x" * size)
            link = tarfile.TarInfo("link")
            link.type, link.linkname = tarfile.LNKTYPE, "file"
            archive.addfile(link)
        return written.getvalue()

    steps: list[dict[str, Any]] = [
        {"created_by": "/bin/sh -c #(nop) ADD file:1 in /"},
        {"created_by": "ENV A=1", "empty_layer": True},
        {"created_by": "COPY gateway /opt"},
    ]
    with tarfile.open(path, "w") as archive:
        add(archive, "one.tar", layer(2_000_000))
        add(archive, "two.tar", layer(500_000))
        add(archive, "config.json", json.dumps({"history": steps}).encode())
        image = {"Config": "config.json", "Layers": ["one.tar", "two.tar"]}
        add(archive, "manifest.json", json.dumps([image] * images).encode())
    return path


def test_layers(tmp_path: Path) -> None:
    """Each layer is reported with its command and the size of its files, then the sum."""
    layers = script("container/layers.py")
    found = list(layers.layers(saved(tmp_path / "image.tar")))
    assert layers.table(found).splitlines() == [
        "    2.0 MB  ADD file:1 in /",
        "    0.5 MB  COPY gateway /opt",
        "    2.5 MB  in all",
    ]
    with pytest.raises(ValueError, match="2 images"):
        list(layers.layers(saved(tmp_path / "two.tar", images=2)))


class _Management(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(self.server.status if self.path == "/healthz" else 404)  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.mark.parametrize(("status", "code"), [(200, 0), (500, 1), (None, 1)])
def test_health(status: int | None, code: int) -> None:
    """The health check passes if the management plane answers, and says why not otherwise."""
    with http.server.HTTPServer(("127.0.0.1", 0), _Management) as server:
        server.status = status  # type: ignore[attr-defined]
        address = f"127.0.0.1:{server.server_port}" if status else "127.0.0.1:1"
        threading.Thread(target=server.handle_request, daemon=True).start()
        done = subprocess.run(
            [sys.executable, "-IS", DEPLOY / "container" / "health"],
            env=os.environ | {"GATEWAY_MANAGEMENT": address},
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stderr == "") == (code, code == 0)
