"""``gateway schema``: JSON Schemas for editors."""

from __future__ import annotations

import json
from typing import Any, Literal


def schema(what: Literal["config", "policy", "test"]) -> None:
    """
    Print the JSON Schema of the configuration, of policy documents in YAML, or of policy tests, for editors.

    Parameters
    ----------
    what
        Which of them.
    """
    print(json.dumps({"config": _config, "policy": _policy, "test": _test}[what](), indent=2))


def _config() -> dict[str, Any]:
    from gateway.config import json_schema

    return json_schema()


def _policy() -> dict[str, Any]:
    from gateway.documents.schema import policy_schema
    from gateway.policies import POLICIES

    return policy_schema(POLICIES)


def _test() -> dict[str, Any]:
    from gateway.commands.policy_tests.model import json_schema

    return json_schema()
