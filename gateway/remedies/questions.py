"""
What to do where a proxy asks the decision endpoint wrongly: which field it has to send, or not to pass on, and how.

The proxy is known by the form of its question (``proxies_of``); where that says nothing, each is answered.

Source: nginx ngx_http_auth_request_module; Traefik ForwardAuth; Caddy forward_auth; Envoy ext_authz; deploy/.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Proxy(StrEnum):
    """The proxies that ask."""

    NGINX = "nginx"
    TRAEFIK = "Traefik"
    CADDY = "Caddy"
    HAPROXY = "HAProxy"
    ENVOY = "Envoy"


class QuestionFault(StrEnum):
    """What is wrong with a question; the reason in log and metrics."""

    CALLER = "QuestionCallerNotAllowed"
    NO_CLIENT = "QuestionWithoutClient"
    UNREADABLE_CLIENT = "QuestionClientUnreadable"
    NO_TARGET = "QuestionWithoutTarget"
    NO_METHOD = "QuestionWithoutMethod"
    REPEATED = "QuestionFieldRepeated"
    TWO_QUESTIONS = "QuestionContradictory"
    PATH_AND_FIELD = "QuestionPathContradictory"
    CONTRADICTORY_CLIENT = "QuestionClientContradictory"
    METHOD_CASE = "QuestionMethodMalformed"
    PATH = "QuestionPathUnknown"
    PROXY_AS_CLIENT = "QuestionNamesProxy"


_LUA = "haproxy-decision.lua"
_BY_ITSELF = "let the address of forwardAuth lead straight here: a router or a middleware in between has removed it"
_CADDY_ITSELF = "ask with forward_auth, which sends it, not with reverse_proxy alone"
_ADDRESS = "name the address from which it connects, or unix: for a socket file, in decision-callers"
_UPPER = "the client has sent it so, and the proxy has passed it on: nothing is to be set"
_ASK = "ask at /authz"

# By fault and proxy: what to write there.
REMEDIES: Mapping[QuestionFault, Mapping[Proxy, str]] = {
    QuestionFault.CALLER: dict.fromkeys(Proxy, _ADDRESS),
    QuestionFault.NO_CLIENT: {
        Proxy.NGINX: "proxy_set_header X-Forwarded-For $remote_addr;",
        Proxy.TRAEFIK: _BY_ITSELF,
        Proxy.CADDY: _CADDY_ITSELF,
        Proxy.HAPROXY: f'headers["x-forwarded-for"] = {{[0] = txn.f:src()}} in {_LUA}',
        Proxy.ENVOY: "use_remote_address: true in the HTTP connection manager, and x-forwarded-for in allowed_headers",
    },
    QuestionFault.UNREADABLE_CLIENT: {
        Proxy.NGINX: "proxy_set_header X-Forwarded-For $remote_addr; ($proxy_add_x_forwarded_for adds to the client's)",
        Proxy.TRAEFIK: "leave trustForwardHeader out, or list only real proxies in forwardedHeaders.trustedIPs",
        Proxy.CADDY: "list only real proxies in trusted_proxies",
        Proxy.HAPROXY: f'headers["x-forwarded-for"] = {{[0] = txn.f:src()}} in {_LUA}',
        Proxy.ENVOY: "use_remote_address: true in the HTTP connection manager",
    },
    QuestionFault.NO_TARGET: {
        Proxy.NGINX: "proxy_set_header X-Original-URI $request_uri;",
        Proxy.TRAEFIK: _BY_ITSELF,
        Proxy.CADDY: _CADDY_ITSELF,
        Proxy.HAPROXY: f'headers["x-forwarded-uri"] = {{[0] = txn.f:pathq()}} in {_LUA}',
        Proxy.ENVOY: "path_prefix: /authz in the http_service, and nothing in front that rewrites the path",
    },
    QuestionFault.NO_METHOD: {
        Proxy.NGINX: "proxy_set_header X-Original-Method $request_method;",
        Proxy.TRAEFIK: _BY_ITSELF,
        Proxy.CADDY: _CADDY_ITSELF,
        Proxy.HAPROXY: f'headers["x-forwarded-method"] = {{[0] = txn.f:method()}} in {_LUA}',
        Proxy.ENVOY: "path_prefix: /authz in the http_service: the method is then the question's own",
    },
    QuestionFault.REPEATED: {
        Proxy.NGINX: "set the field with one proxy_set_header, which replaces the client's",
        Proxy.TRAEFIK: "leave trustForwardHeader out, so that the client's is replaced",
        Proxy.CADDY: "header_up without a +, which would add to the client's",
        Proxy.HAPROXY: f"assign the field in {_LUA}, which replaces the client's",
        Proxy.ENVOY: "remove the client's before ext_authz",
    },
    QuestionFault.TWO_QUESTIONS: {
        Proxy.NGINX: 'proxy_set_header X-Forwarded-Uri ""; proxy_set_header X-Forwarded-Method "";',
        Proxy.TRAEFIK: 'customRequestHeaders: {X-Original-URI: "", X-Original-Method: ""} in a middleware before '
        "forwardAuth",
        Proxy.CADDY: "request_header -X-Original-URI and request_header -X-Original-Method before forward_auth",
        Proxy.HAPROXY: f'headers["x-original-uri"], headers["x-original-method"] = nil, nil in {_LUA}',
        Proxy.ENVOY: "path_prefix: /authz in the http_service, and these fields left out of allowed_headers",
    },
    QuestionFault.PATH_AND_FIELD: {
        Proxy.NGINX: "proxy_pass http://gateway_decisions; in location = /authz, without a path behind it",
        Proxy.TRAEFIK: "address: http://HOST:PORT/authz in forwardAuth, with nothing behind it",
        Proxy.CADDY: "uri /authz in forward_auth, with nothing behind it",
        Proxy.HAPROXY: f'local ENDPOINT = "http://HOST:PORT/authz" in {_LUA}, with nothing behind it',
        Proxy.ENVOY: "leave the field out of allowed_headers: the client has sent it",
    },
    QuestionFault.CONTRADICTORY_CLIENT: {
        Proxy.NGINX: 'proxy_set_header Forwarded "";',
        Proxy.TRAEFIK: 'customRequestHeaders: {Forwarded: ""} in a middleware before forwardAuth',
        Proxy.CADDY: "request_header -Forwarded before forward_auth",
        Proxy.HAPROXY: f'headers["forwarded"] = nil in {_LUA}',
        Proxy.ENVOY: "leave forwarded out of allowed_headers",
    },
    QuestionFault.METHOD_CASE: dict.fromkeys(Proxy, _UPPER),
    QuestionFault.PATH: {
        Proxy.NGINX: "proxy_pass http://gateway_decisions; in location = /authz",
        Proxy.TRAEFIK: "address: http://HOST:PORT/authz in forwardAuth",
        Proxy.CADDY: "uri /authz in forward_auth",
        Proxy.HAPROXY: f'local ENDPOINT = "http://HOST:PORT/authz" in {_LUA}',
        Proxy.ENVOY: "path_prefix: /authz in the http_service",
    },
    QuestionFault.PROXY_AS_CLIENT: {
        Proxy.NGINX: "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; or set_real_ip_from the proxy in "
        "front",
        Proxy.TRAEFIK: "trustForwardHeader: true in forwardAuth, and the proxy in front in the entry point's "
        "forwardedHeaders.trustedIPs",
        Proxy.CADDY: "the proxy in front in servers { trusted_proxies static … }",
        Proxy.HAPROXY: f"txn.f:src() in {_LUA} is the proxy in front: let the bind line have accept-proxy, or take the "
        "address from its X-Forwarded-For",
        Proxy.ENVOY: "xff_num_trusted_hops in the HTTP connection manager: 1 for one proxy in front",
    },
}

_FORWARDED = (Proxy.TRAEFIK, Proxy.CADDY, Proxy.HAPROXY)


def proxies_of(path: str, is_original: bool, is_forwarded: bool, names_server: bool) -> tuple[Proxy, ...]:
    """
    Which proxies ask like this.

    Args:
        path: Of the question; Envoy's has the target behind the prefix, and a mistaken one's something else.
        is_original, is_forwarded: Whether there are fields of nginx's form, or of Traefik's and Caddy's.
        names_server: Whether ``X-Forwarded-Server`` is there, which Traefik adds.
    """
    by_path = (Proxy.ENVOY,) if path.startswith("/authz/") else ()
    if by_path and not (is_original or is_forwarded):
        return by_path
    if names_server:
        return (Proxy.TRAEFIK, *by_path)
    if is_original == is_forwarded:
        return tuple(Proxy)
    return (*((Proxy.NGINX,) if is_original else _FORWARDED), *by_path)


def remedies_for(fault: QuestionFault, proxies: tuple[Proxy, ...] = tuple(Proxy)) -> dict[str, str]:
    """What to write, by the proxy in whose configuration."""
    return {str(proxy): REMEDIES[fault][proxy] for proxy in proxies}


def question_remedy(remedies: Mapping[str, object]) -> str:
    """The same as a text."""
    if len(remedies) > 1 and len(set(remedies.values())) == 1:
        return f"The proxy: {next(iter(remedies.values()))}"
    return " – ".join(f"{proxy}: {text}" for proxy, text in remedies.items())
