"""How much work the policies of one request may do."""

from __future__ import annotations

from gateway.pipeline.services import BODY_BUFFER_BYTES, EXPRESSION_TIME_S
from gateway.reading.settings import Block
from gateway.reading.values import Count, Duration


class WorkLimits(Block):
    """How much memory and processor time the policies may take."""

    body_buffer_bytes: Count = BODY_BUFFER_BYTES
    """Largest body that is held in memory for a policy that reads it; beyond it 413. Other bodies stream, unlimited."""
    expression_time_s: Duration = EXPRESSION_TIME_S
    """Processor time of one policy expression, spread over many turns of the loop; large JSON or XML gives it more."""
