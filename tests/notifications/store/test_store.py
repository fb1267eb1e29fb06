"""Group commit, refusal of bad apples, sealing, retention: what the store promises."""

from __future__ import annotations

import asyncio
import stat
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import structlog
from cryptography.fernet import InvalidToken
from pydantic import SecretStr

from gateway.notifications.settings import D365Settings, NotificationSettings
from gateway.notifications.store import jobs
from gateway.notifications.store.database import open_engine, store_url
from gateway.notifications.store.jobs import Acceptance, Refusal
from gateway.notifications.store.model import IdempotencyKey, StoredJob, derive_key
from gateway.notifications.store.schema import VERSION, StoreOutdated, StoreTooNew
from gateway.notifications.store.sealing import KeyMissing, Sealer, make_sealer
from gateway.notifications.store.store import Store, StoreSlow
from gateway.notifications.workflow.outcomes import Outcome, RunVerdict
from gateway.notifications.workflow.transitions import JobEvent, State
from tests.notifications.conftest import run


def job(number: int = 1, **changes: Any) -> StoredJob:
    """A job just accepted."""
    values: dict[str, Any] = {
        "id": f"j{number}", "caller": "c", "rule": "r", "batch_id": number, "url": "plain:https://a/", "host": "a",
        "profile": "adf", "state": State.ACCEPTED, "active": 1, "created_at": float(number),
        "updated_at": float(number), "deadline_at": 9.0, "callback_deadline_at": 9.0,
    }  # fmt: skip
    return StoredJob(**(values | changes))


async def accept(
    store: Store, new: StoredJob, key: IdempotencyKey | None = None, **limits: Any
) -> Acceptance | Refusal:
    """Record a job."""
    options = {"max_active": None, "exclusive": False} | limits
    return await store.write(lambda connection: jobs.accept(connection, new, key or _key(new), **options))


def _key(new: StoredJob) -> IdempotencyKey:
    return derive_key(new.batch_id, new.id, None)


def test_earlier_version(tmp_path: Path) -> None:
    """A store of an earlier version is refused with the remedy, and its rows are left alone."""
    engine = open_engine(f"sqlite:///{tmp_path}/old.db")
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE notification_jobs (id VARCHAR(36), dispatched INTEGER)"))
    with pytest.raises(StoreOutdated, match=r"no column .*owner.*begin with a new store"):
        Store(engine).open()
    engine.dispose()


_ADDED = {
    1: ("notification_jobs.doubt_until", "notification_replicas.lease_until", "notification_replicas.wall_at"),
    2: ("notification_jobs.facts", "notification_jobs.link"),
}


def _as_version(url: str, version: int) -> None:
    """Take away what came after a version: what the program of that version wrote."""
    engine = open_engine(url)
    with engine.begin() as connection:
        for added in (column for before, columns in _ADDED.items() if before >= version for column in columns):
            table, name = added.split(".")
            connection.execute(sa.text(f"ALTER TABLE {table} DROP COLUMN {name}"))
        connection.execute(sa.text(f"UPDATE notification_schema SET version = {version}"))
        if version == 1:
            connection.execute(sa.text("DROP TABLE notification_schema"))
    engine.dispose()


def _upgraded(url: str, version: int) -> StoredJob | None:
    """A job that an earlier version wrote, as this version reads it."""
    before = Store(open_engine(url))
    before.open()
    run(accept(before, job(1, snapshot="{}", owner="one")))
    before.close()
    _as_version(url, version)
    after = Store(open_engine(url))
    after.open()
    kept = run(after.read(lambda connection: jobs.find(connection, "j1")))
    after.close()
    return kept


@pytest.mark.parametrize("version", _ADDED)
def test_upgrade(tmp_path: Path, version: int) -> None:
    """A store of an earlier version is brought forward and keeps its jobs."""
    kept = _upgraded(f"sqlite:///{tmp_path}/x.db", version)
    assert kept == job(1, snapshot="{}", owner="one")


@pytest.mark.needs("postgresql")
@pytest.mark.parametrize("version", _ADDED)
def test_upgrade_postgres(postgres: str, version: int) -> None:
    """On PostgreSQL as well."""
    kept = _upgraded(postgres, version)
    assert kept == job(1, snapshot="{}", owner="one")


