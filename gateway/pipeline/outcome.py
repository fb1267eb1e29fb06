"""
The result of applying a policy: now or later, nothing or the answer.

* ``None``: continue with the next policy;
* a ``Response``: the pipeline ends here and this is the answer (``return-response``);
* an awaitable of one of the two, when the policy has to wait.
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeAlias

from gateway.wire.messages import Response

Outcome: TypeAlias = Response | None
MaybeLater: TypeAlias = Outcome | Awaitable[Outcome]


async def finish(outcome: MaybeLater) -> Outcome:
    """Wait for *outcome* where it is still to come."""
    return outcome if outcome is None or isinstance(outcome, Response) else await outcome
