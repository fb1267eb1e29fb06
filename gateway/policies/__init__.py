"""
The vocabulary: one file per policy, one line each in this registry.

``policies/`` at the root of the repository holds policy *documents*; here is the code that runs them.
"""

from __future__ import annotations

from gateway.pipeline.policy import PolicyType, Vocabulary
from gateway.policies.authentication_basic import AuthenticationBasic
from gateway.policies.authentication_certificate import AuthenticationCertificate
from gateway.policies.authentication_managed_identity import AuthenticationManagedIdentity
from gateway.policies.cache_lookup import CacheLookup
from gateway.policies.cache_lookup_value import CacheLookupValue
from gateway.policies.cache_remove_value import CacheRemoveValue
from gateway.policies.cache_store import CacheStore
from gateway.policies.cache_store_value import CacheStoreValue
from gateway.policies.cache_value import CacheValue
from gateway.policies.check_header import CheckHeader
from gateway.policies.choose import Choose
from gateway.policies.cloud_only import CLOUD_ONLY
from gateway.policies.cors import Cors
from gateway.policies.emit_metric import EmitMetric
from gateway.policies.find_and_replace import FindAndReplace
from gateway.policies.forward_request import ForwardRequest
from gateway.policies.get_authorization_context import GetAuthorizationContext
from gateway.policies.ip_filter import IpFilter
from gateway.policies.json_to_xml import JsonToXml
from gateway.policies.jsonp import Jsonp
from gateway.policies.limit_concurrency import LimitConcurrency
from gateway.policies.llm_emit_token_metric import AzureOpenaiEmitTokenMetric, LlmEmitTokenMetric
from gateway.policies.llm_token_limit import AzureOpenaiTokenLimit, LlmTokenLimit
from gateway.policies.log_to_eventhub import LogToEventhub
from gateway.policies.mock_response import MockResponse
from gateway.policies.proxy import Proxy
from gateway.policies.publish_to_dapr import InvokeDaprBinding, PublishToDapr
from gateway.policies.quota import Quota
from gateway.policies.quota_by_key import QuotaByKey
from gateway.policies.rate_limit import RateLimit
from gateway.policies.rate_limit_by_key import RateLimitByKey
from gateway.policies.redirect_content_urls import RedirectContentUrls
from gateway.policies.retry import Retry
from gateway.policies.return_response import ReturnResponse
from gateway.policies.rewrite_uri import RewriteUri
from gateway.policies.send_one_way_request import SendOneWayRequest
from gateway.policies.send_request import SendRequest
from gateway.policies.send_service_bus_message import SendServiceBusMessage
from gateway.policies.set_backend_service import SetBackendService
from gateway.policies.set_body import SetBody
from gateway.policies.set_header import SetHeader
from gateway.policies.set_method import SetMethod
from gateway.policies.set_query_parameter import SetQueryParameter
from gateway.policies.set_status import SetStatus
from gateway.policies.set_variable import SetVariable
from gateway.policies.trace import Trace
from gateway.policies.validate_azure_ad_token import ValidateAzureAdToken
from gateway.policies.validate_client_certificate import ValidateClientCertificate
from gateway.policies.validate_content import ValidateContent
from gateway.policies.validate_headers import ValidateHeaders
from gateway.policies.validate_jwt import ValidateJwt
from gateway.policies.validate_parameters import ValidateParameters
from gateway.policies.validate_status_code import ValidateStatusCode
from gateway.policies.wait import Wait
from gateway.policies.xml_to_json import XmlToJson
from gateway.policies.xsl_transform import XslTransform

_ALL: tuple[type[PolicyType], ...] = (
    AuthenticationBasic,
    AuthenticationCertificate,
    AuthenticationManagedIdentity,
    AzureOpenaiEmitTokenMetric,
    AzureOpenaiTokenLimit,
    CacheLookup,
    CacheLookupValue,
    CacheRemoveValue,
    CacheStore,
    CacheStoreValue,
    CacheValue,
    CheckHeader,
    Choose,
    Cors,
    EmitMetric,
    FindAndReplace,
    ForwardRequest,
    GetAuthorizationContext,
    InvokeDaprBinding,
    IpFilter,
    JsonToXml,
    Jsonp,
    LimitConcurrency,
    LlmEmitTokenMetric,
    LlmTokenLimit,
    LogToEventhub,
    MockResponse,
    Proxy,
    PublishToDapr,
    Quota,
    QuotaByKey,
    RateLimit,
    RateLimitByKey,
    RedirectContentUrls,
    Retry,
    ReturnResponse,
    RewriteUri,
    SendOneWayRequest,
    SendRequest,
    SendServiceBusMessage,
    SetBackendService,
    SetBody,
    SetHeader,
    SetMethod,
    SetQueryParameter,
    SetStatus,
    SetVariable,
    Trace,
    ValidateAzureAdToken,
    ValidateClientCertificate,
    ValidateContent,
    ValidateHeaders,
    ValidateJwt,
    ValidateParameters,
    ValidateStatusCode,
    Wait,
    XmlToJson,
    XslTransform,
    *CLOUD_ONLY,
)

POLICIES: Vocabulary = {policy.shape.name: policy for policy in _ALL}
