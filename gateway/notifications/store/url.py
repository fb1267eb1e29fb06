"""Where jobs are kept: the URL of a PostgreSQL database or of a SQLite file, as the configuration may give it."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr, ValidationInfo

from gateway.reading.settings import Surroundings, mistake
from gateway.reading.values import Secret

_SQLITE = "sqlite:///"


def _stored(value: SecretStr, info: ValidationInfo) -> SecretStr:
    """Refuse what is not the URL of a store in a file, without repeating it: it may hold a password."""
    if not isinstance(info.context, Surroundings):
        return value
    url = value.get_secret_value()
    try:
        parts = urlsplit(url)
        good = parts.port != 0 and parts.scheme in ("postgresql", "postgres", "postgresql+psycopg")
    except ValueError:
        good = False
    is_file = url.startswith(_SQLITE) and ":memory:" not in url
    if not (good or is_file) or re.search(r"[\x00-\x1f\x7f]", url):
        raise mistake("bad-url", "not the URL of a store", "write sqlite:///jobs.db, or postgresql://user@host/db")
    return value


def _beside_file(value: SecretStr, info: ValidationInfo) -> SecretStr:
    """The relative path of a SQLite file, too, starts at the configuration file."""
    url = value.get_secret_value()
    path = url.removeprefix(_SQLITE)
    if not url.startswith(_SQLITE) or path.startswith(("/", ":")) or not isinstance(info.context, Surroundings):
        return value
    return SecretStr(f"{_SQLITE}{info.context.directory / path}")


Store = Annotated[Secret, AfterValidator(_stored), AfterValidator(_beside_file)]
"""Where jobs are kept: a URL that may hold a password."""
