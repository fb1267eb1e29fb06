"""
The names that docs/compatibility.md promises to keep. ``python -m tests.upgrading.promise`` adds those that are new.

It never removes one: a name that a major version drops is deleted from promised.json by hand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

from gateway.cli import COMMANDS
from gateway.config.reference import keys, models
from gateway.documents.shape import Element
from gateway.notifications.metrics import Metrics
from gateway.policies import POLICIES
from gateway.serving.reload_report import FAILED, IS_LAST, SUCCEEDED
from gateway.telemetry.metrics import GatewayMetrics

FILE = Path(__file__).with_name("promised.json")
_LOGGING = Path(__file__).parents[2] / "docs" / "logging.md"
_EVENT = re.compile(r"^\| `([^`]+)` \| [a-z, ]+ \|", re.MULTILINE)


def current() -> dict[str, list[str]]:
    """Every such name of this version, by kind."""
    return {
        "commands": sorted(COMMANDS),
        "settings": sorted(".".join((*path, key)) for path, model in models() for key in keys(model)),
        "policies": sorted(name for policy in POLICIES.values() for name in _names(policy.shape, ())),
        "log events": sorted(_EVENT.findall(_LOGGING.read_text())),
        "metrics": sorted(_metrics()),
    }


def _names(shape: Element, above: tuple[str, ...]) -> Iterator[str]:
    """The element and each of its attributes, and those of the elements in it."""
    path = (*above, shape.name)
    yield "/".join(path)
    yield from (f"{'/'.join(path)}/@{attribute.name}" for attribute in shape.attributes)
    for child in shape.children:
        if child.element.name not in path:
            yield from _names(child.element, path)


def _metrics() -> set[str]:
    registry = Metrics().registry
    families = [*GatewayMetrics().collect(), *registry.collect()]
    return {family.name for family in families} | {SUCCEEDED[0], FAILED[0], IS_LAST[0]}


def promised() -> dict[str, list[str]]:
    """What has been promised so far."""
    found: dict[str, list[str]] = json.loads(FILE.read_text()) if FILE.exists() else {}
    return found


def main() -> None:
    """Add what is new."""
    before = promised()
    both = {kind: sorted({*before.get(kind, []), *names}) for kind, names in current().items()}
    FILE.write_text(json.dumps(both, indent=0) + "\n")


if __name__ == "__main__":
    main()