def test_later_version(tmp_path: Path) -> None:
    """A store of a later version is refused, and is not changed."""
    engine = open_engine(f"sqlite:///{tmp_path}/x.db")
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE notification_schema (version INTEGER)"))
        connection.execute(sa.text(f"INSERT INTO notification_schema VALUES ({VERSION + 1})"))
    with pytest.raises(StoreTooNew, match="run the later program"):
        Store(engine).open()
    with engine.connect() as connection:
        assert sa.inspect(connection).get_table_names() == ["notification_schema"]
    engine.dispose()


def test_group_commit(store: Store) -> None:
    """A thousand writes at once need far fewer commits, and all are there."""
    commits = 0

    def count(connection: object) -> None:
        nonlocal commits
        commits += 1

    sa.event.listen(store.engine, "commit", count)

    async def many() -> int:
        await asyncio.gather(*(accept(store, job(number)) for number in range(1000)))
        return len(await store.read(lambda connection: jobs.search(connection, limit=2000)))

    assert run(many()) == 1000
    assert commits < 200


def test_bad_apple(store: Store) -> None:
    """A write that fails takes none of its companions with it."""

    def fail(connection: sa.Connection) -> None:
        raise ZeroDivisionError

    async def mixed() -> list[Any]:
        works: list[Any] = [accept(store, job(1)), store.write(fail), accept(store, job(2)), accept(store, job(1))]
        return await asyncio.gather(*works, return_exceptions=True)

    first, failed, second, repeated = run(mixed())
    assert isinstance(failed, ZeroDivisionError)
    assert (first.created, second.created, repeated.created) == (True, True, False)


def test_cancelled_write(store: Store) -> None:
    """A write that nobody waits for any more may be skipped and does no harm."""

    async def cancel() -> int:
        task = asyncio.ensure_future(accept(store, job(1)))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await accept(store, job(2))
        return len(await store.read(jobs.search))

    assert run(cancel()) in (1, 2)


@pytest.mark.parametrize(
    ("second", "limits", "reason"),
    [
        (job(2), {"max_active": 1}, "too-many-active"),
        (job(2, batch_id=1), {"exclusive": True}, "batch-job-active"),
    ],
)
def test_refusals(store: Store, second: StoredJob, limits: dict[str, Any], reason: str) -> None:
    """The caller's limit and exclusive batch jobs are checked in the transaction that would accept."""

    async def both() -> object:
        await accept(store, job(1))
        return await accept(store, second, **limits)

    assert run(both()) == Refusal(reason)


def test_keys(store: Store) -> None:
    """A sent key answers for good; a derived one only while its job is unfinished; keys are the caller's own."""
    sent, other = derive_key(1, "u", "k"), derive_key(2, "u", "k")

    async def sequence() -> list[object]:
        found: list[object] = [await accept(store, job(1), sent), await accept(store, job(2), sent)]
        found.append(await accept(store, job(3), other))
        found.append(await accept(store, job(4, caller="d"), other))
        derived = derive_key(5, "u", None)
        await accept(store, job(5, state=State.DEAD, active=0), derived)
        found.append(await accept(store, job(6), derived))
        return found

    first, again, reused, others, fresh = run(sequence())
    assert (first.created, again.created, again.job.id) == (True, False, "j1")  # type: ignore[attr-defined]
    assert reused == Refusal("key-reused")
    assert others.created  # type: ignore[attr-defined]
    assert fresh.created  # type: ignore[attr-defined]


def test_moves(store: Store) -> None:
    """A state changes along the table only; the same event twice changes nothing."""

    async def sequence() -> list[State | None]:
        await accept(store, job(1))
        found: list[State | None] = []
        for event in (JobEvent.STARTED, JobEvent.START_CALLED, JobEvent.STARTED, JobEvent.STARTED, JobEvent.REPLAY):
            moved = await store.write(lambda connection, event=event: jobs.move(connection, "j1", event, 5.0))  # type: ignore[misc]
            found.append(None if moved is None else moved.state)
        return found

    assert run(sequence()) == [None, State.STARTING, State.WAITING, None, None]


def test_end_once(store: Store) -> None:
    """The first outcome stands."""

    async def twice() -> tuple[StoredJob | None, StoredJob | None]:
        await accept(store, job(1))
        good, bad = RunVerdict(Outcome.SUCCEEDED, "a", 3.0), RunVerdict(Outcome.FAILED, "b")
        first = await store.write(lambda connection: jobs.end(connection, job(1), good, 5.0))
        return first, await store.write(lambda connection: jobs.end(connection, job(1), bad, 6.0))

    first, second = run(twice())
    assert first is not None
    assert (first.outcome, first.scheduled_for, second) == (Outcome.SUCCEEDED, 3.0, None)


