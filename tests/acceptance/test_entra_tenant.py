"""docs/entra-tenant.md against the Entra emulator: its files, its clients and its refusals."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx2
import pytest

from gateway.emulators.certificates import ServerTls, throw_away
from gateway.emulators.echo import EchoBackend
from gateway.emulators.entra import Application, Directory, EntraEmulator
from gateway.emulators.entra.directory import API, CLIENT, SECRET, SERVICE_PRINCIPAL, TENANT, Resource
from gateway.emulators.serving import Binding, serve
from tests import tools

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "entra-tenant.md").read_text()
EXAMPLES = ROOT / "examples" / "entra"
GATEWAY = str(Path(sys.executable).with_name("gateway"))
START_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class Tenant:
    """The page's tenant with its API and client registered, and the service behind the API."""

    entra: EntraEmulator
    tls: ServerTls
    backend: EchoBackend
    directory: Path

    @property
    def environment(self) -> dict[str, str]:
        """What the page has its reader export, and where the emulator is."""
        ids = {"TENANT_ID": TENANT, "API_ID": API, "CLIENT_ID": CLIENT, "CLIENT_SECRET": SECRET}
        here = {"AUTHORITY": self.entra.base_url, "REQUESTS_CA_BUNDLE": str(self.tls.ca_file)}
        return {**os.environ, **ids, **here, "AZURE_CONFIG_DIR": str(self.directory / "azure")}

    def config(self) -> Path:
        """The page's configuration, pointed at the emulator and the backend."""
        text = (EXAMPLES / "config.yaml").read_text()
        text = text.replace(f"tenant-id: {TENANT}", f"tenant-id: {self.entra.base_url}/{TENANT}")
        text = text.replace("http://127.0.0.1:8090", self.backend.base_url)
        text = text.replace("listen: 127.0.0.1:8080", "listen: 127.0.0.1:0\nmanagement: 127.0.0.1:0")
        text = text.replace("orders.yaml", str(EXAMPLES / "orders.yaml"))
        trusted = f'{{ca-file: "{self.tls.ca_file}"}}'
        urls = [
            f"{self.entra.base_url}/{TENANT}{version}/.well-known/openid-configuration" for version in ("", "/v2.0")
        ]
        path = self.directory / "config.yaml"
        path.write_text("\n".join([text, "issuers:", *(f"  {url}: {trusted}" for url in urls), ""]))
        return path

    def run(self, *command: str, exit_code: int = 0) -> str:
        """Standard output of *command*, run with the page's variables."""
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, env=self.environment)
        assert done.returncode == exit_code, done.stdout + done.stderr
        return done.stdout.strip()


@dataclass(frozen=True)
class Served:
    """``gateway serve`` with the page's configuration."""

    port: int
    config: Path
    log: Path

    def call(self, token: str, **headers: str) -> httpx2.Response:
        """The page's call, through the gateway."""
        headers["Authorization"] = f"Bearer {token}"
        return httpx2.get(f"http://127.0.0.1:{self.port}/orders/7", headers=headers)

    def refusal(self, since: int) -> dict[str, Any]:
        """The refusal that the log has had *since* it was that long, in bytes; it is written right after the answer."""
        deadline = monotonic() + START_TIMEOUT_S
        while monotonic() < deadline:
            lines = self.log.read_bytes()[since:].splitlines(keepends=True)
            events = [json.loads(line) for line in lines if line.endswith(b"}\n")]
            if refusals := [event for event in events if event["event"] == "refused"]:
                (refusal,) = refusals
                return dict(refusal)
            sleep(0.05)
        raise AssertionError(self.log.read_text())


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    """What the page's first two steps register."""
    client = Application(CLIENT, SERVICE_PRINCIPAL, secrets=(SECRET,), roles={API: ("Orders.Read",)})
    entra = EntraEmulator(directory=Directory((client,), (Resource(API, (f"api://{API}",), idtyp=True),)))
    directory = tmp_path_factory.mktemp("entra")
    tls, backend = throw_away(directory), EchoBackend()
    with serve(entra, Binding(tls=tls.context)), serve(backend):
        yield Tenant(entra, tls, backend, directory)


@pytest.fixture(scope="module")
def served(tenant: Tenant) -> Iterator[Served]:
    """The gateway, as the page starts it."""
    config, log = tenant.config(), tenant.directory / "gateway.log"
    with log.open("wb") as output:
        running = subprocess.Popen([GATEWAY, "serve", "-c", str(config)], stdout=output, stderr=subprocess.STDOUT)
    try:
        yield Served(_port(running, log), config, log)
    finally:
        running.terminate()
        running.wait(60)


def _port(running: subprocess.Popen[bytes], log: Path) -> int:
    """Where the gateway listens, once it says so."""
    deadline = monotonic() + START_TIMEOUT_S
    while running.poll() is None and monotonic() < deadline:
        listening = re.search(r'"port":(\d+),.*"event":"listening"', log.read_text())
        if listening:
            return int(listening[1])
        sleep(0.05)
    raise AssertionError(log.read_text())


