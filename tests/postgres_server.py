"""A private PostgreSQL cluster, with TLS if it is wanted, and a PgBouncer in front of one; nothing is kept."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests import tools
from tests.redis_server import free_port


@contextlib.contextmanager
def postgres_cluster(options: str = "listen_addresses=''", files: Sequence[Path] = (), hba: str = "") -> Iterator[str]:
    """
    A private PostgreSQL cluster on a unix socket; the URL lacks the database's name.

    Args:
        options: Its settings, separated by spaces; ``{home}`` is where *files* are.
        files: Certificates and keys for it.
        hba: Further lines of pg_hba.conf, which count first.
    """
    home = Path(tempfile.mkdtemp(prefix="pg-"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        for file in files:
            shutil.copy(file, home)
            (home / file.name).chmod(0o600)
        for path in (home, *home.iterdir()):
            own(path)
        as_postgres("initdb", "-D", home / "data", "-U", "postgres", "-A", "trust", "--no-sync")
        rules = home / "data" / "pg_hba.conf"
        rules.write_text(hba + rules.read_text())
        wanted = ["max_connections=200", f"unix_socket_directories={home}", *options.format(home=home).split()]
        flags = " ".join(f"-c {option}" for option in wanted)
        as_postgres("pg_ctl", "-D", home / "data", "-w", "-l", home / "log", "-o", flags, "start")
        stack.callback(as_postgres, "pg_ctl", "-D", home / "data", "-m", "immediate", "-w", "stop")
        yield f"postgresql://postgres@/{{database}}?host={home}"


def postgres_database(server: str, name: str) -> str:
    """URL of a new database."""
    as_postgres("createdb", "-h", server.partition("host=")[2], "-U", "postgres", name)
    return server.format(database=name)


@contextlib.contextmanager
def pooled(server: str, size: int = 3) -> Iterator[str]:
    """A PgBouncer in front of a cluster, which pools transactions in *size* connections; the URL as the cluster's."""
    home, port = Path(tempfile.mkdtemp(prefix="pool-")), free_port()
    socket_folder = server.partition("host=")[2]
    (home / "pool.ini").write_text(
        f"[databases]\n* = host={socket_folder} user=postgres\n"
        f"[pgbouncer]\npool_mode = transaction\ndefault_pool_size = {size}\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\nmax_client_conn = 500\n"
    )
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        for path in (home, *home.iterdir()):
            own(path)
        command = [*become(), tools.need("pgbouncer"), "-q", str(home / "pool.ini")]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL, cwd="/")
        stack.callback(process.wait)
        stack.callback(process.send_signal, signal.SIGKILL)
        wait_for(port)
        yield f"postgresql://postgres@127.0.0.1:{port}/{{database}}"


def wait_for(port: int) -> None:
    """Wait until something accepts connections at *port*."""
    for _ in range(500):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise RuntimeError("nothing listens there")


def own(path: Path) -> None:
    """Give a file to the user that PostgreSQL runs as."""
    if os.geteuid() == 0:
        shutil.chown(path, "postgres", "postgres")


def become() -> list[str]:
    """What a command begins with that must not run as root."""
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []


def as_postgres(program: str, *arguments: object) -> None:
    """Run one of its programs; PostgreSQL refuses to run as root."""
    command = Path(tools.need("postgresql")).resolve().with_name(program), *arguments
    subprocess.run([*become(), *map(str, command)], check=True, capture_output=True, cwd="/", timeout=60)
