"""The groups of the index in docs/policies: policies by purpose, as in APIM's own overview."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

GROUPS: Mapping[str, tuple[str, ...]] = {
    "Flow": tuple("base include-fragment choose return-response mock-response set-variable retry wait".split()),
    "Checks": tuple("check-header ip-filter cors validate-client-certificate".split()),
    "Tokens": tuple("validate-jwt validate-azure-ad-token get-authorization-context".split()),
    "Routing to backends": tuple("set-backend-service forward-request proxy".split()),
    "Authentication to backends": tuple(
        "authentication-basic authentication-certificate authentication-managed-identity".split()
    ),
    "Transformations": tuple(
        """
        set-header set-query-parameter set-method set-status rewrite-uri set-body find-and-replace json-to-xml
        xml-to-json xsl-transform jsonp redirect-content-urls cross-domain
        """.split()
    ),
    "Traffic": tuple(
        """
        rate-limit rate-limit-by-key quota quota-by-key limit-concurrency llm-token-limit azure-openai-token-limit
        """.split()
    ),
    "Caching": tuple(
        """
        cache-lookup cache-store cache-lookup-value cache-store-value cache-remove-value cache-value
        llm-semantic-cache-lookup llm-semantic-cache-store azure-openai-semantic-cache-lookup
        azure-openai-semantic-cache-store
        """.split()
    ),
    "Calls to other services": tuple(
        "send-request send-one-way-request send-service-bus-message publish-to-dapr invoke-dapr-binding".split()
    ),
    "Content validation": tuple(
        """
        llm-content-safety validate-content validate-parameters validate-headers validate-status-code
        validate-odata-request validate-graphql-request
        """.split()
    ),
    "Observability": tuple(
        "trace emit-metric log-to-eventhub llm-emit-token-metric azure-openai-emit-token-metric".split()
    ),
}
OTHERS = "Others"


def grouped(names: Iterable[str]) -> dict[str, list[str]]:
    """*names* by group, in the order of GROUPS; names that no group lists come last, under OTHERS."""
    left = set(names)
    found: dict[str, list[str]] = {}
    for group, members in GROUPS.items():
        present = [name for name in members if name in left]
        left -= set(present)
        if present:
            found[group] = present
    return found | ({OTHERS: sorted(left)} if left else {})