def _by_msal(tenant: Tenant) -> str:
    return tenant.run(sys.executable, str(EXAMPLES / "get_token.py"))


def _by_azure_cli(tenant: Tenant) -> str:
    """The page's two commands, in a cloud whose directory is the emulator."""
    settings = tenant.directory / "azure"
    settings.mkdir(exist_ok=True)
    names = ("active_directory", "active_directory_resource_id", "management", "resource_manager")
    cloud = ["[emulator]", "profile = latest", *(f"endpoint_{name} = {tenant.entra.base_url}" for name in names)]
    (settings / "clouds.config").write_text("\n".join(cloud))
    core = "[cloud]\nname = emulator\n[core]\ncollect_telemetry = false\ninstance_discovery = false\n"
    (settings / "config").write_text(core)
    login = "az login --service-principal -u $CLIENT_ID -p $CLIENT_SECRET --tenant $TENANT_ID --allow-no-subscriptions"
    tenant.run("bash", "-c", f"{login} --skip-subscription-discovery")
    return tenant.run(
        *"az account get-access-token --query accessToken -o tsv --scope".split(), f"api://{API}/.default"
    )


# The Azure CLI takes some 900 MB and is not among the tools of the tests; where it is installed it takes part.
CLIENTS = [_by_msal, pytest.param(_by_azure_cli, marks=pytest.mark.needs("azure-cli"))]


@pytest.mark.parametrize("get_token", CLIENTS, ids=lambda way: way.__name__)
def test_clients_get_tokens_that_pass(tenant: Tenant, served: Served, get_token: Any) -> None:
    """A token from each of the page's clients passes, and the backend sees its object id, not the client's claim."""
    answer = served.call(get_token(tenant), **{"Caller_ObjectId": "forged"})
    assert answer.status_code == 200, answer.text
    ids = [value for name, value in answer.json()["headers"] if name.replace("_", "-") == "caller-objectid"]
    assert ids == [SERVICE_PRINCIPAL]


def test_claims_are_those_of_the_page(tenant: Tenant) -> None:
    """The claims that the page shows are in the token, with these values."""
    shown = json.loads(re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)[1])  # type: ignore[index]
    issued = json.loads(tenant.run(GATEWAY, "token", "show", _by_msal(tenant)))["claims"]
    issued["iss"] = issued["iss"].replace(tenant.entra.base_url, "https://login.microsoftonline.com")
    assert {name: issued[name] for name in shown} == shown


def test_a_user_passes_by_scope(tenant: Tenant, served: Served) -> None:
    """A user's token with the scope passes without any role."""
    assert served.call(tenant.entra.mint(app_only=False, scp="Orders.Read")).status_code == 200


MISTAKES: dict[str, dict[str, Any]] = {
    "TokenAudienceNotAllowed": {"version": 1, "roles": ("Orders.Read",)},
    "TokenClaimValueNotAllowed": {"roles": ()},
    "TokenExpired": {"roles": ("Orders.Read",), "lifetime_s": -60},
}


@pytest.mark.parametrize("reason", MISTAKES)
def test_refusals_are_those_of_the_page(tenant: Tenant, served: Served, reason: str) -> None:
    """Each mistake that the page lists is a 401 without details for the caller, with the listed reason in the log."""
    token = tenant.entra.mint(**MISTAKES[reason])
    before = served.log.stat().st_size
    answer = served.call(token)
    assert (answer.status_code, answer.json()["message"]) == (401, "Unauthorized")
    assert served.refusal(before)["reason"] == reason
    assert f"`{reason}`" in PAGE


def test_explain_names_the_audience(tenant: Tenant, served: Served) -> None:
    """`gateway explain` prints the lines that the page shows for a v1.0 token."""
    shown = re.search(r"  FAIL audience.*?hint: [^\n]+", PAGE, re.DOTALL)
    assert shown is not None
    token = tenant.entra.mint(version=1, roles=("Orders.Read",))
    assert shown[0] in tenant.run(GATEWAY, "explain", token, "-c", str(served.config), exit_code=1)


@pytest.mark.slow
@pytest.mark.needs("newman")
def test_postman_collection(tenant: Tenant, served: Served) -> None:
    """The Postman collection gets a token, calls the API and is refused without one."""
    values = {"tenantId": TENANT, "apiId": API, "clientId": CLIENT, "clientSecret": SECRET}
    values |= {"authority": tenant.entra.base_url, "gateway": f"http://127.0.0.1:{served.port}"}
    options = [option for name, value in values.items() for option in ("--env-var", f"{name}={value}")]
    collection = str(EXAMPLES / "entra-tenant.postman_collection.json")
    tenant.run(tools.need("newman"), "run", collection, "--ssl-extra-ca-certs", str(tenant.tls.ca_file), *options)


def test_the_page_shows_the_files() -> None:
    """The excerpts of the configuration and the policy on the page are identical to the files."""
    assert (EXAMPLES / "orders.yaml").read_text().partition("\n\n")[2] in PAGE
    assert (EXAMPLES / "config.yaml").read_text().replace("orders.yaml", "examples/entra/orders.yaml") in PAGE
