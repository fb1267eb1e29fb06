"""PostgreSQL over TLS, with certificates and with tokens; and what its refusals are called."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import sqlalchemy as sa

from gateway.notifications.store.database import StoreAccess, StoreUnusable, open_engine
from gateway.notifications.store.store import Store
from gateway.outside.identity import IdentityToken
from gateway.outside.token_endpoints import no_token
from gateway.outside.token_password import TokenPassword
from tests.postgres_server import as_postgres, postgres_cluster
from tests.redis_server import TlsFiles, free_port

pytestmark = [pytest.mark.needs("postgresql"), pytest.mark.slow]

SECRET = "hunter2"
HBA = """local all all trust
hostssl all certified 127.0.0.1/32 scram-sha-256 clientcert=verify-ca
hostssl all all 127.0.0.1/32 scram-sha-256
hostnossl all all 127.0.0.1/32 reject
"""


class Server(NamedTuple):
    """
    A PostgreSQL server that speaks TLS, as ``localhost``.

    Attributes:
        home: Its socket's folder, where nothing has to be proved.
    """

    port: int
    home: str
    files: TlsFiles

    def run(self, statement: str) -> None:
        """As its superuser."""
        as_postgres("psql", "-q", "-h", self.home, "-p", self.port, "-U", "postgres", "-d", "jobs", "-c", statement)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """With a role that has a password, and one that needs a certificate as well."""
    files, port = TlsFiles.written(tmp_path_factory.mktemp("tls")), free_port()
    files.client.chmod(0o600)
    options = f"listen_addresses=127.0.0.1 port={port} ssl=on ssl_cert_file={{home}}/server.pem"
    options += " ssl_key_file={home}/server.pem ssl_ca_file={home}/ca.pem"
    with postgres_cluster(options, (files.ca, files.server), HBA) as url:
        found = Server(port, url.partition("host=")[2], files)
        as_postgres("createdb", "-h", found.home, "-p", port, "-U", "postgres", "jobs")
        for role in ("gateway", "certified", "token"):
            found.run(f"CREATE ROLE {role} LOGIN SUPERUSER PASSWORD '{SECRET}'")
        yield found


def access(server: Server, ca: Path | None = None, certified: bool = False) -> StoreAccess:
    """What ``store-tls`` makes."""
    own = {"sslcert": str(server.files.client), "sslkey": str(server.files.client)} if certified else {}
    return StoreAccess({"sslmode": "verify-full", "sslrootcert": str(ca or server.files.ca), **own})


def opened(url: str, how: StoreAccess) -> str:
    """``opened``, or how the service stops."""
    store = Store(open_engine(url, how))
    try:
        store.open()
    except StoreUnusable as error:
        return str(error)
    finally:
        store.close()
    return "opened"


def test_tls(server: Server) -> None:
    """The store opens over verified TLS, and with a certificate where its role needs one."""
    url = f"postgresql://{{role}}:{SECRET}@localhost:{server.port}/jobs"
    assert opened(url.format(role="gateway"), access(server)) == "opened"
    assert opened(url.format(role="certified"), access(server, certified=True)) == "opened"
    engine = open_engine(url.format(role="gateway"), access(server))
    with engine.connect() as connection:
        used = connection.execute(sa.text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")).scalar()
    engine.dispose()
    assert used is True


REFUSALS = {
    "gateway:wrong@localhost:{port}/jobs": "check user and password in notifications.store",
    "gateway@localhost:{port}/jobs": "write the password in notifications.store, or add store-entra",
    "gateway:hunter2@127.0.0.1:{port}/jobs": "name the host in notifications.store as the server's certificate does",
    "gateway:hunter2@localhost:{port}/jobs stranger": "name the file of the server's authority in",
    "gateway:hunter2@localhost:{port}/jobs system": "name the file of the server's authority in",
    "certified:hunter2@localhost:{port}/jobs": "add certificate and key under notifications.store-tls",
    "gateway:hunter2@localhost:{port}/nothing": "create the database and the role that notifications.store names",
    "gateway:hunter2@localhost:{port}/jobs plain": "add store-tls: {ca: FILE}",
}


@pytest.mark.parametrize("case", REFUSALS)
def test_refusals(case: str, server: Server) -> None:
    """What is wrong is said in the server's words, with what to do about it, and without the password."""
    url, _, how = case.format(port=server.port).partition(" ")
    ways = {
        "": access(server),
        "stranger": access(server, server.files.stranger),
        "system": access(server, Path("system")),
        "plain": StoreAccess({"sslmode": "disable"}),
    }
    said = opened(f"postgresql://{url}", ways[how])
    assert REFUSALS[case] in said
    assert SECRET not in said


class Rotating:
    """A source whose tokens live 1,000 s, each the role's only password from then on."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.now = 0.0
        self.number = 0
        self.fails = False

    async def fetch(self, resource: str, client_id: str) -> IdentityToken:
        """See TokenSource."""
        if self.fails:
            raise no_token("the identity endpoint answered 500")
        self.number += 1
        self._server.run(f"ALTER ROLE token PASSWORD 'token {self.number}'")
        return IdentityToken.lasting(f"token {self.number}", self.now, 1000.0)

    async def aclose(self) -> None:
        """See TokenSource."""


def test_tokens(server: Server) -> None:
    """A token is the password of each new connection, a newer one for newer ones; without one the store is away."""
    source = Rotating(server)
    password = TokenPassword(lambda: source, "db", clock=lambda: source.now)
    url = f"postgresql://token@localhost:{server.port}/jobs"
    engine = open_engine(url, StoreAccess(access(server).arguments, password))
    with engine.connect(), engine.connect():
        assert source.number == 1
        source.now = 900.0
        with engine.connect() as third:
            assert third.execute(sa.text("SELECT current_user")).scalar() == "token"
        assert source.number == 2
    engine.dispose()
    source.fails, source.now = True, 5_000.0
    said = opened(url, StoreAccess(access(server).arguments, password))
    assert "(check managed-identity, and notifications.store-entra)" in said
    assert "token 2" not in said
