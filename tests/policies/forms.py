"""(policy, XML, YAML): each row is one document twice."""

from __future__ import annotations

FORMS = [
    (
        "check-header",
        '<check-header name="X" failed-check-httpcode="403" failed-check-error-message="No" ignore-case="true">'
        "<value>a</value><value>b</value></check-header>",
        "- check-header: {name: X, failed-check-httpcode: 403, failed-check-error-message: 'No', ignore-case: true,"
        " values: [a, b]}",
    ),
    (
        "choose",
        '<choose><when condition="@(1 &lt; 2)"><set-method>PUT</set-method></when>'
        "<otherwise><set-method>GET</set-method></otherwise></choose>",
        "- choose:\n  - when: {condition: '@(1 < 2)', do: [set-method: PUT]}\n  - otherwise: [set-method: GET]",
    ),
    (
        "cors",
        '<cors allow-credentials="true"><allowed-origins><origin>https://a.test</origin></allowed-origins>'
        '<allowed-methods preflight-result-max-age="300"><method>GET</method></allowed-methods>'
        "<allowed-headers><header>*</header></allowed-headers></cors>",
        "- cors:\n"
        "    allow-credentials: true\n"
        "    allowed-origins: [https://a.test]\n"
        "    allowed-methods: {preflight-result-max-age: 300, methods: [GET]}\n"
        "    allowed-headers: ['*']",
    ),
    ("forward-request", '<forward-request timeout="10"/>', "- forward-request: {timeout: 10}"),
    ("forward-request", "<forward-request/>", "- forward-request"),
    (
        "return-response",
        '<return-response><set-status code="401" reason="Unauthorized"/>'
        '<set-header name="A"><value>1</value></set-header><set-header name="B"><value>2</value></set-header>'
        "<set-body>no</set-body></return-response>",
        "- return-response:\n"
        "    set-status: {code: 401, reason: Unauthorized}\n"
        "    set-header: [{name: A, value: '1'}, {name: B, value: '2'}]\n"
        "    set-body: 'no'",
    ),
    (
        "rewrite-uri",
        '<rewrite-uri template="/put/{b}" copy-unmatched-params="false"/>',
        "- rewrite-uri: {template: '/put/{b}', copy-unmatched-params: false}",
    ),
    (
        "set-backend-service",
        '<set-backend-service id="s" backend-id="orders"/>',
        "- set-backend-service: {id: s, backend-id: orders}",
    ),
    ("set-body", "<set-body>@(1 + 1)</set-body>", "- set-body: '@(1 + 1)'"),
    (
        "set-body",
        '<set-body template="liquid">{"a": "{{body.b}}"}</set-body>',
        '- set-body: {template: liquid, text: \'{"a": "{{body.b}}"}\'}',
    ),
    (
        "set-header",
        '<set-header name="X" exists-action="append"><value>a</value><value>@("b")</value></set-header>',
        "- set-header: {name: X, exists-action: append, values: [a, '@(\"b\")']}",
    ),
    ("set-method", "<set-method>PUT</set-method>", "- set-method: PUT"),
    (
        "set-query-parameter",
        '<set-query-parameter name="a" exists-action="append"><value>1</value><value>2</value></set-query-parameter>',
        "- set-query-parameter: {name: a, exists-action: append, values: ['1', '2']}",
    ),
    ("set-status", '<set-status code="404" reason="Nope"/>', "- set-status: {code: 404, reason: Nope}"),
    ("set-variable", '<set-variable name="a" value="@(1)"/>', "- set-variable: {name: a, value: '@(1)'}"),
    (
        "trace",
        '<trace source="s" severity="error"><message>m</message><metadata name="a" value="b"/></trace>',
        "- trace: {source: s, severity: error, message: m, metadata: {name: a, value: b}}",
    ),
    (
        "validate-azure-ad-token",
        '<validate-azure-ad-token tenant-id="contoso.onmicrosoft.com" output-token-variable-name="jwt">'
        "<client-application-ids><application-id>c</application-id></client-application-ids>"
        "<audiences><audience>a</audience></audiences></validate-azure-ad-token>",
        "- validate-azure-ad-token:\n"
        "    tenant-id: contoso.onmicrosoft.com\n"
        "    output-token-variable-name: jwt\n"
        "    client-application-ids: [c]\n"
        "    audiences: [a]",
    ),
    (
        "validate-jwt",
        '<validate-jwt header-name="Authorization" require-scheme="Bearer" clock-skew="30">'
        '<openid-config url="https://a.test/.well-known/openid-configuration"/>'
        '<openid-config url="https://b.test/.well-known/openid-configuration"/>'
        '<issuer-signing-keys><key id="k">MDEyMzQ1Njc4OWFiY2RlZg==</key></issuer-signing-keys>'
        "<audiences><audience>a</audience><audience>b</audience></audiences>"
        "<issuers><issuer>i</issuer></issuers>"
        '<required-claims><claim name="roles" match="any" separator=" "><value>r</value></claim></required-claims>'
        '<extensions algorithms="RS256"><claim-header claim="oid" name="x-oid"/></extensions>'
        "</validate-jwt>",
        "- validate-jwt:\n"
        "    header-name: Authorization\n"
        "    require-scheme: Bearer\n"
        "    clock-skew: 30\n"
        "    openid-config:\n"
        "    - {url: https://a.test/.well-known/openid-configuration}\n"
        "    - {url: https://b.test/.well-known/openid-configuration}\n"
        "    issuer-signing-keys: [{id: k, text: MDEyMzQ1Njc4OWFiY2RlZg==}]\n"
        "    audiences: [a, b]\n"
        "    issuers: [i]\n"
        "    required-claims: [{name: roles, match: any, separator: ' ', values: [r]}]\n"
        "    extensions: {algorithms: RS256, claim-headers: [{claim: oid, name: x-oid}]}",
    ),
    (
        "authentication-basic",
        '<authentication-basic username="u" password="p"/>',
        "- authentication-basic: {username: u, password: p}",
    ),
    (
        "authentication-managed-identity",
        '<authentication-managed-identity resource="api://b" output-token-variable-name="t" ignore-error="true"/>',
        "- authentication-managed-identity: {resource: 'api://b', output-token-variable-name: t, ignore-error: true}",
    ),
    (
        "authentication-certificate",
        '<authentication-certificate thumbprint="AA"/>',
        "- authentication-certificate: {thumbprint: AA}",
    ),
    (
        "cache-lookup",
        '<cache-lookup vary-by-developer="false" vary-by-developer-groups="false">'
        "<vary-by-header>Accept</vary-by-header><vary-by-query-parameter>a</vary-by-query-parameter></cache-lookup>",
        "- cache-lookup: {vary-by-developer: false, vary-by-developer-groups: false, vary-by-header: Accept,"
        " vary-by-query-parameter: a}",
    ),
    (
        "cache-lookup-value",
        '<cache-lookup-value key="k" variable-name="v" default-value="@(1)"/>',
        "- cache-lookup-value: {key: k, variable-name: v, default-value: '@(1)'}",
    ),
    ("cache-remove-value", '<cache-remove-value key="k"/>', "- cache-remove-value: {key: k}"),
    ("cache-store", '<cache-store duration="60"/>', "- cache-store: {duration: 60}"),
    (
        "cache-store-value",
        '<cache-store-value key="k" value="v" duration="60"/>',
        "- cache-store-value: {key: k, value: v, duration: 60}",
    ),
    (
        "emit-metric",
        '<emit-metric name="n" value="2"><dimension name="API ID"/><dimension name="a" value="b"/></emit-metric>',
        "- emit-metric: {name: n, value: 2, dimensions: [{name: API ID}, {name: a, value: b}]}",
    ),
    ("find-and-replace", '<find-and-replace from="a" to="b"/>', "- find-and-replace: {from: a, to: b}"),
    (
        "ip-filter",
        '<ip-filter action="allow"><address>10.0.0.1</address>'
        '<address-range from="10.0.0.2" to="10.0.0.9"/></ip-filter>',
        "- ip-filter: {action: allow, address: 10.0.0.1, address-range: {from: 10.0.0.2, to: 10.0.0.9}}",
    ),
    ("jsonp", '<jsonp callback-parameter-name="cb"/>', "- jsonp: {callback-parameter-name: cb}"),
    (
        "limit-concurrency",
        '<limit-concurrency key="k" max-count="2"><set-method>PUT</set-method></limit-concurrency>',
        "- limit-concurrency: {key: k, max-count: 2, do: [set-method: PUT]}",
    ),
    (
        "log-to-eventhub",
        '<log-to-eventhub logger-id="l" partition-id="0">@("text")</log-to-eventhub>',
        "- log-to-eventhub: {logger-id: l, partition-id: 0, text: '@(\"text\")'}",
    ),
    (
        "mock-response",
        '<mock-response status-code="201" content-type="application/json"/>',
        "- mock-response: {status-code: 201, content-type: application/json}",
    ),
    (
        "quota",
        '<quota calls="10" renewal-period="3600"><api id="a" calls="5" renewal-period="3600"/></quota>',
        "- quota: {calls: 10, renewal-period: 3600, api: {id: a, calls: 5, renewal-period: 3600}}",
    ),
    (
        "quota-by-key",
        '<quota-by-key counter-key="k" bandwidth="10" renewal-period="3600"/>',
        "- quota-by-key: {counter-key: k, bandwidth: 10, renewal-period: 3600}",
    ),
    (
        "rate-limit",
        '<rate-limit calls="10" renewal-period="60"><api id="a" calls="5" renewal-period="60">'
        '<operation id="o" calls="1" renewal-period="60"/></api></rate-limit>',
        "- rate-limit: {calls: 10, renewal-period: 60, api: {id: a, calls: 5, renewal-period: 60,"
        " operation: {id: o, calls: 1, renewal-period: 60}}}",
    ),
    (
        "rate-limit-by-key",
        '<rate-limit-by-key calls="10" renewal-period="60" counter-key="k" increment-condition="@(true)"/>',
        "- rate-limit-by-key: {calls: 10, renewal-period: 60, counter-key: k, increment-condition: '@(true)'}",
    ),
    ("redirect-content-urls", "<redirect-content-urls/>", "- redirect-content-urls"),
    (
        "retry",
        '<retry condition="@(true)" count="3" interval="1"><set-method>PUT</set-method></retry>',
        "- retry: {condition: '@(true)', count: 3, interval: 1, do: [set-method: PUT]}",
    ),
    (
        "send-one-way-request",
        '<send-one-way-request mode="new"><set-url>http://a.test</set-url></send-one-way-request>',
        "- send-one-way-request: {mode: new, set-url: 'http://a.test'}",
    ),
    (
        "send-request",
        '<send-request mode="new" response-variable-name="r" timeout="10" ignore-error="true">'
        "<set-url>http://a.test</set-url><set-method>POST</set-method>"
        '<set-header name="A"><value>1</value></set-header><set-body>b</set-body>'
        '<authentication-managed-identity resource="api://b"/></send-request>',
        "- send-request:\n"
        "    mode: new\n"
        "    response-variable-name: r\n"
        "    timeout: 10\n"
        "    ignore-error: true\n"
        "    set-url: http://a.test\n"
        "    set-method: POST\n"
        "    set-header: {name: A, value: '1'}\n"
        "    set-body: b\n"
        "    authentication-managed-identity: {resource: 'api://b'}",
    ),
    (
        "send-service-bus-message",
        '<send-service-bus-message queue-name="q"><message-properties><message-property name="a">b</message-property>'
        "</message-properties><payload>p</payload></send-service-bus-message>",
        "- send-service-bus-message:\n    queue-name: q\n    message-properties: [{name: a, text: b}]\n    payload: p",
    ),
    ("proxy", '<proxy url="http://p.test" username="u"/>', "- proxy: {url: 'http://p.test', username: u}"),
    (
        "wait",
        '<wait for="any"><cache-lookup-value key="k" variable-name="v"/></wait>',
        "- wait: {for: any, do: [cache-lookup-value: {key: k, variable-name: v}]}",
    ),
    (
        "azure-openai-emit-token-metric",
        '<azure-openai-emit-token-metric namespace="n"><dimension name="API ID"/></azure-openai-emit-token-metric>',
        "- azure-openai-emit-token-metric: {namespace: n, dimensions: [{name: API ID}]}",
    ),
    (
        "llm-emit-token-metric",
        '<llm-emit-token-metric><dimension name="a" value="b"/></llm-emit-token-metric>',
        "- llm-emit-token-metric: {dimensions: [{name: a, value: b}]}",
    ),
    (
        "azure-openai-token-limit",
        '<azure-openai-token-limit counter-key="k" tokens-per-minute="10" estimate-prompt-tokens="false"/>',
        "- azure-openai-token-limit: {counter-key: k, tokens-per-minute: 10, estimate-prompt-tokens: false}",
    ),
    (
        "llm-token-limit",
        '<llm-token-limit counter-key="k" token-quota="10" token-quota-period="Daily"/>',
        "- llm-token-limit: {counter-key: k, token-quota: 10, token-quota-period: Daily}",
    ),
    (
        "llm-semantic-cache-lookup",
        '<llm-semantic-cache-lookup score-threshold="0.1" embeddings-backend-id="orders"><vary-by>a</vary-by>'
        "</llm-semantic-cache-lookup>",
        "- llm-semantic-cache-lookup: {score-threshold: 0.1, embeddings-backend-id: orders, vary-by: a}",
    ),
    (
        "llm-semantic-cache-store",
        '<llm-semantic-cache-store duration="60"/>',
        "- llm-semantic-cache-store: {duration: 60}",
    ),
    (
        "azure-openai-semantic-cache-lookup",
        '<azure-openai-semantic-cache-lookup score-threshold="0.1" embeddings-backend-id="orders"><vary-by>a</vary-by>'
        "</azure-openai-semantic-cache-lookup>",
        "- azure-openai-semantic-cache-lookup: {score-threshold: 0.1, embeddings-backend-id: orders, vary-by: a}",
    ),
    (
        "azure-openai-semantic-cache-store",
        '<azure-openai-semantic-cache-store duration="60"/>',
        "- azure-openai-semantic-cache-store: {duration: 60}",
    ),
    (
        "llm-content-safety",
        '<llm-content-safety backend-id="orders"><categories><category name="Hate" threshold="4"/></categories>'
        "<blocklists><id>a</id><id>b</id></blocklists></llm-content-safety>",
        "- llm-content-safety: {backend-id: orders, categories: {categories: [{name: Hate, threshold: 4}]},"
        " blocklists: {ids: [a, b]}}",
    ),
    (
        "get-authorization-context",
        '<get-authorization-context provider-id="p" authorization-id="a" context-variable-name="v"/>',
        "- get-authorization-context: {provider-id: p, authorization-id: a, context-variable-name: v}",
    ),
    (
        "invoke-dapr-binding",
        '<invoke-dapr-binding name="n" operation="create"><metadata><item key="a">b</item></metadata><data>d</data>'
        "</invoke-dapr-binding>",
        "- invoke-dapr-binding: {name: n, operation: create, metadata: [{key: a, text: b}], data: d}",
    ),
    (
        "publish-to-dapr",
        '<publish-to-dapr pubsub-name="p" topic="t">@("x")</publish-to-dapr>',
        "- publish-to-dapr: {pubsub-name: p, topic: t, text: '@(\"x\")'}",
    ),
    (
        "json-to-xml",
        '<json-to-xml apply="always" consider-accept-header="false"/>',
        "- json-to-xml: {apply: always, consider-accept-header: false}",
    ),
    (
        "xml-to-json",
        '<xml-to-json kind="direct" apply="content-type-xml"/>',
        "- xml-to-json: {kind: direct, apply: content-type-xml}",
    ),
    (
        "xsl-transform",
        '<xsl-transform><parameter parameter-name="a">b</parameter>'
        '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"/></xsl-transform>',
        "- xsl-transform:\n"
        "    parameters: [{parameter-name: a, text: b}]\n"
        '    xsl:stylesheet: \'<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"/>\'',
    ),
    (
        "validate-client-certificate",
        '<validate-client-certificate validate-revocation="false"><identities><identity thumbprint="AA"/></identities>'
        "</validate-client-certificate>",
        "- validate-client-certificate: {validate-revocation: false, identities: [{thumbprint: AA}]}",
    ),
    (
        "validate-content",
        '<validate-content unspecified-content-type-action="prevent" max-size="100" size-exceeded-action="prevent">'
        '<content type="application/json" validate-as="json" action="prevent"/></validate-content>',
        "- validate-content:\n"
        "    unspecified-content-type-action: prevent\n"
        "    max-size: 100\n"
        "    size-exceeded-action: prevent\n"
        "    content: {type: application/json, validate-as: json, action: prevent}",
    ),
    (
        "validate-headers",
        '<validate-headers specified-header-action="ignore" unspecified-header-action="detect">'
        '<header name="A" action="prevent"/></validate-headers>',
        "- validate-headers: {specified-header-action: ignore, unspecified-header-action: detect,"
        " header: {name: A, action: prevent}}",
    ),
    (
        "set-graphql-resolver",
        '<set-graphql-resolver parent-type="Query" field="users"><http-data-source><http-request>'
        "<set-method>GET</set-method><set-url>http://h/u</set-url></http-request></http-data-source>"
        "</set-graphql-resolver>",
        "- set-graphql-resolver:\n"
        "    parent-type: Query\n"
        "    field: users\n"
        "    http-data-source: {http-request: {set-method: GET, set-url: 'http://h/u'}}",
    ),
    (
        "validate-graphql-request",
        '<validate-graphql-request max-depth="5"><authorize><rule path="/__*" action="reject"/></authorize>'
        "</validate-graphql-request>",
        "- validate-graphql-request: {max-depth: 5, authorize: [{path: '/__*', action: reject}]}",
    ),
    (
        "validate-odata-request",
        '<validate-odata-request error-variable-name="e" min-odata-version="4.0" max-size="10"/>',
        "- validate-odata-request: {error-variable-name: e, min-odata-version: '4.0', max-size: 10}",
    ),
    (
        "validate-parameters",
        '<validate-parameters specified-parameter-action="prevent" unspecified-parameter-action="detect">'
        '<query><parameter name="a" action="ignore"/></query></validate-parameters>',
        "- validate-parameters: {specified-parameter-action: prevent, unspecified-parameter-action: detect,"
        " query: {parameter: {name: a, action: ignore}}}",
    ),
    (
        "validate-status-code",
        '<validate-status-code unspecified-status-code-action="prevent"><status-code code="200" action="ignore"/>'
        "</validate-status-code>",
        "- validate-status-code: {unspecified-status-code-action: prevent, status-code: {code: 200, action: ignore}}",
    ),
    (
        "cache-value",
        '<cache-value key="k" variable-name="v" expires-after="60"><value><set-variable name="v" value="1"/></value>'
        "</cache-value>",
        "- cache-value:\n"
        "    key: k\n"
        "    variable-name: v\n"
        "    expires-after: 60\n"
        "    value: [{set-variable: {name: v, value: '1'}}]",
    ),
]
