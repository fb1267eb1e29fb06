"""What a command loads: start-up time and idle memory are those of the libraries that the configuration needs."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.processes import unmeasured

ROOT = Path(__file__).parents[1]
RARE = [
    "gateway.liquid",
    "google.protobuf",
    "grpc",
    "h2",
    "jsonschema",
    "lsprotocol",
    "lxml",
    "opentelemetry",
    "psycopg",
    "pygls",
    "redis",
    "regex",
    "rich",
    "sqlalchemy",
    "sqlite3",
    "watchfiles",
]
CONFIG = """
apis:
  - {id: a, path: a, service-url: "http://127.0.0.1:9", policy: POLICY}
named-values: {my-openid-configuration-url: "https://issuer.test/.well-known/openid-configuration", my-audience: a}
"""

SERVE = """
import pathlib, sys
import gateway.cli
from gateway.serving import process
from gateway.serving.source import ConfigurationFile
process.build(ConfigurationFile(pathlib.Path(sys.argv[1])).load())
print(*sys.modules)
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


def test_a_plain_gateway_loads_no_rare_library(tmp_path: Path) -> None:
    """A gateway that validates tokens starts without what templates, schemas, Redis or notifications need."""
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG.replace("POLICY", str(ROOT / "policies/caller-objectid.xml")))
    assert loaded(SERVE, config).isdisjoint(RARE)


def test_a_check_loads_nothing_that_serves() -> None:
    """A document is checked without the configuration's model, HTTP clients and servers."""
    modules = loaded(CHECK, ROOT / "policies/caller-objectid.xml")
    assert modules.isdisjoint([*RARE, "pydantic", "httpx2", "uvicorn", "prometheus_client", "starlette"])


@pytest.mark.parametrize("library", ["rich", "h2"])
def test_hidden_libraries_can_be_loaded_later(library: str) -> None:
    """What is hidden while another library loads is there for everybody else."""
    if find_spec(library) is None:  # greenlet comes with other libraries only
        pytest.skip(f"{library} is not installed")
    loaded(f"import gateway.outside.http_calls, {library}", Path())
