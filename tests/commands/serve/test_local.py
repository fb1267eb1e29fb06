"""``gateway serve --apim`` runs what people keep, on this machine; what it does not know fails closed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.commands.importing.sources.inputs import NO_INPUTS
from gateway.commands.serve.greeting import first_call, greeting
from gateway.commands.serve.preparing import KEY_ID, LocalInstance, prepare
from gateway.config import load
from gateway.errors import LoadError
from tests.commands.importing.apiops_folder import DEFINITION, POLICY, an_api, written
from tests.commands.importing.instances import answer, api, saved
from tests.processes import started

SECRET = (
    '<policies><inbound><base /><check-header name="x-key" failed-check-httpcode="401" failed-check-error-message="no"'
    ' ignore-case="false"><value>{{key}}</value></check-header></inbound></policies>'
)
FOLDER: dict[str, object] = {
    "apis/orders/apiInformation.json": an_api(subscriptionRequired=True),
    "apis/orders/specification.yaml": DEFINITION,
    "apis/orders/policy.xml": SECRET,
    "apis/orders/operations/create/policy.xml": "<policies><inbound><nothing /></inbound></policies>",
    "named values/key/namedValueInformation.json": {"displayName": "key", "secret": True},
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """An artifacts folder with a secret and a document that cannot be used."""
    return written(tmp_path / "apimartifacts", FOLDER)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, LocalInstance]]:
    """The same folder with another secret, which the environment has, and what is made of it."""
    folder = tmp_path_factory.mktemp("local")
    values = {"named values/other/namedValueInformation.json": {"displayName": "other", "secret": True}}
    using = {"apis/orders/policy.xml": SECRET.replace("<value>", "<value>{{other}}</value><value>")}
    source = written(folder / "apimartifacts", {**FOLDER, **values, **using})
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("OTHER", "from the environment")
        patched.setenv("KEY", "")
        patched.delenv("KEY")
        yield source, prepare(source, NO_INPUTS, folder / "private")


Run = tuple[Path, LocalInstance]


def test_what_is_not_known_fails_closed(run: Run) -> None:
    """An unset secret has a text that nobody has; a document that cannot be used answers 503; both are told."""
    source, instance = run
    assert [variable.name for variable in instance.unset] == ["KEY"]
    assert len(os.environ["KEY"]) >= 40
    assert [str(known.problem.location).removeprefix(f"{source}/") for known in instance.refused] == [
        "apis/orders/operations/create/policy.xml:1:20"
    ]
    config = load(instance.config)
    operation = next(operation for operation in config.apis[0].operations if operation.id == "create")
    assert operation.policy is not None
    assert 'code="503"' in operation.policy.read_text()
    text = greeting(instance, config, "http://127.0.0.1:8080")
    assert os.environ["KEY"] not in text
    for line in (
        "1 API on http://127.0.0.1:8080",
        "  orders: http://127.0.0.1:8080/orders",
        "  KEY: named value key",
        f"  {source}/apis/orders/operations/create/policy.xml:1:20: ",
    ):
        assert line in text


def test_an_external_cache_can_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the address of its Redis an instance runs with counters and caches in memory, and says so."""
    resources = [answer("caches/default", connectionString="x.redis.cache.windows.net:6380", useFromLocation="default")]
    source = saved(tmp_path, *resources, *api())
    monkeypatch.setattr("os.environ", {})
    instance = prepare(source, NO_INPUTS, tmp_path / "private")
    config = load(instance.config)
    assert (config.redis, instance.unset) == (None, [])
    assert f"in memory, because {instance.without_redis} is not set" in greeting(instance, config, "http://127.0.0.1:1")


def test_the_environment_is_used(run: Run) -> None:
    """A secret that the process has is taken from there."""
    _, instance = run
    assert load(instance.config).named_values["other"].value.get_secret_value() == "from the environment"


def test_the_sources_own_files_are_used(run: Run) -> None:
    """Policies and definitions are read where they are, so that messages name them and edits count."""
    source, instance = run
    (api,) = load(instance.config).apis
    assert (api.policy, api.openapi) == (source / "apis/orders/policy.xml", source / "apis/orders/specification.yaml")


def test_the_developer_has_a_key(run: Run) -> None:
    """One key, made for this run, gives access to everything and allows a trace: the printed call has both."""
    _, instance = run
    config = load(instance.config)
    (subscription,) = config.subscriptions
    assert (subscription.id, subscription.all_access, subscription.scope) == (KEY_ID, True, "/apis")
    assert (config.tracing.enabled, str(config.listen).partition(":")[0]) == (True, "127.0.0.1")
    assert first_call(config, "http://127.0.0.1:8080", instance.key) == (
        f"curl -i -H 'Ocp-Apim-Trace: true' -H 'Ocp-Apim-Subscription-Key: {instance.key}' "
        "'http://127.0.0.1:8080/orders/orders'"
    )


def test_the_developers_key_has_an_id_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A subscription of the instance may have the id that the developer's usually has."""
    monkeypatch.setenv("LOCAL_DEVELOPMENT_KEY", "a-key-of-the-instance")
    files = {**FOLDER, f"subscriptions/{KEY_ID}/subscriptionInformation.json": {"scope": "/apis", "state": "active"}}
    monkeypatch.setenv("KEY", "1")
    instance = prepare(written(tmp_path / "apimartifacts", files), NO_INPUTS, tmp_path / "private")
    assert [subscription.id for subscription in load(instance.config).subscriptions] == [KEY_ID, f"{KEY_ID}-2"]


def test_what_cannot_run_at_all_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake that no refusing document can stand in for ends the command with its place."""
    monkeypatch.setenv("KEY", "1")
    twice = {**FOLDER, "apis/again/apiInformation.json": an_api(), "apis/again/specification.yaml": DEFINITION}
    with pytest.raises(LoadError):
        prepare(written(tmp_path / "apimartifacts", twice), NO_INPUTS, tmp_path / "folder")


@pytest.mark.slow
def test_it_serves_and_leaves_nothing(source: Path, tmp_path: Path) -> None:
    """From the folder to an answer; when the process ends, its private folder is gone."""
    written(source, {"apis/orders/policy.xml": POLICY.replace("<base />", MOCK, 1)})
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    command = [sys.executable, "-m", "gateway", "serve", "--apim", str(source), "--port", "0"]
    environ = {**os.environ, "TMPDIR": str(temporary)}
    with started(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        text = ""
        for line in process.stdout or ():
            text += line
            if '"listening"' in line:
                break
        port = re.search(r'"port":(\d+)', text)
        key = re.search(r"until this process ends: (\S+)", text)
        assert port is not None
        assert key is not None
        request = urllib.request.Request(f"http://127.0.0.1:{port[1]}/orders/orders")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)
        refused.value.close()
        assert refused.value.code == 401
        request.add_header("Ocp-Apim-Subscription-Key", key[1])
        with urllib.request.urlopen(request) as answer:
            assert answer.status == 202
        assert len(list(temporary.iterdir())) == 1
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    assert list(temporary.iterdir()) == []


MOCK = '<return-response><set-status code="202" reason="Accepted" /></return-response>'
