"""An API from its OpenAPI definition: the example of examples/openapi, through `gateway serve`."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "openapi"
ORDER = {"id": 4711, "customer": "C-1", "lines": [{"sku": "AB-12345", "quantity": 1, "price": 19.99}]}
NEW = {key: value for key, value in ORDER.items() if key != "id"}
KEY = {"Idempotency-Key": "00000000-0000-0000-0000-000000000001"}


class Orders(BaseHTTPRequestHandler):
    """A backend that keeps to its contract, except where the correlation id asks it not to."""

    def do_GET(self) -> None:
        broken = self.headers.get("X-Correlation-Id", "")
        body: Any = ORDER if self.path.rpartition("/")[2].isdigit() else {"items": [ORDER]}
        if broken == "bad-body":
            body = {"customer": 1}
        self._answer(
            500 if broken == "bad-status" else 200, body, {} if broken == "bad-header" else {"X-Total-Count": "1"}
        )

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(201, ORDER, {"Location": "/orders/4711"})

    def do_DELETE(self) -> None:
        self.send_response(204)
        self.end_headers()

    def _answer(self, status: int, body: object, headers: dict[str, str]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Type": "application/json", "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        """Log nothing."""


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    """The example, served on free ports in front of a backend."""
    backend = ThreadingHTTPServer(("127.0.0.1", 0), Orders)
    Thread(target=backend.serve_forever, daemon=True).start()
    directory = tmp_path_factory.mktemp("openapi")
    for file in EXAMPLE.iterdir():
        (directory / file.name).write_text(file.read_text())
    port, management = _free_port(), _free_port()
    text = (EXAMPLE / "config.yaml").read_text().replace("8090", str(backend.server_port)).replace("8080", str(port))
    (directory / "config.yaml").write_text(f"{text}management: 127.0.0.1:{management}\n")
    process = subprocess.Popen([sys.executable, "-m", "gateway", "serve", "-c", str(directory / "config.yaml")])
    try:
        _wait(management)
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}/orders-api") as client:
            yield client
    finally:
        process.terminate()
        process.wait()
        backend.shutdown()
        backend.server_close()


def _wait(management: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            if httpx2.get(f"http://127.0.0.1:{management}/readyz").status_code == 200:
                return
        except httpx2.HTTPError:
            pass
        time.sleep(0.1)
    raise TimeoutError("the gateway did not become ready")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/orders", 200),
        ("/orders?status=open&status=shipped&page-size=100", 200),
        ("/orders?placed[from]=2024-01-01", 200),
        ("/orders?status=lost", 400),
        ("/orders?page-size=0", 400),
        ("/orders?placed[from]=yesterday", 400),
        ("/orders?placed[since]=2024-01-01", 400),
        ("/orders?debug=1", 400),
        ("/orders/4711", 200),
        ("/orders/0", 400),
        ("/orders/x", 400),
        ("/orders/9223372036854775808", 400),
        ("/orders/search?q=abc", 200),
        ("/orders/search", 400),
        ("/elsewhere", 404),
    ],
)
def test_reading(gateway: httpx2.Client, path: str, status: int) -> None:
    """Declared operations pass with declared parameters, and nothing else does."""
    assert gateway.get(path).status_code == status


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (NEW, KEY, 201),
        (NEW, {}, 400),
        (NEW, {"Idempotency-Key": "1"}, 400),
        ({**NEW, "callbackUrl": "https://a.example/b", "note": None}, KEY, 201),
        ({**NEW, "callbackUrl": "nowhere"}, KEY, 400),
        ({**NEW, "lines": []}, KEY, 400),
        ({**NEW, "lines": [{**ORDER["lines"][0], "price": 19.999}]}, KEY, 400),  # type: ignore[index]
        ({**NEW, "lines": [{**ORDER["lines"][0], "colour": "red"}]}, KEY, 400),  # type: ignore[index]
        ({**NEW, "lines": [{**ORDER["lines"][0], "parts": [{"sku": "x"}]}]}, KEY, 400),  # type: ignore[index]
    ],
    ids="good no-key bad-key optional uri empty price additional nested".split(),
)
def test_writing(gateway: httpx2.Client, body: object, headers: dict[str, str], status: int) -> None:
    """A body reaches the backend if it matches the operation's schema, at every depth."""
    assert gateway.post("/orders", json=body, headers=headers).status_code == status


@pytest.mark.parametrize(
    ("content", "kind"), [(b"<order/>", "application/xml"), (b"{", "application/json"), (b"", "application/json")]
)
def test_other_content(gateway: httpx2.Client, content: bytes, kind: str) -> None:
    """Undeclared types, broken JSON and missing bodies are refused."""
    assert gateway.post("/orders", content=content, headers={**KEY, "Content-Type": kind}).status_code == 400


@pytest.mark.parametrize("broken", ["bad-status", "bad-body", "bad-header"])
def test_a_backend_that_breaks_its_contract(gateway: httpx2.Client, broken: str) -> None:
    """The caller gets 502 and nothing of the backend's answer; on-error knows the operation."""
    answer = gateway.get("/orders", headers={"X-Correlation-Id": broken})
    assert (answer.status_code, answer.headers["X-Operation"]) == (502, "listorders GET /orders")
    assert answer.json()["message"].endswith("Contact the API owner.")


def test_a_mocked_operation(gateway: httpx2.Client) -> None:
    """A sample of the schema is returned for an operation that is not implemented, within the same contract."""
    assert gateway.get("/orders/search?q=abc").json()["items"][0]["customer"] == "C-100"


def test_answers_without_a_body(gateway: httpx2.Client) -> None:
    """204 needs neither content nor headers."""
    assert gateway.delete("/orders/7").status_code == 204
