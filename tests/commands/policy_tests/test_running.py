"""running.py, stage.py: one test's requests through a gateway on stand-ins."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from gateway.commands.policy_tests.suites import run_file
from tests.commands.policy_tests.writing import METADATA, failures, results, written

EMPTY = "inbound: [base]\nbackend: [base]\noutbound: [base]\non-error: [base]\n"

RETRYING = """
backend:
  - retry:
      condition: '@(context.Response != null && context.Response.StatusCode == 503)'
      count: 3
      interval: 60
      first-fast-retry: false
      do:
        - forward-request: {timeout: 20}
inbound:
  - set-header: {name: X-Now, exists-action: override, value: '@(DateTime.UtcNow.ToString("yyyy-MM-dd"))'}
"""

CALLING = """
inbound:
  - send-request:
      mode: new
      response-variable-name: profile
      timeout: 5
      ignore-error: true
      set-url: '@("https://profiles.test/v1/" + (string)context.Variables["user"])'
      set-method: GET
  - set-variable: {name: plan, value: '@(context.Variables["profile"] == null ? "none" : ((IResponse)context.Variables["profile"]).Body.As<JObject>()["plan"].ToString())'}
  - set-header: {name: X-Plan, exists-action: override, value: '@((string)context.Variables["plan"])'}
