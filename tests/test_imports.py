"""What a command loads: start-up time and idle memory are those of the libraries that the configuration needs."""

from __future__ import annotations

import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.processes import started, unmeasured

ROOT = Path(__file__).parents[1]
RARE = [
    "attr",
    "click",
    "cyclopts",
    "gateway.cli",
    "gateway.liquid",
    "gateway.reading.field_docstrings",
    "google.protobuf",
    "gateway.wire.server.http2.connection",
    "grpc",
    "h2",
    "hpack",
    "http.server",
    "jsonschema",
    "lsprotocol",
    "lxml",
    "multiprocessing",
    "opentelemetry",
    "prometheus_client.exposition",
    "psycopg",
    "pygls",
    "redis",
    "regex",
    "rich",
    "sqlalchemy",
    "sqlite3",
    "uvicorn.main",
    "watchfiles",
]
COMMANDS = {"attr", "cyclopts", "gateway.cli"}  # what every command but a plain serve has
MOST_MODULES = 1_220
CONFIG = """
listen: 127.0.0.1:0
management: 127.0.0.1:0
apis:
  - {id: a, path: a, service-url: "http://127.0.0.1:9", policy: POLICY}
named-values: {my-openid-configuration-url: "https://issuer.test/.well-known/openid-configuration", my-audience: a}
"""

SERVE = """
import atexit, sys
from gateway.__main__ import main
atexit.register(lambda: print(*sys.modules))
sys.argv = ["gateway", "serve", "--config", sys.argv[1]]
main()
"""
CHECK = """
import pathlib, sys
import gateway.cli
from gateway.commands.check import report as check
assert check.check_all([pathlib.Path(sys.argv[1])], None)[0].ok
print(*sys.modules)
"""


def loaded(code: str, file: Path) -> set[str]:
    """The modules of a process that ran *code*."""
    command = [sys.executable, "-c", code, str(file)]
    done = subprocess.run(command, cwd=ROOT, env=unmeasured(), capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """What a gateway with one API that validates tokens has loaded, from its start to its end."""
    config = tmp_path_factory.mktemp("plain") / "config.yaml"
    config.write_text(CONFIG.replace("POLICY", str(ROOT / "policies/caller-objectid.xml")))
    command = [sys.executable, "-c", SERVE, str(config)]
    with started(command, cwd=ROOT, env=unmeasured(), stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert any('"listening"' in line for line in process.stdout)
        process.send_signal(signal.SIGTERM)
        *_, modules = process.stdout
        assert process.wait() == 0
    return set(modules.split())


def test_a_plain_gateway_loads_no_rare_library(serving: set[str]) -> None:
    """A gateway that validates tokens runs without what templates, schemas, Redis or notifications need."""
    assert serving & set(RARE) == set()


def test_a_plain_gateway_loads_few_modules(serving: set[str]) -> None:
    """Each module is memory and start-up time: whoever needs more says so here, and in ADR 91."""
    assert len(serving) < MOST_MODULES


def test_a_check_loads_nothing_that_serves() -> None:
    """A document is checked without the configuration's model, HTTP clients and servers."""
    modules = loaded(CHECK, ROOT / "policies/caller-objectid.xml")
    assert modules.isdisjoint(
        [*sorted(set(RARE) - COMMANDS), "pydantic", "httpx2", "uvicorn", "prometheus_client", "starlette"]
    )


@pytest.mark.parametrize("library", ["rich", "h2"])
def test_hidden_libraries_can_be_loaded_later(library: str) -> None:
    """What is hidden while another library loads is there for everybody else."""
    if find_spec(library) is None:  # greenlet comes with other libraries only
        pytest.skip(f"{library} is not installed")
    loaded(f"import gateway.outside.http_calls, {library}", Path())
