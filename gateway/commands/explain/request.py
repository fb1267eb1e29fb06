"""One request that the running gateway has served: what became of it, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote

from gateway.commands.asking import ask
from gateway.remedies.recorded import Record, printable, record_in_words

if TYPE_CHECKING:
    from gateway.config import Config


def run(config: Config, request_id: str, machine_readable: bool) -> int:
    """Print what the gateway of *config* recorded: 0 if the request was answered, or else 1. Raises GatewayError."""
    record: Record = ask(config, f"/requests/{quote(request_id, safe='')}")
    words = record_in_words(record)
    if machine_readable:
        print(json.dumps({**record, "what": words.what, "remedy": words.remedy}, indent=2, ensure_ascii=False))
    else:
        print("\n".join(map(printable, text(record))))
    return 0 if record["outcome"] == "answered" else 1


def text(record: Record) -> Iterator[str]:
    """Human-readable lines: the sentence and its remedy first, then what is known."""
    words = record_in_words(record)
    status = record["status"] or "no answer"
    yield f"{record['method']} {record['path']}: {status}, {record['outcome']} at {record['time']}"
    yield f"  {words.what}"
    if words.remedy:
        yield f"  {words.remedy}"
    facts = {
        "reason": record["reason"],
        "policy": _policy(record),
        "API": " ".join(filter(None, (record["api"], record["operation"]))),
        "caller": _caller(record["caller"]),
        "backend": record["backend"],
        "client": record["client"],
        "took": f"{record['elapsed_ms']:g} ms",
        "trace": record["trace"],
    }
    yield from (f"  {name:8} {fact}" for name, fact in facts.items() if fact)


def _policy(record: Record) -> str:
    where = ", ".join(
        filter(None, (record["scope"] and f"{record['scope']} scope", record["section"], record["place"]))
    )
    return f"{record['source']} ({where})" if where else str(record["source"])


def _caller(caller: Record) -> str:
    names = {"object id": "object_id", "application": "application_id", "subscription": "subscription"}
    known = [f"{label} {caller[name]}" for label, name in names.items() if caller[name]]
    unproven = " (the token was not verified)" if caller["verified"] is False else ""
    return ", ".join(known) + unproven if known else ""