backend: [base]
"""  # noqa: E501 (one expression)

CHECKED = f"""
inbound:
  - validate-jwt:
      header-name: Authorization
      openid-config: {{url: "{METADATA}"}}
      audiences: [api://orders]
      required-claims:
        - {{name: roles, match: any, values: [Orders.Read]}}
backend: [base]
"""

TESTS = {
    "answer": (
        EMPTY,
        "backend: {status: 201, json: {id: 1}}\ntests: [{name: a, expect: {status: 201, json: {id: 1}}}]",
    ),
    "request": (
        EMPTY,
        """
        request: {method: POST, headers: {X-A: one}}
        tests:
          - name: a
            request: {path: /a b, query: {q: [x, y]}, headers: {X-B: two}, json: {n: 1}}
            expect:
              backend:
                {method: post, path: /a%20b, url: https://backend.test/a%20b, query: {q: "x, y"}, json: {n: 1},
                 headers: {x-a: one, X-B: two, Content-Type: application/json, X-C: }, times: 1}
        """,
    ),
    "time passes by itself": (
        RETRYING,
        """
        clock: 2026-03-01T23:59:00Z
        backend:
          - {status: 503, times: 2}
          - {status: 200, delay: 10s}
        tests: [{name: a, expect: {status: 200, backend: {times: 3, headers: {X-Now: 2026-03-01}}}}]
        """,
    ),
    "backend too slow": (
        RETRYING,
        "backend: {delay: 30s}\ntests: [{name: a, expect: {status: [502, 504], error: {reason: Timeout}}}]",
    ),
    "backend away": (
        EMPTY,
        """
        backend: {failure: connection}
        tests: [{name: a, expect: {error: {reason: BackendConnectionFailure, section: backend}}}]
        """,
    ),
    "other services": (
        CALLING,
        """
        variables: {user: ann}
        send-request:
          - {url: "https://profiles.test/*", method: GET, json: {plan: gold}}
        tests:
          - name: a service answers
            expect:
              variables: {plan: gold, user: {contains: nn}}
              backend: {headers: {X-Plan: gold}}
              send-request: [{url: https://profiles.test/v1/ann, method: GET}]
          - name: it fails
            send-request: [{failure: connection}]
            expect: {variables: {plan: none}}
          - name: it is too slow
            send-request: {failure: timeout}
            expect: {variables: {plan: none}}
        """,
    ),
    "tokens": (
        CHECKED,
        """
        tokens:
          reader: {audience: api://orders, roles: [Orders.Read]}
          expired: {like: reader, lifetime: -1m}
        tests:
          - {name: good, request: {token: reader}, expect: {status: 200, error: none}}
          - {name: v1, request: {token: {like: reader, version: 1}}, expect: {status: 401, error: {reason: TokenIssuerNotAllowed}}}
          - {name: expired, request: {token: expired}, expect: {status: 401, error: {reason: TokenExpired}}}
          - {name: user, request: {token: {like: reader, app-only: false, scopes: [a, b]}}, expect: {status: 200}}
          - name: no role
            request: {token: {like: reader, roles: [Other]}}
            expect: {status: 401, backend: not-called, error: {source: validate-jwt, reason: {contains: TokenClaim}}}
          - {name: unknown key, request: {token: {like: reader, key: unknown}}, expect: {error: {reason: TokenSignatureKeyNotFound}}}
          - {name: forged, request: {token: {like: reader, key: forged}}, expect: {error: {reason: TokenSignatureInvalid}}}
          - {name: unsigned, request: {token: {like: reader, algorithm: none}}, expect: {status: 401}}
          - {name: confused, request: {token: {like: reader, key: {secret: c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LTEyMzQ=}}}, expect: {status: 401}}
          - {name: a claim removed, request: {token: {like: reader, claims: {exp: }}}, expect: {status: 401}}
          - {name: in another header, request: {token: reader, token-header: X-Token}, expect: {status: 401, error: {reason: TokenNotPresent}}}
        """,  # noqa: E501 (one case per line)
    ),
    "state": (
        """
        inbound:
          - rate-limit-by-key: {calls: 2, renewal-period: 60, counter-key: '@(context.Request.IpAddress)'}
        backend: [base]
        """,
        """
        tests:
          - {name: within, repeat: 2, expect: {status: 200}}
          - {name: beyond, repeat: 3, expect: {status: 429, headers: {Retry-After: {matches: "^[0-9]+$"}}}}
          - {name: another caller, before: [{}, {}], request: {ip: 192.0.2.7}, expect: {status: 200}}
          - {name: the third, before: [{}, {}], expect: {status: 429}}
        """,
    ),
}


@pytest.mark.parametrize(("policy", "tests"), TESTS.values(), ids=TESTS)
def test_what_policies_do_is_seen(tmp_path: Path, policy: str, tests: str) -> None:
    """What a policy does with requests, tokens, other services, counters and time comes out as written."""
    began = time.monotonic()
    assert failures(results(tmp_path, policy, tests)) == []
    assert time.monotonic() - began < 20


FAILING = {
    "token nobody knows": ("request: {token: nobody}", "test: can be run / no token is called 'nobody'"),
    "call without a stub": ("variables: {user: ann}", "send-request: no such call / GET https://profiles.test/v1/ann"),
}


@pytest.mark.parametrize(("test", "expected"), FAILING.values(), ids=FAILING)
def test_what_was_not_written_fails(tmp_path: Path, test: str, expected: str) -> None:
    """A token or a call that the file does not know fails the test and says so."""
    result = results(tmp_path, CALLING, f"tests: [{{name: a, {test}, expect: {{}}}}]")
    assert any(each.startswith(expected) for each in failures(result))


def test_plain_issuer(tmp_path: Path) -> None:
    """Any OpenID issuer can be emulated, with the registered claims and nothing specific to Entra."""
    url = "https://login.example/realm/.well-known/openid-configuration"
    policy = CHECKED.replace(METADATA, url)
    tests = """
    tests:
      - name: a
        request: {token: {audience: api://orders, roles: [Orders.Read], claims: {sub: ann}}}
        expect: {status: 200}
      - name: b
        request: {token: {issuer: https://other.example/.well-known/openid-configuration, audience: api://orders, roles: [Orders.Read]}}
        expect: {status: 401, error: {reason: TokenIssuerNotAllowed}}
    """  # noqa: E501 (one token)
    assert failures(results(tmp_path, policy, tests)) == []


CONFIG = """
apis:
  - id: orders
    path: orders
    backend: orders
    subscription-required: true
    operations:
      - {id: read, method: GET, url-template: "/items/{id}"}
      - {id: make, method: POST, url-template: /items}
backends:
  orders: {url: https://orders.internal/base, credentials: {headers: {X-Key: {env: ORDERS_KEY}}}}
subscriptions: [{id: app, scope: /apis, primary-key: app-key-1}]
"""

WHOLE = """
config: config.yaml
api: orders
environment: {ORDERS_KEY: k-1}
request: {headers: {Ocp-Apim-Subscription-Key: app-key-1}}
tests:
  - name: the backend's credentials are added
    request: {path: /items/7}
    expect: {status: 200, backend: {url: https://orders.internal/base/items/7, headers: {X-Key: k-1}}}
  - name: without a key nothing passes
    request: {path: /items/7, headers: {Ocp-Apim-Subscription-Key: wrong}}
    expect: {status: 401, backend: not-called, error: {source: authorization}}
  - name: what does not exist
    request: {path: /nothing}
    expect: {status: 404, error: {reason: OperationNotFound}}
"""


def test_whole_configuration(tmp_path: Path) -> None:
    """A configuration is tested as it is: routing, keys, backends and their credentials."""
    (tmp_path / "config.yaml").write_text(CONFIG)
    path = tmp_path / "whole.policytest.yaml"
    path.write_text(WHOLE)
    assert failures(run_file(path)) == []


OPERATIONS = {
    "its own": ("operation: make", []),
    "another": ("operation: read\nrequest: {method: POST, path: /items}", ["the request was matched to make"]),
    "no such operation": ("operation: none", ["the API 'orders' has no operation 'none'"]),
}


@pytest.mark.parametrize(("head", "expected"), OPERATIONS.values(), ids=OPERATIONS)
def test_operation_that_a_file_names(tmp_path: Path, head: str, expected: list[str]) -> None:
    """The operation gives method and path, and a request that is matched to another one fails the test."""
    (tmp_path / "config.yaml").write_text(CONFIG.replace("subscription-required: true", "subscription-required: false"))
    path = tmp_path / "whole.policytest.yaml"
    path.write_text(
        f"config: config.yaml\napi: orders\nenvironment: {{ORDERS_KEY: k}}\n{head}\n"
        "tests: [{name: a, expect: {status: 200}}]\n"
    )
    assert [each.split(" / ")[1] for each in failures(run_file(path))] == expected


LOADING = {
    "bad policy": ("inbound: [{no-such-policy: {}}]", "tests: [{name: a, expect: {}}]", "unknown-element"),
    "bad settings": (EMPTY, "settings: {listen: 5}\ntests: [{name: a, expect: {}}]", "settings.listen"),
    "no named value": (
        "inbound: [{set-header: {name: X, value: '{{gone}}'}}]",
        "tests: [{name: a, expect: {}}]",
        "gone",
    ),
}


@pytest.mark.parametrize(("policy", "tests", "expected"), LOADING.values(), ids=LOADING)
def test_documents_that_do_not_load(tmp_path: Path, policy: str, tests: str, expected: str) -> None:
    """A policy or setting that cannot be used is an error of the file, with its place."""
    result = results(tmp_path, policy, tests)
    assert expected in result.error
    assert not result.passed


def test_missing_policy_is_found(tmp_path: Path) -> None:
    """A missing policy file is reported with the line that names it."""
    path = written(tmp_path, EMPTY, "tests: [{name: a, expect: {}}]")
    (tmp_path / "one.yaml").unlink()
    assert "one.policytest.yaml:1:9: no-such-file" in run_file(path).error


def test_schemas_of_the_configuration(tmp_path: Path) -> None:
    """validate-content finds a schema of the configuration, as it does behind `gateway serve`."""
    (tmp_path / "s.json").write_text('{"type": "integer"}')
    content = "{type: application/json, validate-as: json, action: prevent, schema-id: s}"
    limits = "unspecified-content-type-action: ignore, max-size: 99, size-exceeded-action: prevent"
    (tmp_path / "p.yaml").write_text(f"inbound: [{{validate-content: {{{limits}, content: [{content}]}}}}]\n")
    (tmp_path / "config.yaml").write_text(
        "schemas: {s: s.json}\napis: [{id: a, path: a, service-url: 'http://127.0.0.1:9', policy: p.yaml}]\n"
    )
    path = tmp_path / "a.policytest.yaml"
    path.write_text(
        "config: config.yaml\napi: a\nrequest: {method: POST}\ntests:\n"
        "  - {name: a, request: {json: 1}, expect: {status: 200}}\n"
        "  - {name: b, request: {json: [1]}, expect: {status: 400}}\n"
    )
    assert failures(run_file(path)) == []


def test_a_refusal_comes_with_its_remedy(tmp_path: Path) -> None:
    """A test that fails because a token was refused says what to do, in the words that the console has."""
    tests = """
    tokens: {other: {issuer: "%s", claims: {aud: "api://orders", roles: [Orders.Write]}}}
    tests: [{name: a, request: {token: other}, expect: {status: 200}}]
    """
    (outcome,) = results(tmp_path, CHECKED, tests % METADATA).outcomes
    assert "hint: Assign the role Orders.Read to the caller." in outcome.story
