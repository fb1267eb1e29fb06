"""The URL of the store: a database or a file that survives the process, as the configuration names it."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr, TypeAdapter, ValidationError

from gateway.notifications.store.url import Store
from gateway.reading.settings import Surroundings

ADAPTER: TypeAdapter[SecretStr] = TypeAdapter(Store)
HERE = Surroundings(Path("/etc/gateway"), {})

GOOD = {
    "sqlite:///jobs.db": "sqlite:////etc/gateway/jobs.db",
    "sqlite:////var/lib/jobs.db": "sqlite:////var/lib/jobs.db",
    "postgresql://user:password@host/db": "postgresql://user:password@host/db",
}


@pytest.mark.parametrize(("written", "meant"), GOOD.items())
def test_good(written: str, meant: str) -> None:
    """A relative file is beside the configuration file; everything else is meant as it is written."""
    assert ADAPTER.validate_python(written, context=HERE).get_secret_value() == meant


@pytest.mark.parametrize(
    "url", ["jobs.db", "mysql://u:secret@h/d", "sqlite://", "sqlite:///:memory:", "postgresql://u@h:0/d"]
)
def test_refused_without_repeating_it(url: str) -> None:
    """What would lose jobs, or is no store, is refused; a password in it is not shown."""
    with pytest.raises(ValidationError, match="not the URL of a store") as refused:
        ADAPTER.validate_python(url, context=HERE)
    assert "secret" not in refused.value.errors()[0]["msg"]


def test_code_may_keep_a_store_in_memory() -> None:
    """Settings that a program constructs, not a file, may name a store that ends with the process."""
    assert ADAPTER.validate_python("sqlite://").get_secret_value() == "sqlite://"
