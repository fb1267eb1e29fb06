"""(XML, code): documents that must not load."""

from __future__ import annotations


def _jwt(inner: str = "", attributes: str = 'header-name="Authorization"') -> str:
    return f"<validate-jwt {attributes}>{inner}</validate-jwt>"


def _key(key: str) -> str:
    return _jwt(f"<issuer-signing-keys>{key}</issuer-signing-keys>")


_OPENID = '<openid-config url="https://a.example/.well-known/openid-configuration"/>'

MISTAKES = [
    (
        """<choose><when condition='@(context.Variables["x"])'><set-method>GET</set-method></when></choose>""",
        "wrong-type",
    ),
    ("""<retry condition='@("true")' count="1" interval="1"><set-method>GET</set-method></retry>""", "wrong-type"),
    ("""<rate-limit-by-key calls="1" renewal-period="1" counter-key="a" increment-condition="@(1)"/>""", "wrong-type"),
    ('<set-query-parameter name="a"/>', "missing-child"),
    ('<set-query-parameter exists-action="delete"/>', "missing-attribute"),
    ('<set-query-parameter name="a" exists-action="keep"/>', "bad-value"),
    ('<set-header name="a"/>', "missing-child"),
    ('<set-header name="a b"><value>1</value></set-header>', "bad-value"),
    ('<set-header name="Content-Length"><value>1</value></set-header>', "bad-value"),
    ('<set-header name="a" exists-action=" override"><value>1</value></set-header>', "bad-value"),
    (_jwt(_OPENID + '<extensions><claim-header claim="aud" name="Host"/></extensions>'), "bad-value"),
    ('<set-header name="Content_Length"><value>1</value></set-header>', "bad-value"),
    *[
        (f'<set-header name="a"><value>{value}</value></set-header>', "bad-value")
        for value in ["a&#13;&#10;b: c", "a\nb", "a&#10; b", "a\x7fb", "gr\u00fcn", "a\u2028b"]
    ],
    *[
        (f'<set-header name="Host"><value>{value}</value></set-header>', "bad-value")
        for value in ["", "a b", "a/b", "u@a", "a:99999", "https://a"]
    ],
    ('<set-status code="200" reason="a&#13;&#10;b: c"/>', "bad-value"),
    ('<rewrite-uri template="/a&#10;b"/>', "bad-value"),
    ('<send-request response-variable-name="r"><set-url>http://a/&#10;b</set-url></send-request>', "bad-value"),
    ('<rate-limit calls="1" renewal-period="1" remaining-calls-header-name="a b"/>', "bad-value"),
    (_jwt(attributes='header-name="a&#10;b"'), "bad-value"),
    (
        "<cors><allowed-origins><origin>*</origin></allowed-origins>"
        "<expose-headers><header>a, b</header></expose-headers></cors>",
        "bad-value",
    ),
    *[
        (f"<forward-request timeout{value}/>", "bad-value")
        for value in ['="-1"', '="0"', '="1e400"', '="3000000000"', '-ms="-1"', '-ms="0"']
    ],
    ('<forward-request continue-timeout="-1"/>', "bad-value"),
    ('<send-request response-variable-name="r" timeout="-1"><set-url>http://a</set-url></send-request>', "bad-value"),
    ('<cache-store duration="-1"/>', "bad-value"),
    (f'<quota calls="{"9" * 400}" renewal-period="300"/>', "bad-value"),
    ('<set-header name="a" exists-action="keep"><value>1</value></set-header>', "bad-value"),
    ("<set-method>GET /</set-method>", "bad-value"),
    ("<set-method>CONNECT</set-method>", "bad-value"),
    ("<set-method/>", "missing-text"),
    ('<set-status code="99"/>', "bad-value"),
    ('<set-status code="600"/>', "bad-value"),
    (_jwt(attributes='header-name="a" failed-validation-httpcode="100"'), "bad-value"),
    (_jwt(attributes='header-name="a" failed-validation-httpcode="9999"'), "bad-value"),
    (
        '<check-header name="a" failed-check-httpcode="99" failed-check-error-message="m" ignore-case="true"/>',
        "bad-value",
    ),
    ('<set-status code="abc"/>', "bad-value"),
    ('<set-status reason="OK"/>', "missing-attribute"),
    ('<set-variable name="@(1)" value="1"/>', "expression-not-allowed"),
    ('<set-variable name="a"/>', "missing-attribute"),
    ('<set-body template="razor">x</set-body>', "bad-value"),
    ("<choose><otherwise/></choose>", "missing-child"),
    ('<choose><when condition="maybe"/></choose>', "bad-value"),
    ('<choose><when condition="true"><frobnicate/></when></choose>', "unknown-element"),
    ('<choose><when condition="true"><base/></when></choose>', "misplaced-base"),
    ('<forward-request timeout="1" timeout-ms="1"/>', "conflict"),
    ("<return-response><set-body>a</set-body><set-body>b</set-body></return-response>", "too-many-children"),
    ("<return-response><base/></return-response>", "unknown-element"),
    ("<rewrite-uri/>", "missing-attribute"),
    ("<set-backend-service/>", "conflict"),
    ('<set-backend-service base-url="http://a" backend-id="orders"/>', "conflict"),
    ('<set-backend-service backend-id="nope"/>', "unknown-backend"),
    ('<set-backend-service base-url="/relative"/>', "bad-value"),
    ('<set-backend-service base-url="ftp://a"/>', "bad-value"),
    ('<set-backend-service base-url="http://user:word@a"/>', "bad-value"),
    ('<set-backend-service base-url="http://a" sf-partition-key="1"/>', "cloud-only"),
    ('<set-backend-service backend-id="dapr" dapr-app-id="a"/>', "missing-attribute"),
    ('<trace severity="error"/>', "missing-attribute"),
    ('<trace source="a" severity="loud"/>', "bad-value"),
    ('<check-header name="X"/>', "missing-attribute"),
    (_jwt(attributes='header-name="A" query-parameter-name="b"'), "conflict"),
    (_jwt(attributes='header-name="A" clock-skew="soon"'), "bad-value"),
    (_jwt(attributes='header-name="A" clock-skew="-1"'), "bad-value"),
    (_jwt("<audiences/>"), "missing-child"),
    (_jwt("<required-claims/>"), "missing-child"),
    (_jwt('<required-claims><claim name="a" match="exact"/></required-claims>'), "bad-value"),
    (_jwt('<zumo-master-key id="a"/>'), "unsupported"),
    (_jwt("<openid-config/>"), "missing-attribute"),
    (_jwt('<openid-config url="login.test"/>'), "bad-value"),
    (_jwt('<openid-config url="{{tenant-url}}"/>'), "unresolved-value"),
    ('<set-status code="{{status}}"/>', "unresolved-value"),
    ('<set-status code="STATUS_CODE"/>', "unresolved-value"),
    ('<set-backend-service base-url="${url}"/>', "unresolved-value"),
    ('<set-variable name="a" value="@({{number}} +)"/>', "unresolved-value"),
    ("<choose>{branches}</choose>", "unresolved-value"),
    (_key("<key>not base64!</key>"), "bad-key"),
    (_key("<key>c2hvcnQ=</key>"), "bad-key"),
    (_key("<key/>"), "bad-key"),
    (_key('<key n="AQAB"/>'), "bad-key"),
    (_key('<key n="AQAB" e="AQAB"/>'), "bad-key"),
    (_key('<key certificate-id="nope"/>'), "unknown-certificate"),
    (_jwt('<decryption-keys><key certificate-id="nope"/></decryption-keys>'), "unknown-certificate"),
    (_jwt("<decryption-keys><key>c2hvcnQ=</key></decryption-keys>"), "bad-key"),
    (_jwt("<decryption-keys><key/></decryption-keys>"), "bad-key"),
    (_jwt('<extensions algorithms="RS257"/>'), "bad-value"),
    (_jwt('<extensions resource-metadata="nope"/>'), "bad-value"),
    (_jwt('<extensions max-lifetime="0"/>'), "bad-value"),
    ("<validate-azure-ad-token/>", "missing-attribute"),
    ('<llm-token-limit counter-key="k"/>', "missing-attribute"),
    ('<llm-token-limit counter-key="k" token-quota="1"/>', "conflict"),
    ("<xsl-transform><xsl:stylesheet/></xsl-transform>", "bad-stylesheet"),
    ("<xsl-transform/>", "missing-child"),
    (
        "<validate-client-certificate><identities><identity issuer-certificate-id='x'/></identities>"
        "</validate-client-certificate>",
        "unknown-certificate",
    ),
    ('<validate-azure-ad-token tenant-id="not a tenant"/>', "bad-value"),
    ('<validate-azure-ad-token tenant-id="common" header-name="A" token-value="b"/>', "conflict"),
    ("<cors/>", "missing-child"),
    ("<cors><allowed-origins/></cors>", "missing-child"),
    (
        '<cors allow-credentials="true"><allowed-origins><origin>*</origin></allowed-origins></cors>',
        "conflict",
    ),
    ("<cache-value key='k' variable-name='v'/>", "missing-child"),
    ('<authentication-certificate thumbprint="AA" certificate-id="b"/>', "conflict"),
    ('<authentication-certificate thumbprint="AA"/>', "unknown-certificate"),
    ('<authentication-certificate body="bm9wZQ=="/>', "unknown-certificate"),
    ('<cache-lookup-value key="k" variable-name="v" caching-type="external"/>', "no-external-cache"),
    ('<cache-lookup vary-by-developer="false"/>', "missing-attribute"),
    ('<emit-metric name="a"><dimension name="mine"/></emit-metric>', "missing-attribute"),
    ('<ip-filter action="allow"><address>10.0.0.256</address></ip-filter>', "bad-value"),
    ('<ip-filter action="allow"><address>10.0.0.0/33</address></ip-filter>', "bad-value"),
    ('<ip-filter action="allow"><address-range from="10.0.0.9" to="10.0.0.1"/></ip-filter>', "bad-value"),
    ('<ip-filter action="allow"><address-range from="10.0.0.9" to="::1"/></ip-filter>', "bad-value"),
    ('<ip-filter action="deny"/>', "bad-value"),
    ('<limit-concurrency key="k" max-count="0"/>', "bad-value"),
    ('<validate-jwt header-name="A"><openid-config url="ftp://x"/></validate-jwt>', "bad-value"),
    ('<validate-jwt header-name="A"><openid-config url="http://[::1"/></validate-jwt>', "bad-value"),
    ('<mock-response status-code="100"/>', "bad-value"),
    ('<quota renewal-period="3600"/>', "missing-attribute"),
    ('<quota calls="1" renewal-period="3600"><api calls="1" renewal-period="3600"/></quota>', "missing-attribute"),
    ('<quota-by-key counter-key="k" renewal-period="3600"/>', "missing-attribute"),
    ('<quota-by-key counter-key="k" calls="1" renewal-period="60"/>', "bad-value"),
    (
        '<quota-by-key counter-key="k" calls="1" renewal-period="600" first-period-start="soon"/>',
        "bad-value",
    ),
    ('<rate-limit calls="@(1)" renewal-period="60"/>', "expression-not-allowed"),
    ('<rate-limit calls="-1" renewal-period="60"/>', "bad-value"),
    ('<rate-limit-by-key calls="1" renewal-period="60"/>', "missing-attribute"),
    ('<retry condition="true" count="51" interval="1"/>', "bad-value"),
    ('<send-request response-variable-name="r"/>', "missing-child"),
    ("<send-request><set-url>http://a</set-url></send-request>", "missing-attribute"),
    ("<send-service-bus-message><payload>p</payload></send-service-bus-message>", "conflict"),
    ("<wait><set-method>PUT</set-method></wait>", "wrong-policy"),
]
