"""Reload, with real processes: a new configuration takes over between two requests, or not at all."""

from __future__ import annotations

import json
import re
import signal
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
import trustme

from tests.processes import started
from tests.serving.test_signals import family, free_ports, until

CONFIG = """
listen: 127.0.0.1:{data}
management: 127.0.0.1:{management}
timeouts: {{drain: 4s}}
reload: {{endpoint: true, watch: {watch}}}
named-values: {{answer: {{file: answer.txt}}}}
apis:
  - {{id: a, path: a, policy: answer.xml}}
"""
POLICY = """<policies><inbound>
  <rate-limit-by-key calls="1000" renewal-period="300" counter-key="all" remaining-calls-header-name="left" />
  <return-response><set-status code="200" /><set-body>{{answer}}</set-body></return-response>
</inbound></policies>"""
JSON = {"Content-Type": "application/json"}


class Reloading:
    """A gateway whose answer is in a file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data, self.management = free_ports(2)
        self.client = httpx2.Client(timeout=10)
        (folder / "answer.xml").write_text(POLICY)
        self.say("old")
        self.configure()

    def configure(self, watch: bool = False, more: str = "") -> None:
        """Write the configuration, with *more* at its end."""
        text = CONFIG.format(data=self.data, management=self.management, watch=str(watch).lower())
        (self.folder / "config.yaml").write_text(text + more)

    def say(self, answer: str) -> None:
        """Let a reloaded gateway answer *answer*."""
        (self.folder / "answer.txt").write_text(answer)

    @contextmanager
    def serving(self, workers: int) -> Iterator[subprocess.Popen[str]]:
        """The gateway, ready."""
        command = [sys.executable, "-m", "gateway", "serve", "-c", str(self.folder / "config.yaml")]
        with started([*command, "--workers", str(workers)], stdout=subprocess.PIPE) as process:
            assert until(lambda: self.readiness() is not None, 60)
            yield process

    def readiness(self) -> dict[str, object] | None:
        """What ``/readyz`` reports; None while it is not ready."""
        try:
            answer = self.client.get(f"http://127.0.0.1:{self.management}/readyz")
        except httpx2.HTTPError:
            return None
        report: dict[str, object] = answer.json()
        return report if answer.status_code == 200 else None

    def reload(self) -> httpx2.Response:
        """``POST /reload``."""
        return httpx2.post(f"http://127.0.0.1:{self.management}/reload", headers=JSON, timeout=60)

    def get(self) -> httpx2.Response:
        """An answer, on a connection that stays open."""
        return self.client.get(f"http://127.0.0.1:{self.data}/a")


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Reloading]:
    """Not yet running."""
    reloading = Reloading(tmp_path)
    yield reloading
    reloading.client.close()


@pytest.mark.parametrize("workers", [1, 2])
def test_it_takes_over_or_nothing_changes(gateway: Reloading, workers: int) -> None:
    """A new configuration is in place once POST /reload answers; a broken one changes nothing but what is told."""
    with gateway.serving(workers) as process:
        assert gateway.get().text == "old"
        gateway.say("new")
        assert gateway.reload().json() == {"reloaded": True, "problems": [], "needs-restart": []}
        assert httpx2.get(f"http://127.0.0.1:{gateway.data}/a").text == "new"
        gateway.configure(more="  - {id: broken, path: b, policy: missing.xml}\n")
        answer = gateway.reload()
        assert answer.status_code == 422
        assert f"{gateway.folder}/config.yaml:9:" in answer.json()["problems"][0]
        assert "missing.xml" in answer.json()["problems"][0]
        assert httpx2.get(f"http://127.0.0.1:{gateway.data}/a").text == "new"
        assert "missing.xml" in json.dumps(gateway.readiness())
        metrics = httpx2.get(f"http://127.0.0.1:{gateway.management}/metrics").text
        assert re.search(r"^gateway_configuration_is_last\S* 0\.0$", metrics, re.MULTILINE)
        gateway.configure(more="  - {id: b, path: b, policy: answer.xml}\nworkers: 3\n")
        assert gateway.reload().json()["needs-restart"] == ["workers"]
        assert httpx2.get(f"http://127.0.0.1:{gateway.data}/b").status_code == 200
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=30)
        assert (process.returncode, output.count('"reloaded"'), output.count('"not_reloaded"')) == (0, 2, 1)


@pytest.mark.parametrize("workers", [1, 2])
def test_sighup_reloads(gateway: Reloading, workers: int) -> None:
    """SIGHUP asks for a reload; one that is sent to every process, as a terminal does, ends none of them."""
    with gateway.serving(workers) as process:
        gateway.say("new")
        for pid in (process.pid, *(family(process.pid) if workers > 1 else [])):
            subprocess.run(["kill", "-HUP", str(pid)], check=True)
        assert until(lambda: httpx2.get(f"http://127.0.0.1:{gateway.data}/a").text == "new", 30)
        assert process.poll() is None


def test_a_change_is_enough(gateway: Reloading) -> None:
    """With watch, a file that is saved, written anew by renaming, or repaired takes effect by itself."""
    gateway.configure(watch=True)
    with gateway.serving(1):
        gateway.say("saved")
        assert until(lambda: gateway.get().text == "saved", 30)
        (gateway.folder / "part").write_text("renamed")
        (gateway.folder / "part").rename(gateway.folder / "answer.txt")
        assert until(lambda: gateway.get().text == "renamed", 30)
        gateway.configure(watch=True, more="  - {id: b, path: b, policy: later.xml}\n")
        assert until(lambda: "later.xml" in json.dumps(gateway.readiness()), 30)
        (gateway.folder / "later.xml").write_text(POLICY)
        assert until(lambda: httpx2.get(f"http://127.0.0.1:{gateway.data}/b").status_code == 200, 30)


def test_what_has_not_changed_stays_warm(gateway: Reloading) -> None:
    """Counters go on, connections stay open, and a request that runs ends as it began."""
    with gateway.serving(1):
        left = int(gateway.get().headers["left"])
        gateway.say("new")
        assert gateway.reload().status_code == 200
        answer = gateway.get()
        assert (answer.text, int(answer.headers["left"])) == ("new", left - 1)
        metrics = gateway.client.get(f"http://127.0.0.1:{gateway.management}/metrics").text
        assert 'gateway_requests_total{api="a",operation="",status="200"} 2.0' in metrics
        assert "gateway_reloads_succeeded_total 1.0" in metrics


class Asking(threading.Thread):
    """A client that asks all the time, on one connection."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self.url = f"http://127.0.0.1:{port}/a"
        self.stop = threading.Event()
        self.answers: list[str] = []
        self.failures: list[str] = []

    def run(self) -> None:
        with httpx2.Client(timeout=30) as client:
            while not self.stop.is_set():
                try:
                    self.answers.append(client.get(self.url).text)
                except httpx2.HTTPError as error:
                    self.failures.append(repr(error))


