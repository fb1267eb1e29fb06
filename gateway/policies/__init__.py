"""
The vocabulary: one file per policy, one line each in this registry.

A policy's file is loaded when a document names it first, with the libraries that it alone needs. ``policies/`` at the
root of the repository holds policy *documents*; here is the code that runs them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module

from gateway.pipeline.policy import PolicyType, PolicyTypes
from gateway.policies.parts.cloud_only import CLOUD_ONLY

_CLASSES = {
    "authentication-basic": "authentication_basic.AuthenticationBasic",
    "authentication-certificate": "authentication_certificate.AuthenticationCertificate",
    "authentication-managed-identity": "authentication_managed_identity.AuthenticationManagedIdentity",
    "azure-openai-emit-token-metric": "llm_emit_token_metric.AzureOpenaiEmitTokenMetric",
    "azure-openai-semantic-cache-lookup": "llm_semantic_cache_lookup.AzureOpenaiSemanticCacheLookup",
    "azure-openai-semantic-cache-store": "llm_semantic_cache_store.AzureOpenaiSemanticCacheStore",
    "azure-openai-token-limit": "llm_token_limit.AzureOpenaiTokenLimit",
    "cache-lookup": "cache_lookup.CacheLookup",
    "cache-lookup-value": "cache_lookup_value.CacheLookupValue",
    "cache-remove-value": "cache_remove_value.CacheRemoveValue",
    "cache-store": "cache_store.CacheStore",
    "cache-store-value": "cache_store_value.CacheStoreValue",
    "cache-value": "cache_value.CacheValue",
    "check-header": "check_header.CheckHeader",
    "choose": "choose.Choose",
    "cors": "cors.Cors",
    "emit-metric": "emit_metric.EmitMetric",
    "find-and-replace": "find_and_replace.FindAndReplace",
    "forward-request": "forward_request.ForwardRequest",
    "get-authorization-context": "get_authorization_context.GetAuthorizationContext",
    "http-data-source": "http_data_source.HttpDataSource",
    "invoke-dapr-binding": "publish_to_dapr.InvokeDaprBinding",
    "ip-filter": "ip_filter.IpFilter",
    "json-to-xml": "json_to_xml.JsonToXml",
    "jsonp": "jsonp.Jsonp",
    "limit-concurrency": "limit_concurrency.LimitConcurrency",
    "llm-content-safety": "llm_content_safety.LlmContentSafety",
    "llm-emit-token-metric": "llm_emit_token_metric.LlmEmitTokenMetric",
    "llm-semantic-cache-lookup": "llm_semantic_cache_lookup.LlmSemanticCacheLookup",
    "llm-semantic-cache-store": "llm_semantic_cache_store.LlmSemanticCacheStore",
    "llm-token-limit": "llm_token_limit.LlmTokenLimit",
    "log-to-eventhub": "log_to_eventhub.LogToEventhub",
    "mock-response": "mock_response.MockResponse",
    "proxy": "proxy.ProxyPolicy",
    "publish-to-dapr": "publish_to_dapr.PublishToDapr",
    "quota": "quota.Quota",
    "quota-by-key": "quota_by_key.QuotaByKey",
    "rate-limit": "rate_limit.RateLimit",
    "rate-limit-by-key": "rate_limit_by_key.RateLimitByKey",
    "redirect-content-urls": "redirect_content_urls.RedirectContentUrls",
    "retry": "retry.Retry",
    "return-response": "return_response.ReturnResponse",
    "rewrite-uri": "rewrite_uri.RewriteUri",
    "send-one-way-request": "send_one_way_request.SendOneWayRequest",
    "send-request": "send_request.SendRequest",
    "send-service-bus-message": "send_service_bus_message.SendServiceBusMessage",
    "set-backend-service": "set_backend_service.SetBackendService",
    "set-body": "set_body.SetBody",
    "set-graphql-resolver": "set_graphql_resolver.SetGraphqlResolver",
    "set-header": "set_header.SetHeader",
    "set-method": "set_method.SetMethod",
    "set-query-parameter": "set_query_parameter.SetQueryParameter",
    "set-status": "set_status.SetStatus",
    "set-variable": "set_variable.SetVariable",
    "trace": "trace.TracePolicy",
    "validate-azure-ad-token": "validate_azure_ad_token.ValidateAzureAdToken",
    "validate-client-certificate": "validate_client_certificate.ValidateClientCertificate",
    "validate-content": "validate_content.ValidateContent",
    "validate-graphql-request": "validate_graphql_request.ValidateGraphqlRequest",
    "validate-headers": "validate_headers.ValidateHeaders",
    "validate-jwt": "validate_jwt.ValidateJwt",
    "validate-odata-request": "validate_odata_request.ValidateODataRequest",
    "validate-parameters": "validate_parameters.ValidateParameters",
    "validate-status-code": "validate_status_code.ValidateStatusCode",
    "wait": "wait.Wait",
    "xml-to-json": "xml_to_json.XmlToJson",
    "xsl-transform": "xsl_transform.XslTransform",
}


class _Registry(Mapping[str, type[PolicyType]]):
    """Name → class, each loaded on first use."""

    def __init__(self) -> None:
        self._loaded: dict[str, type[PolicyType]] = {policy.shape.name: policy for policy in CLOUD_ONLY}
        self._names = dict.fromkeys([*_CLASSES, *self._loaded])

    def __getitem__(self, name: str) -> type[PolicyType]:
        if name not in self._loaded:
            module, _, policy = _CLASSES[name].partition(".")
            self._loaded[name] = getattr(import_module(f"gateway.policies.{module}"), policy)
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


POLICIES: PolicyTypes = _Registry()
