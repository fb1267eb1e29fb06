"""The configurations in which Envoy asks: what keeps requests from passing unjudged is the same in all of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.acceptance.envoy_rig import asking, configuration, manager

DEPLOY = Path(__file__).parents[2] / "deploy" / "envoy"


def documents(name: str) -> dict[str, Any]:
    """Kind to spec."""
    texts = yaml.safe_load_all((DEPLOY / name).read_text())
    return {document["kind"]: document["spec"] for document in texts}


def istio_provider() -> dict[str, Any]:
    """The provider in the comment, as YAML."""
    lines = [line[1:] for line in (DEPLOY / "ext-authz-istio.yaml").read_text().splitlines() if line.startswith("#  ")]
    mesh = yaml.safe_load("\n".join(line for line in lines if not line.strip().startswith("#")))
    provider: dict[str, Any] = mesh["extensionProviders"][0]
    return provider


def test_closed_in_all() -> None:
    """Without a decision the request is refused, and every request is asked about."""
    envoy = asking(configuration("envoy-ext-authz-grpc.yaml", {}))
    gateway = documents("ext-authz-envoy-gateway.yaml")["SecurityPolicy"]["extAuth"]
    istio = istio_provider()["envoyExtAuthzGrpc"]
    assert (envoy["failure_mode_allow"], gateway["failOpen"], istio["failOpen"]) == (False, False, False)
    assert envoy["status_on_error"]["code"] == "ServiceUnavailable"
    assert (gateway["statusOnError"], istio["statusOnError"]) == (503, "503")
    assert envoy["grpc_service"]["timeout"] == gateway["timeout"] == istio["timeout"]
    policy = documents("ext-authz-istio.yaml")["AuthorizationPolicy"]
    assert (policy["action"], policy["rules"], policy["provider"]["name"]) == ("CUSTOM", [{}], istio_provider()["name"])


def test_paths_and_names_in_all() -> None:
    """Envoy neither merges slashes nor takes names with underscores."""
    envoy = manager(configuration("envoy-ext-authz-grpc.yaml", {}))
    gateway = documents("ext-authz-envoy-gateway.yaml")["ClientTrafficPolicy"]
    assert (envoy["merge_slashes"], gateway["path"]["disableMergeSlashes"]) == (False, True)
    assert envoy["path_with_escaped_slashes_action"] == "REJECT_REQUEST"
    assert gateway["path"]["escapedSlashesAction"] == gateway["headers"]["withUnderscoresAction"] == "RejectRequest"


def test_another_gateway_is_asked_in_both() -> None:
    """What a service of several gateways needs is in Envoy's own form and in Envoy Gateway's."""
    envoy = configuration("envoy-ext-authz-grpc.yaml", {})["static_resources"]["clusters"][0]
    settings = documents("ext-authz-envoy-gateway.yaml")["SecurityPolicy"]["extAuth"]["grpc"]["backendSettings"]
    retries = asking(configuration("envoy-ext-authz-grpc.yaml", {}))["grpc_service"]["retry_policy"]
    assert retries["num_retries"] == settings["retry"]["numRetries"]
    assert retries["retry_on"].split(",") == settings["retry"]["retryOn"]["triggers"]
    assert retries["retry_back_off"]["max_interval"] == "0.7s"
    assert settings["retry"]["perRetry"]["backOff"]["maxInterval"] == "700ms"
    threshold = envoy["circuit_breakers"]["thresholds"][0]
    assert threshold["max_retries"] == settings["circuitBreaker"]["maxParallelRetries"]
    assert envoy["health_checks"][0]["interval"] == settings["healthCheck"]["active"]["interval"]
