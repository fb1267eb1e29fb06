"""
``gateway notifications``: look at jobs, replay callbacks, run the service on its own.

Everything but ``serve`` works on the store directly, beside a running service or without one. Replaying only writes
what is to be done; the running service does it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, Literal

import sqlalchemy as sa
from cyclopts import App, Parameter

from gateway.commands.notifications.listing import DEAD_LETTERS, JOBS, details, table
from gateway.commands.notifications.management import managed, parse_address
from gateway.commands.options import CONFIG, ConfigPath
from gateway.commands.platforms import require_linux
from gateway.errors import GatewayError
from gateway.notifications.api.routes import attempt_view
from gateway.notifications.api.schema import view
from gateway.notifications.api.serving import Beside, ServiceListener, serve
from gateway.notifications.settings import NotificationSettings
from gateway.notifications.store import attempts, jobs
from gateway.notifications.store.database import open_store, store_url, unusable
from gateway.notifications.store.model import StoredJob
from gateway.notifications.workflow.transitions import State

Load = Callable[[Path], NotificationSettings]
AsJson = Annotated[bool, Parameter(name="--json", negative="", help="One JSON object per line.")]

# More than is useful to read; older jobs are found with --caller or --status.
_MANY = 10_000


def build(load: Load) -> App:
    """The sub-command; *load* reads the service's settings from a configuration file."""
    app = App(name="notifications")
    for command, name in ((_list, "list"), (_show, "show"), (_replay, "replay"), (_dead_letters, "dead-letters")):
        app.command(command(load), name=name)
    app.command(_serve(load), name="serve")
    return app


def listed(
    settings: NotificationSettings, caller: str | None, state: str | None, limit: int
) -> list[dict[str, object]]:
    """Jobs, newest first, as operators see them."""
    with _reading(settings) as connection:
        return [_row(job) for job in jobs.search(connection, caller, state, None, limit)]


def shown(settings: NotificationSettings, job_id: str) -> tuple[dict[str, object], list[dict[str, object]]]:
    """
    One job and all its callback attempts.

    Raises:
        GatewayError: No such job.
    """
    with _reading(settings) as connection:
        job = jobs.find(connection, job_id)
        if job is None:
            raise GatewayError(f"no job {job_id} (gateway notifications list shows the ids)")
        return _row(job), [attempt_view(entry) for entry in attempts.listed(connection, job_id)]


def replayed(settings: NotificationSettings, job_ids: list[str], per_second: float) -> Iterator[tuple[str, bool]]:
    """Replay callbacks one after another, at most *per_second*; each id with whether it could be replayed."""
    with _store(settings) as engine:
        for job_id in job_ids:
            yield job_id, _reopened(engine, job_id, settings.callbacks.lifetime_s)
            time.sleep(1 / per_second)


def _reopened(engine: sa.Engine, job_id: str, lifetime_s: float) -> bool:
    with engine.begin() as connection:
        return jobs.reopen(connection, job_id, time.time(), lifetime_s) is not None


def _list(load: Load) -> Callable[..., None]:
    def command(
        *,
        config: ConfigPath = CONFIG,
        caller: str | None = None,
        status: State | None = None,
        limit: int = 100,
        as_json: AsJson = False,
    ) -> None:
        """
        List jobs, newest first.

        Parameters
        ----------
        caller
            Only this object id's.
        status
            Only those in this state.
        limit
            At most this many.
        """
        _print(listed(load(config), caller, status, limit), JOBS, "No jobs.", as_json)

    return command


def _show(load: Load) -> Callable[..., None]:
    def command(job: str, *, config: ConfigPath = CONFIG, as_json: AsJson = False) -> None:
        """
        Show one job with all its callback attempts.

        Parameters
        ----------
        job
            Its id.
        """
        facts, log = shown(load(config), job)
        print(json.dumps(facts | {"attempts": log}) if as_json else details(facts, log))

    return command


