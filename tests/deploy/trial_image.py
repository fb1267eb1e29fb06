"""The image is built and run by buildah and podman, on Debian bootstrapped from its packages; `make deploy-test`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.deploy.parts import ROOT, script
from tests.deploy.real import asked, free_ports, run, status, until

BUILD = Path(os.environ.get("DEPLOY_BUILD", ROOT / "build" / "deploy"))
STORAGE = ["--root", str(BUILD / "storage"), "--runroot", str(BUILD / "run"), "--storage-driver", "overlay"]
PODMAN = ["podman", *STORAGE, "--runtime", "runc", "--cgroup-manager", "cgroupfs"]
CONFINED = (
    "--read-only --read-only-tmpfs=false --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges "
    "--ulimit nofile=20000:20000 --ulimit nproc=10000:10000 --network host --no-healthcheck"
).split()
BASE, IMAGE = "docker.io/library/debian:bookworm-slim", "gateway-trial"
MOST_MB = 260
TRUST = "/etc/ssl/certs/ca-certificates.crt"


@pytest.fixture(scope="module", autouse=True)
def image() -> Iterator[str]:
    """The image, built as the Dockerfile says; under the base's public name lies one made of Debian's packages."""
    build = ["buildah", *STORAGE, "bud", "--quiet", "--isolation", "chroot", "--layers"]
    if run("buildah", *STORAGE, "images", "--quiet", "--filter", f"reference={BASE}").stdout == "":
        run(*build, "--tag", BASE, BUILD / "base")
    settings = BUILD / "uv.toml"
    settings.write_text("native-tls = true\n")  # the machine's own certificates, as pip has them anyway
    mounts = ["--volume", f"{TRUST}:{TRUST}:ro", "--volume", f"{settings}:/etc/uv/uv.toml:ro"]
    dockerfile = ROOT / "deploy" / "container" / "Dockerfile"
    run(*build, "--format", "docker", *mounts, "--file", dockerfile, "--tag", IMAGE, ROOT)
    yield IMAGE
    run(*PODMAN, "rm", "--all", "--force")


def inside(*command: str) -> subprocess.CompletedProcess[str]:
    """A command in a container of the image, as confined as in production."""
    first, *rest = command
    return subprocess.run(
        [*PODMAN, "run", "--rm", *CONFINED, "--entrypoint", first, IMAGE, *rest],
        capture_output=True,
        text=True,
        check=False,
    )


@contextmanager
def container(name: str, *options: str, command: tuple[str, ...] = ()) -> Iterator[subprocess.Popen[str]]:
    """A container that runs; stopped at the end."""
    whole = [*PODMAN, "run", "--rm", "--name", name, *CONFINED, *options, IMAGE, *command]
    with subprocess.Popen(whole, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            subprocess.run([*PODMAN, "stop", "--time", "40", name], capture_output=True, check=False)


def test_size(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Unpacked, all layers together have a bounded size; each one is reported."""
    run(*PODMAN, "save", "--quiet", "--format", "docker-archive", "--output", tmp_path / "image.tar", IMAGE)
    layers = script("container/layers.py")
    found = list(layers.layers(tmp_path / "image.tar"))
    with capsys.disabled():
        print(f"\n{layers.table(found)}")
    assert sum(size for size, _ in found) <= MOST_MB * 1_000_000


def test_what_is_in_it() -> None:
    """It runs as a user that is not root, has no compiler and no installer, and can write to /tmp only."""
    assert inside("id", "-u").stdout.strip() == "65532"
    tools = ("gcc", "cc", "g++", "make", "pip", "pip3", "uv", "curl", "wget", "perl")
    assert inside("sh", "-c", f"command -v {' '.join(tools)}").stdout == ""
    assert inside("sh", "-c", "touch /tmp/x").returncode == 0
    for place in ("/x", "/opt/gateway/x", "/etc/gateway/x", "/var/lib/gateway/x"):
        assert inside("touch", place).returncode != 0
    assert inside("find", "/opt", "/etc", "-xdev", "-perm", "-o+w", "-type", "f").stdout == ""


def test_bill_of_materials() -> None:
    """The label leads to the bill, which names the gateway, its libraries and Debian's packages."""
    labels = json.loads(run(*PODMAN, "inspect", IMAGE).stdout)[0]["Config"]["Labels"]
    bill = json.loads(inside("cat", labels["io.github.apim-policy-gateway.sbom"]).stdout)
    assert bill["metadata"]["component"]["name"] == "apim-policy-gateway"
    purls = {component.get("purl", "").partition("@")[0] for component in bill["components"]}
    assert {"pkg:pypi/cryptography", "pkg:pypi/redis", "pkg:deb/debian/libssl3", "pkg:deb/debian/python3.11"} <= purls


def test_serve(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A mounted configuration is served; the time to ready and the memory are reported; SIGTERM ends it with 0."""
    data, management = free_ports(2)
    tmp_path.chmod(0o755)
    text = f"listen: 127.0.0.1:{data}\nmanagement: 127.0.0.1:{management}\n"
    (tmp_path / "config.yaml").write_text(text)
    mounted = ["--volume", f"{tmp_path}:/etc/gateway:ro", "--env", f"GATEWAY_MANAGEMENT=127.0.0.1:{management}"]
    began = time.monotonic()
    with container("trial-serve", *mounted) as process:
        until(lambda: status(f"http://127.0.0.1:{management}/readyz") == 200)
        ready_ms = (time.monotonic() - began) * 1000
        time.sleep(2)
        pid = run(*PODMAN, "inspect", "--format", "{{.State.Pid}}", "trial-serve").stdout.strip()
        rollup = dict(re.findall(r"^(\w+): +(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE))
        with capsys.disabled():
            print(f"\nstart to ready {ready_ms:.0f} ms at load {os.getloadavg()[0]:.1f}; idle: {_mib(rollup, 'Rss')}, ")
            print(f"of it private {_mib(rollup, 'Private_Dirty')}")
        assert status(f"http://127.0.0.1:{data}/") == 404
        assert run(*PODMAN, "exec", "trial-serve", "gateway-health").returncode == 0
    assert process.returncode == 0


def _mib(rollup: dict[str, str], name: str) -> str:
    return f"{name} {int(rollup[name]) // 1024} MiB"


def test_nothing_mounted() -> None:
    """Without a configuration it ends, and says which file is missing."""
    done = subprocess.run(
        [*PODMAN, "run", "--rm", *CONFINED, IMAGE], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode != 0
    assert "/etc/gateway/config.yaml" in done.stdout + done.stderr


def test_demo() -> None:
    """The demo runs in it: it listens on all addresses, and the printed calls work where its ports are published."""
    port = free_ports(1)[0]
    with container("trial-demo", command=("demo", "--port", str(port))) as process:
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            if line.strip().endswith("/deliveries") and line.startswith("     curl"):
                break
        banner = "".join(lines)
        assert "Everything listens on 0.0.0.0" in banner
        token, call = (line.strip() for line in re.findall(r"^     (.+)$", banner, re.MULTILINE)[:2])
        answer = run("bash", "-euc", f"{token}\n{call}").stdout
        assert "caller-objectid" in answer.lower()
        shown = re.search(r"this token: (\S+)", banner)
        assert shown is not None
        console = f"http://127.0.0.1:{port + 1}/"
        assert [status(console), status(console, shown[1])] == [401, 200]
        assert asked(console, shown[1])[1].startswith("<!")
