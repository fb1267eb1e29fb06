"""Names that docs/compatibility.md promises stay: nothing that is promised disappears."""

from __future__ import annotations

import pytest

from tests.upgrading.promise import current, promised


@pytest.mark.parametrize("kind", current())
def test_nothing_that_was_promised_is_gone(kind: str) -> None:
    """Commands, settings, policies, log events and metrics of this version include those of every earlier one."""
    assert len(promised()[kind]) > 10
    assert sorted(set(promised()[kind]) - set(current()[kind])) == []
