"""
The vocabulary: one file per policy, one line each in this registry.

``policies/`` at the root of the repository holds policy *documents*; here is the code that runs them.
"""

from __future__ import annotations

from gateway.pipeline.policy import PolicyType, Vocabulary
from gateway.policies.check_header import CheckHeader
from gateway.policies.choose import Choose
from gateway.policies.forward_request import ForwardRequest
from gateway.policies.set_header import SetHeader

_ALL: tuple[type[PolicyType], ...] = (
    CheckHeader,
    Choose,
    ForwardRequest,
    SetHeader,
)

POLICIES: Vocabulary = {policy.shape.name: policy for policy in _ALL}
