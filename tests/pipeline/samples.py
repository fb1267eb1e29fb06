"""Policies in YAML, one for each mapping rule, with the XML that means the same."""

from __future__ import annotations

DOCUMENT = """
inbound:
  - base
  - validate-jwt:
      header-name: Authorization
      clock-skew: 007
      require-signed-tokens: True
      openid-config: {url: "{{my-openid-configuration-url}}"}
      issuer-signing-keys: [c2VjcmV0, {id: new, text: bmV3}]
      audiences: ["{{my-audience}}"]
      required-claims:
        - {name: roles, match: any, values: [Batch.Start, true]}
  - set-header:
      name: caller-objectid
      exists-action: override
      value: '@(((Jwt)context.Variables["jwt-token"]).Subject)'
  - choose:
      - when: {condition: '@(context.Request.Method == "POST")', do: [set-method: GET]}
      - otherwise: [{set-body: "<a/>"}]
backend: [forward-request]
outbound: []
on-error:
"""

# One policy each, as the only item of inbound.
YAML_FORMS = {
    "name": "base",
    "name with nothing": "base:",
    "attributes": "set-status: {code: 401, reason: No}",
    "id": "set-status: {id: a, code: 401}",
    "text": "set-method: POST",
    "text beside an attribute": "set-method: {id: a, text: POST}",
    "verbatim": "set-body: '<a b=\"c\">&lt;</a>'",
    "verbatim beside an attribute": "set-body: {template: liquid, text: ' {{ a }} '}",
    "block": "set-body: |\n      line 1\n        line 2",
    "one child": "set-header: {name: a, value: b}",
    "list of children": "set-header: {name: a, value: [b, c]}",
    "plural": "set-header: {name: a, values: [b, c]}",
    "empty child": "set-header: {name: a, value: }",
    "expression": "set-header: {name: a, value: '@(b[\"c\"])'}",
    "expression as a block": "set-header:\n      name: a\n      value: |\n        @{\n          return 1;\n        }",
    "children as mappings": "validate-jwt: {openid-config: [{url: a}, {url: b}]}",
    "wrapper with a list": "validate-jwt: {audiences: [a, b]}",
    "wrapper with one": "validate-jwt: {audiences: a}",
    "wrapper written out": "validate-jwt: {audiences: {audience: [a, b]}}",
    "wrapper with names": "validate-jwt: {audiences: [{audience: a}, b]}",
    "wrapper of texts with attributes": "validate-jwt: {issuer-signing-keys: [a, {id: b, text: c}]}",
    "wrapper of mappings": "validate-jwt: {required-claims: [{name: a}, {name: b, values: [c, d]}]}",
    "branches as a list": "choose: [{when: {condition: true, do: [{base2}]}}, {otherwise: [{base2}]}]",
    "branches as a mapping": "choose: {when: [{condition: true, do: [{base2}]}], otherwise: [{base2}]}",
    "one branch": "choose: {when: {condition: true, do: [{base2}]}}",
    "branch without policies": "choose: {when: {condition: true}}",
    "policies beside attributes": "retry: {condition: true, do: [{set-method: GET}]}",
    "children as a mapping": "return-response: {set-status: {code: 200}, set-header: [{name: a}], set-body: b}",
    "children as a list": "return-response: [set-status: {code: 200}, set-body: b]",
    "children in their order": "ip-filter: {action: allow, do: [address: a, address-range: {from: b}, address: c]}",
    "plural with es": "ip-filter: {action: allow, addresses: [a, b]}",
}
YAML_FORMS = {name: text.replace("base2", "set-method: GET") for name, text in YAML_FORMS.items()}

XML_FORMS = {
    "name": "<base/>",
    "name with nothing": "<base/>",
    "attributes": '<set-status code="401" reason="No"/>',
    "id": '<set-status id="a" code="401"/>',
    "text": "<set-method>POST</set-method>",
    "text beside an attribute": '<set-method id="a">POST</set-method>',
    "verbatim": '<set-body><a b="c">&lt;</a></set-body>',
    "verbatim beside an attribute": '<set-body template="liquid"> {{ a }} </set-body>',
    "block": "<set-body>line 1\n  line 2\n</set-body>",
    "one child": '<set-header name="a"><value>b</value></set-header>',
    "list of children": '<set-header name="a"><value>b</value><value>c</value></set-header>',
    "plural": '<set-header name="a"><value>b</value><value>c</value></set-header>',
    "empty child": '<set-header name="a"><value/></set-header>',
    "expression": '<set-header name="a"><value>@(b["c"])</value></set-header>',
    "expression as a block": '<set-header name="a"><value>@{\n  return 1;\n}</value></set-header>',
    "children as mappings": '<validate-jwt><openid-config url="a"/><openid-config url="b"/></validate-jwt>',
    "wrapper with a list": (
        "<validate-jwt><audiences><audience>a</audience><audience>b</audience></audiences></validate-jwt>"
    ),
    "wrapper with one": "<validate-jwt><audiences><audience>a</audience></audiences></validate-jwt>",
    "wrapper written out": (
        "<validate-jwt><audiences><audience>a</audience><audience>b</audience></audiences></validate-jwt>"
    ),
    "wrapper with names": (
        "<validate-jwt><audiences><audience>a</audience><audience>b</audience></audiences></validate-jwt>"
    ),
    "wrapper of texts with attributes": (
        '<validate-jwt><issuer-signing-keys><key>a</key><key id="b">c</key></issuer-signing-keys></validate-jwt>'
    ),
    "wrapper of mappings": (
        '<validate-jwt><required-claims><claim name="a"/><claim name="b"><value>c</value><value>d</value></claim>'
        "</required-claims></validate-jwt>"
    ),
    "branches as a list": (
        '<choose><when condition="true"><set-method>GET</set-method></when>'
        "<otherwise><set-method>GET</set-method></otherwise></choose>"
    ),
    "branches as a mapping": (
        '<choose><when condition="true"><set-method>GET</set-method></when>'
        "<otherwise><set-method>GET</set-method></otherwise></choose>"
    ),
    "one branch": '<choose><when condition="true"><set-method>GET</set-method></when></choose>',
    "branch without policies": '<choose><when condition="true"/></choose>',
    "policies beside attributes": '<retry condition="true"><set-method>GET</set-method></retry>',
    "children as a mapping": (
        '<return-response><set-status code="200"/><set-header name="a"/><set-body>b</set-body></return-response>'
    ),
    "children as a list": '<return-response><set-status code="200"/><set-body>b</set-body></return-response>',
    "children in their order": (
        '<ip-filter action="allow"><address>a</address><address-range from="b"/><address>c</address></ip-filter>'
    ),
    "plural with es": '<ip-filter action="allow"><address>a</address><address>b</address></ip-filter>',
}
