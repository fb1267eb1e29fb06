"""
Runs, on this system, every command that helps to write policies, in a new folder, and demands what each has to print.

For Windows and macOS, where the gateway itself does not serve: ``python .ci/authoring.py`` in an environment that has
the package. All commands run in this process, one after the other.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, redirect_stdout
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

from gateway import commands
from gateway.cli import COMMANDS, main

# One that Windows' own code pages do not have, so that it cannot be read or written by accident.
NAME = "Zażółć ✓"
DOCUMENT = f"""<policies>
    <!-- {NAME} -->
    <inbound>
        <base />
        <set-header name="x-name" exists-action="override">
            <value>@(Uri.EscapeDataString("{{{{name}}}}"))</value>
        </set-header>
        <validate-content unspecified-content-type-action="ignore" max-size="1000" size-exceeded-action="prevent">
            <content type="application/xml" validate-as="xml" action="prevent" schema-id="orders" />
        </validate-content>
    </inbound>
</policies>
"""
CONFIG = f"""listen: 127.0.0.1:8080
named-values: {{name: "{NAME}"}}
schemas: {{orders: orders.xsd}}
notifications:
  store: sqlite:///jobs.db
  d365: {{instance-url: "https://d365.test", token-url: "https://login.test/t", client-id: a, client-secret: b}}
  callbacks: {{hosts: [callbacks.test], signing-secret: "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}}
backends: {{jobs: {{app: notifications}}}}
apis:
  - {{id: orders, path: orders, service-url: "http://127.0.0.1:9", policy: policies/Orders.XML}}
  - {{id: jobs, path: jobs, backend: jobs}}
"""
POLICY = f"<policies><!-- {NAME} --><inbound><base /></inbound></policies>"
TERRAFORM = """resource "azurerm_api_management" "instance" {
  name = "instance"
}
resource "azurerm_api_management_api" "orders" {
  name                = "orders"
  api_management_name = azurerm_api_management.instance.name
  revision            = "1"
  display_name        = "Orders"
  path                = "orders"
  protocols           = ["https"]
  service_url         = "https://orders.test"
}
resource "azurerm_api_management_api_operation" "list" {
  operation_id        = "list"
  api_name            = azurerm_api_management_api.orders.name
  api_management_name = azurerm_api_management.instance.name
  display_name        = "List"
  method              = "GET"
  url_template        = "/"
}
resource "azurerm_api_management_api_policy" "orders" {
  api_name            = azurerm_api_management_api.orders.name
  api_management_name = azurerm_api_management.instance.name
  xml_content         = file("${path.module}/Orders.XML")
}
"""
SCHEMA = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">
    <xs:element name="order" type="xs:int" />
</xs:schema>
"""
TESTS = f"""config: config.yaml
api: orders
request: {{method: POST, path: /, headers: {{Content-Type: application/xml}}}}
tests:
  - name: {NAME}
    request: {{body: <order>1</order>}}
    expect: {{status: 200, backend: {{headers: {{x-name: Za%C5%BC%C3%B3%C5%82%C4%87%20%E2%9C%93}}}}}}
  - name: What is not an order is refused
    request: {{body: <order>x</order>}}
    expect: {{status: 400}}
"""
SERVES = {"gateway.commands.demo.models", "gateway.commands.demo.running", "gateway.commands.serve.running"}
NEEDS_LINUX = {"serve": "gateway serve", "demo": "gateway demo"}


def run(*arguments: str, status: int = 0) -> str:
    """What a command prints to both streams, as UTF-8. It has to end with *status*."""
    print("$ gateway", *(word for word in arguments if len(word) < 60), flush=True)
    printed, ended = io.TextIOWrapper(io.BytesIO(), encoding="cp1252"), None  # as Windows opens a pipe
    try:
        with redirect_stdout(printed), redirect_stderr(printed):
            main(arguments)
    except SystemExit as error:
        ended = error.code or 0
    printed.flush()
    text = printed.buffer.getvalue().decode()  # type: ignore[attr-defined]
    assert ended == status, f"{ended} instead of {status}: {text}"
    return text.replace("\r\n", "\n")


def documents() -> None:
    """A folder as an editor on Windows leaves it: CRLF, a byte order mark, upper case, letters off the code page."""
    Path("policies").mkdir()
    Path("policies/Orders.XML").write_text("\ufeff" + DOCUMENT, "utf-8", newline="\r\n")
    for name, text in {"config.yaml": CONFIG, "orders.policytest.yaml": TESTS, "orders.xsd": SCHEMA}.items():
        Path(name).write_text(text, "utf-8", newline="\r\n")


def check() -> None:
    assert "config.yaml: ok" in run("check", "-c", "config.yaml")
    Path("policies/bad.xml").write_text(DOCUMENT.replace("EscapeData", "EscapeDate"), "utf-8", newline="\r\n")
    bad = str(Path("policies", "bad.xml").absolute())
    found = run("check", bad, status=1)
    assert f"{bad}:6:" in found, found
    assert "did you mean" in found, found
    assert '"uri": "policies/bad.xml"' in run("check", bad, "--format", "sarif", status=1)
    Path("policies/bad.xml").unlink()


def convert() -> None:
    converted = run("convert", str(Path("policies", "Orders.XML")), "--to", "yaml")
    assert NAME in converted, converted
    Path("policies/orders.yaml").write_text(converted, "utf-8", newline="\r\n")
    assert "<!--" in run("convert", "policies/orders.yaml", "--to", "xml")
    Path("policies/orders.yaml").unlink()


def test() -> None:
    assert f"pass {NAME}" in run("test", "--junit", "report.xml")
    assert NAME in Path("report.xml").read_text("utf-8")
    assert "2 passed" in run("test", str(Path("..", Path.cwd().name)))


def schema() -> None:
    for what in ("config", "policy", "test"):
        assert '"$schema"' in run("schema", what)


def token() -> None:
    minted = run("token", "mint", "--keys", "keys.json", "--audience", "api://orders").strip()
    assert '"aud": "api://orders"' in run("token", "show", minted)
    explained = run("explain", minted, "--api", "orders", "-c", "config.yaml", "--offline", status=2)
    assert explained


def importing() -> None:
    Path("instance").mkdir()
    Path("instance/main.tf").write_text(TERRAFORM, "utf-8", newline="\r\n")
    Path("instance/Orders.XML").write_text("\ufeff" + POLICY, "utf-8", newline="\r\n")
    run("import", "instance", "-o", str(Path("imported", "gateway")))
    assert "0 errors" in run("check", "-c", str(Path("imported", "gateway", "config.yaml")))
    assert any(NAME in path.read_text("utf-8") for path in Path("imported").rglob("*.xml"))


def init() -> None:
    assert "gateway check" in run("init", "new")
    assert "0 errors" in run("check", "-c", str(Path("new", "config.yaml")))
    assert "3 passed" in run("test", "new")
    assert "there already" in run("init", "new", status=1)
    run("init", "full", "--full")
    assert "0 errors" in run("check", "-c", str(Path("full", "config.yaml")))


def policies() -> None:
    assert "rate-limit-per-caller" in run("policies")
    run("policies", "cors", "--copy", str(Path("copied")), "--xml")
    assert "4 passed" in run("test", "copied")


def lsp() -> None:
    """The language server loads, and checks and completes a document that is not saved yet, by this system's paths."""
    from gateway.commands.lsp.diagnosing import Diagnoser
    from gateway.commands.lsp.features import server
    from gateway.commands.lsp.session import uri_of
    from gateway.commands.lsp.xml_completion import xml_offers

    folder = Path.cwd().resolve()
    server.session.folders = [folder]
    uri = uri_of(folder / "policies" / "Orders.XML")
    server.session.open(uri, DOCUMENT.replace("{{name}}", "{{unheard}}"))
    text = server.session.texts[uri]
    assert [finding.code for finding in Diagnoser(server.session).diagnose(text)[uri]] == ["unknown-named-value"]
    offers = xml_offers(text.text, text.text.index("{{unheard") + 2, server.session.project(text))
    assert offers is not None
    assert [offer.label for offer in offers.offers] == ["name"]


def others() -> None:
    """Every other command loads, with all of its parts, and explains itself; what serves says what it needs."""
    for module in walk_packages(commands.__path__, "gateway.commands."):
        if module.name not in SERVES:
            import_module(module.name)
    for name in COMMANDS:
        assert f"gateway {name}" in run(name, "--help")
    if sys.platform != "linux":
        for name, command in NEEDS_LINUX.items():
            assert f"{command} runs on Linux" in run(name, status=1)


CHECKS: dict[str, Callable[[], None]] = {
    "check": check,
    "convert": convert,
    "test": test,
    "schema": schema,
    "token": token,
    "explain": token,
    "import": importing,
    "init": init,
    "policies": policies,
    "lsp": lsp,
    "others": others,
}


def everything(steps: Iterable[str] = CHECKS) -> None:
    """Refuse a system on which something does not run; *steps*: names in ``CHECKS``, or all of them."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            documents()
            for step in dict.fromkeys(CHECKS[name] for name in steps):
                step()
        finally:
            os.chdir(before)


if __name__ == "__main__":
    everything(sys.argv[1:] or CHECKS)
    print(f"the commands for writing policies run on {sys.platform}")
