"""
The vocabulary: one file per policy, one line each in this registry.

``policies/`` at the root of the repository holds policy *documents*; here is the code that runs them.
"""

from __future__ import annotations

from gateway.pipeline.policy import PolicyType, Vocabulary
from gateway.policies.authentication_basic import AuthenticationBasic
from gateway.policies.authentication_certificate import AuthenticationCertificate
from gateway.policies.authentication_managed_identity import AuthenticationManagedIdentity
from gateway.policies.check_header import CheckHeader
from gateway.policies.choose import Choose
from gateway.policies.cors import Cors
from gateway.policies.forward_request import ForwardRequest
from gateway.policies.proxy import Proxy
from gateway.policies.return_response import ReturnResponse
from gateway.policies.rewrite_uri import RewriteUri
from gateway.policies.send_one_way_request import SendOneWayRequest
from gateway.policies.send_request import SendRequest
from gateway.policies.set_backend_service import SetBackendService
from gateway.policies.set_body import SetBody
from gateway.policies.set_header import SetHeader
from gateway.policies.set_method import SetMethod
from gateway.policies.set_query_parameter import SetQueryParameter
from gateway.policies.set_status import SetStatus
from gateway.policies.set_variable import SetVariable
from gateway.policies.trace import Trace
from gateway.policies.validate_azure_ad_token import ValidateAzureAdToken
from gateway.policies.validate_jwt import ValidateJwt

_ALL: tuple[type[PolicyType], ...] = (
    AuthenticationBasic,
    AuthenticationCertificate,
    AuthenticationManagedIdentity,
    CheckHeader,
    Choose,
    Cors,
    ForwardRequest,
    Proxy,
    ReturnResponse,
    RewriteUri,
    SendOneWayRequest,
    SendRequest,
    SetBackendService,
    SetBody,
    SetHeader,
    SetMethod,
    SetQueryParameter,
    SetStatus,
    SetVariable,
    Trace,
    ValidateAzureAdToken,
    ValidateJwt,
)

POLICIES: Vocabulary = {policy.shape.name: policy for policy in _ALL}
