"""Large configurations: a thousand APIs load quickly and route like ten."""

from __future__ import annotations

import gc
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gateway.assembly.app import build
from gateway.config import parse
from gateway.data_plane.dispatcher import Dispatcher
from gateway.wire.headers import Headers
from gateway.wire.messages import Request
from tests.processes import unmeasured

POLICIES = Path(__file__).parent.parent / "policies"
OPERATIONS = 20
DOCUMENTS = 20

HEAD = """
named-values:
  my-openid-configuration-url: https://login.example/.well-known/openid-configuration
  my-audience: api://orders
apis:
"""


def _config(directory: Path, apis: int) -> str:
    """*apis* APIs with 20 operations each, behind twenty documents as people have them."""
    for number in range(DOCUMENTS):
        (directory / f"policy-{number}.xml").write_bytes((POLICIES / "caller-objectid.xml").read_bytes())
    return HEAD + "".join(_api(number) for number in range(apis))


def _api(number: int) -> str:
    policy = f"policy-{number % DOCUMENTS}.xml"
    lines = [f"- {{id: api-{number}, path: area/api-{number}, service-url: 'http://127.0.0.1:9', policy: {policy}"]
    lines.append("   operations: [")
    for one in range(OPERATIONS):
        method, template = ("GET", f"/things{one}/{{id}}") if one % 2 else ("POST", f"/things{one}")
        lines.append(f"    {{id: op-{one}, method: {method}, url-template: '{template}'}},")
    return ",\n".join(lines[:1]) + ",\n" + "\n".join(lines[1:]) + "\n  ]}\n"


def _dispatcher(directory: Path, apis: int) -> Dispatcher:
    return build(parse(_config(directory, apis), "config.yaml", directory, {})).dispatcher


def _seconds_per_match(dispatcher: Dispatcher, api: int) -> float:
    """Best of many rounds: other processes of the machine only ever make it slower."""
    request = Request("GET", f"/area/api-{api}/things7/42", "", Headers([("Host", "api.example")]))
    match, rounds = dispatcher.router.match, []
    assert match(request).operation is not None
    gc.disable()
    try:
        for _ in range(60):
            started = time.perf_counter()
            for _ in range(200):
                match(request)
            rounds.append(time.perf_counter() - started)
    finally:
        gc.enable()
    return min(rounds) / 200


@pytest.mark.slow
def test_a_thousand_apis(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """1,000 APIs with 20 operations each load in under 5 s of processor time, and route as quickly as 10 do."""
    few = _dispatcher(tmp_path, 10)
    started = time.process_time()
    many = _dispatcher(tmp_path, 1000)
    load_s = time.process_time() - started
    ten, thousand = (
        min(_seconds_per_match(each, number) for _ in range(3)) for each, number in ((few, 7), (many, 777))
    )
    with capsys.disabled():
        print(f"\nload {load_s:.2f} s; route {ten * 1e6:.2f} µs with 10 APIs, {thousand * 1e6:.2f} µs with 1,000")
    assert load_s < 5
    assert thousand / ten <= 1.2


# Memory does not depend on what else the machine does; the bounds leave a tenth for other interpreters and libraries.
RESIDENT = """
import pathlib, sys
from gateway.serving import process
from gateway.serving.source import ConfigurationFile
from gateway.wire.memory import settle

def resident_kib():
    settle()
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * 4

gateways = [process.build(ConfigurationFile(pathlib.Path(sys.argv[1])).load())]
print(resident_kib())
gateways.append(process.build(ConfigurationFile(pathlib.Path(sys.argv[2])).load()))
print(resident_kib())
"""


def test_memory_of_a_gateway_and_of_an_operation(tmp_path: Path) -> None:
    """A gateway with one API takes at most 88 MiB when nothing happens, and each operation 4.3 KiB more at most."""
    paths = [tmp_path / "one.yaml", tmp_path / "many.yaml"]
    for path, apis in zip(paths, (1, 200), strict=True):
        path.write_text(_config(tmp_path, apis))
    command = [sys.executable, "-c", RESIDENT, *map(str, paths)]
    done = subprocess.run(command, cwd=POLICIES.parent, env=unmeasured(), capture_output=True, text=True, check=True)
    idle, loaded = map(int, done.stdout.split())
    assert idle < 88 * 1024
    assert (loaded - idle) / (200 * OPERATIONS) < 4.3


def test_a_hundred_apis_load(tmp_path: Path) -> None:
    """Each API keeps its own operations, and nothing beside them matches."""
    router = _dispatcher(tmp_path, 100).router
    hit = router.match(Request("POST", "/area/api-99/things4", "", Headers([])))
    miss = router.match(Request("POST", "/area/api-100/things4", "", Headers([])))
    assert (hit.api and hit.api.id, hit.operation and hit.operation.id) == ("api-99", "op-4")
    assert miss.api is None
