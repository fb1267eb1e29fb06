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
]