def _replay(load: Load) -> Callable[..., int]:
    def command(
        *job: str,
        config: ConfigPath = CONFIG,
        dead: Annotated[bool, Parameter(negative="")] = False,
        caller: str | None = None,
        per_second: float = 10.0,
    ) -> int:
        """
        Send callbacks again; never starts a batch job. The running service does it.

        Parameters
        ----------
        job
            Ids of finished jobs.
        dead
            All dead letters, instead of ids.
        caller
            With --dead: only this object id's.
        per_second
            At most this many.
        """
        if dead == bool(job):
            raise GatewayError("name the jobs to replay, or --dead for all dead letters")
        settings, undone = load(config), 0
        job_ids = [str(row["id"]) for row in listed(settings, caller, State.DEAD, _MANY)] if dead else list(job)
        for job_id, done in replayed(settings, job_ids, per_second):
            undone += not done
            print(f"{job_id}: {'queued' if done else 'not finished, or no such job'}")
        print(f"{len(job_ids) - undone} of {len(job_ids)} queued; the running service sends them.")
        return 1 if undone else 0

    return command


def _dead_letters(load: Load) -> Callable[..., None]:
    def command(*, config: ConfigPath = CONFIG, caller: str | None = None, as_json: AsJson = False) -> None:
        """
        List the jobs whose callback was given up.

        Parameters
        ----------
        caller
            Only this object id's.
        """
        _print(listed(load(config), caller, State.DEAD, _MANY), DEAD_LETTERS, "No dead letters.", as_json)

    return command


def _serve(load: Load) -> Callable[..., None]:
    def command(  # noqa: PLR0913 - one option each
        *,
        config: ConfigPath = CONFIG,
        host: str = "127.0.0.1",
        port: int = 8090,
        certificate: Path | None = None,
        key: Path | None = None,
        client_ca: Path | None = None,
        management: str | None = None,
        management_host: tuple[str, ...] = (),
        log: Literal["json", "text"] = "json",
    ) -> None:
        """
        Run the service on its own, behind a gateway in another process.

        Parameters
        ----------
        host
            Address to listen on.
        port
            Port to listen on.
        certificate
            The listener's certificate, PEM.
        key
            Its private key, PEM.
        client_ca
            Authority of the gateway's client certificate; needed when `hop.mtls` is on.
        management
            Address for health, readiness and metrics, such as 127.0.0.1:8091; keep it private. None: not served.
        management_host
            A name by which scrapers call it; addresses always work.
        log
            Form of the log lines.
        """
        require_linux("gateway notifications serve")
        listener = ServiceListener(host, port, certificate, key, client_ca)
        beside = _beside(management, management_host)
        serve(load(config), listener, json_logs=log == "json", beside=beside)

    return command


def _beside(management: str | None, names: Collection[str]) -> Beside:
    if management is None:
        return lambda _engine: nullcontext()
    address = parse_address(management)
    return lambda engine: managed(engine, address, names)


def _row(job: StoredJob) -> dict[str, object]:
    return view(job, "") | {"caller": job.caller, "rule": job.rule}


def _print(rows: list[dict[str, object]], columns: Mapping[str, str], nothing: str, as_json: bool) -> None:
    if as_json:
        for row in rows:
            print(json.dumps(row))
    else:
        print(table(rows, columns) if rows else nothing)


@contextmanager
def _reading(settings: NotificationSettings) -> Iterator[sa.Connection]:
    with _store(settings) as engine, engine.connect() as connection:
        yield connection


@contextmanager
def _store(settings: NotificationSettings) -> Iterator[sa.Engine]:
    engine = _open(settings)
    try:
        yield engine
    except sa.exc.DBAPIError as error:
        raise unusable(error) from error
    finally:
        engine.dispose()


def _open(settings: NotificationSettings) -> sa.Engine:
    """An engine on an existing store; a mistyped path must not create one."""
    path = store_url(settings.store_url).database
    if settings.embedded and path and not Path(path).exists():
        raise GatewayError(
            f"there is no store at {path} (it is created when the service first runs; check notifications.store)"
        )
    return open_store(settings)
