"""(XML, code): documents that must not load."""

from __future__ import annotations


def _jwt(inner: str = "", attributes: str = 'header-name="Authorization"') -> str:
    return f"<validate-jwt {attributes}>{inner}</validate-jwt>"


def _key(key: str) -> str:
    return _jwt(f"<issuer-signing-keys>{key}</issuer-signing-keys>")


MISTAKES = [
    ('<set-query-parameter name="a"/>', "missing-child"),
    ('<set-query-parameter exists-action="delete"/>', "missing-attribute"),
    ('<set-query-parameter name="a" exists-action="keep"/>', "bad-value"),
    ('<set-header name="a"/>', "missing-child"),
    ('<set-header name="a b"><value>1</value></set-header>', "bad-value"),
    ('<set-header name="Content-Length"><value>1</value></set-header>', "bad-value"),
    ('<set-header name="a" exists-action="keep"><value>1</value></set-header>', "bad-value"),
    ("<set-method>GET /</set-method>", "bad-value"),
    ("<set-method>CONNECT</set-method>", "bad-value"),
    ("<set-method/>", "missing-text"),
    ('<set-status code="99"/>', "bad-value"),
    ('<set-status code="600"/>', "bad-value"),
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
    ('<forward-request http-version="2"/>', "unsupported"),
    ('<return-response><set-body template="liquid">x</set-body></return-response>', "conflict"),
    ("<return-response><set-body>a</set-body><set-body>b</set-body></return-response>", "too-many-children"),
    ("<return-response><base/></return-response>", "unknown-element"),
    ("<rewrite-uri/>", "missing-attribute"),
    ("<set-backend-service/>", "conflict"),
    ('<set-backend-service base-url="http://a" backend-id="orders"/>', "conflict"),
    ('<set-backend-service backend-id="nope"/>', "unknown-backend"),
    ('<set-backend-service base-url="/relative"/>', "bad-value"),
    ('<set-backend-service base-url="ftp://a"/>', "bad-value"),
    ('<set-backend-service base-url="http://user:word@a"/>', "bad-value"),
    ('<set-backend-service base-url="http://a" sf-partition-key="1"/>', "unsupported"),
    ('<set-backend-service backend-id="dapr" dapr-app-id="a"/>', "missing-attribute"),
    ('<trace severity="error"/>', "missing-attribute"),
    ('<trace source="a" severity="loud"/>', "bad-value"),
    ('<check-header name="X"/>', "missing-attribute"),
    (_jwt(attributes=""), "conflict"),
    (_jwt(attributes='header-name="A" query-parameter-name="b"'), "conflict"),
    (_jwt(attributes='header-name="A" clock-skew="soon"'), "bad-value"),
    (_jwt(attributes='header-name="A" clock-skew="-1"'), "bad-value"),
    (_jwt("<audiences/>"), "missing-child"),
    (_jwt("<required-claims/>"), "missing-child"),
    (_jwt('<required-claims><claim name="a" match="exact"/></required-claims>'), "bad-value"),
    (_jwt('<zumo-master-key id="a"/>'), "unsupported"),
    (_jwt("<openid-config/>"), "missing-attribute"),
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
    ('<validate-azure-ad-token tenant-id="not a tenant"/>', "bad-value"),
    ('<validate-azure-ad-token tenant-id="common" header-name="A" token-value="b"/>', "conflict"),
    ("<cors/>", "missing-child"),
    ("<cors><allowed-origins/></cors>", "missing-child"),
    (
        '<cors allow-credentials="true"><allowed-origins><origin>*</origin></allowed-origins></cors>',
        "conflict",
    ),
]