def test_purge(store: Store) -> None:
    """Old final jobs go with everything that belongs to them; others stay."""

    async def sequence() -> list[str]:
        await accept(store, job(1, state=State.DEAD, active=0))
        await accept(store, job(2))
        old = await store.read(lambda connection: jobs.expired(connection, 100.0))
        await store.write(lambda connection: jobs.purge(connection, old))
        return [found.id for found in await store.read(jobs.search)]

    assert run(sequence()) == ["j2"]


def test_sealing() -> None:
    """A sealed URL shows nothing and opens with its key only."""
    sealed = Sealer("key").seal("https://a/?sig=1")
    assert "sig" not in sealed
    assert Sealer("key").open(sealed) == "https://a/?sig=1"
    for other in (Sealer("other"), Sealer()):
        with pytest.raises(KeyMissing):
            other.open(sealed)
    with pytest.raises(InvalidToken):
        Sealer("key").open(sealed[:-4] + "AAA=")
    assert Sealer("key").open(Sealer().seal("x")) == "x"


def test_rotation() -> None:
    """What an old key sealed stays readable while the key is in the list; new texts are sealed with the first one."""
    old = Sealer("old").seal("x")
    both = Sealer("new", "old")
    assert both.open(old) == "x"
    assert Sealer("new").open(both.seal("y")) == "y"


def test_sealed_before_keys_had_ids() -> None:
    """A store of the version before stays readable, and a key that is missing is recognised there too."""
    key_id, _, token = Sealer("old").seal("x").removeprefix("fernet:").partition(":")
    assert len(key_id) == 8
    assert Sealer("new", "old").open(f"fernet:{token}") == "x"
    with pytest.raises(KeyMissing):
        Sealer("new").open(f"fernet:{token}")


def test_key_file(tmp_path: Path) -> None:
    """The embedded store makes its own key, for its owner's eyes only, and finds it again."""
    settings = NotificationSettings(
        store=SecretStr(f"sqlite:///{tmp_path}/x.db"),
        d365=D365Settings(instance_url="https://a.b", token_url="https://l/x"),
    )
    sealed = make_sealer(settings).seal("x")
    assert make_sealer(settings).open(sealed) == "x"
    assert stat.S_IMODE((tmp_path / "x.db.key").stat().st_mode) == 0o600
    with structlog.testing.capture_logs() as lines:
        make_sealer(settings.model_copy(update={"store": SecretStr("postgresql://h/d"), "allow_readable_urls": True}))
    assert lines[0]["event"] == "callback_urls_not_encrypted"


@pytest.mark.parametrize(
    ("text", "driver"),
    [
        ("postgresql://u@h/d", "postgresql+psycopg"),
        ("postgres://u@h/d", "postgresql+psycopg"),
        ("sqlite:///x", "sqlite"),
    ],
)
def test_store_url(text: str, driver: str) -> None:
    """The plain PostgreSQL URL means the driver that is installed."""
    assert store_url(text).drivername == driver


def test_too_slow(store: Store) -> None:
    """Work that misses its deadline is not done, whether it waited for its turn or was slow itself."""
    release = threading.Event()
    done: list[str] = []

    async def crowd() -> None:
        blocking = asyncio.ensure_future(store.write(lambda connection: release.wait(20)))
        await asyncio.sleep(0.05)
        with pytest.raises(StoreSlow):
            await store.write_by(lambda connection: done.append("queued"), 0.1, done.append)  # type: ignore[arg-type]
        release.set()
        await blocking
        with pytest.raises(StoreSlow):
            await store.write_by(lambda connection: time.sleep(0.3), 0.1, done.append)  # type: ignore[arg-type]
        await store.write(lambda connection: None)

    run(crowd())
    assert done == []


def test_committed_too_late(store: Store) -> None:
    """What turns out to have been committed after its caller was told so is undone."""
    committing = threading.Event()

    @sa.event.listens_for(store.engine, "commit")
    def slow(_connection: sa.Connection) -> None:
        if committing.is_set():
            committing.clear()
            time.sleep(0.5)

    async def late() -> State:
        committing.set()
        with pytest.raises(StoreSlow):
            await store.write_by(
                lambda connection: jobs.accept(connection, job(1), _key(job(1)), None, False),
                0.2,
                undo=lambda connection: jobs.move(connection, "j1", JobEvent.STOP, 5.0),
            )
        await asyncio.sleep(0.5)
        await store.write(lambda connection: None)
        found = await store.read(lambda connection: jobs.find(connection, "j1"))
        assert found is not None
        return found.state

    assert run(late()) is State.STOPPED