def test_no_request_is_lost(gateway: Reloading) -> None:
    """Under load, with every other configuration broken: each request is answered, by the one in force, in order."""
    (gateway.folder / "answer.xml").write_text(POLICY.replace('calls="1000"', 'calls="1000000"'))
    gateway.say("0")
    with gateway.serving(1):
        asking = [Asking(gateway.data) for _ in range(3)]
        for client in asking:
            client.start()
        for number in range(1, 11):
            broken = number % 2 == 1
            gateway.configure(more="  - {id: a, path: twice}\n" if broken else "")
            gateway.say("never" if broken else str(number))
            assert gateway.reload().status_code == (422 if broken else 200)
        for client in asking:
            client.stop.set()
            client.join()
    for client in asking:
        assert client.failures == []
        assert client.answers == sorted(client.answers, key=int)
    assert {answer for client in asking for answer in client.answers} <= {"0", "2", "4", "6", "8", "10"}
    assert sum(len(client.answers) for client in asking) > 20


def test_a_renewed_certificate_is_presented(gateway: Reloading) -> None:
    """A certificate whose link is swapped, as cert-manager does, is presented to the next connection."""
    folders = [gateway.folder / name for name in ("first", "second")]
    authorities = [_issue(folder) for folder in folders]
    (gateway.folder / "current").symlink_to("first")
    gateway.configure(more="tls: {certificate: current/tls.crt, key: current/tls.key}\n")
    with gateway.serving(1):
        url = f"https://localhost:{gateway.data}/a"
        assert httpx2.get(url, verify=authorities[0]).status_code == 200
        (gateway.folder / "next").symlink_to("second")
        (gateway.folder / "next").rename(gateway.folder / "current")
        assert gateway.reload().json()["reloaded"]
        assert httpx2.get(url, verify=authorities[1]).status_code == 200
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(url, verify=authorities[0])


def _issue(folder: Path) -> ssl.SSLContext:
    """A certificate for localhost in *folder*; a context that trusts its authority alone."""
    folder.mkdir()
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    issued.cert_chain_pems[0].write_to_path(folder / "tls.crt")
    issued.private_key_pem.write_to_path(folder / "tls.key")
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context
