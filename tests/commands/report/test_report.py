"""``gateway report``: nothing that may be secret is in the bundle, wherever it was written."""

from __future__ import annotations

import json
import os
import socket
import stat
import tarfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
import yaml

from gateway.commands.report import asking
from gateway.commands.report.command import report
from gateway.commands.report.forms import entry_of, item_of, models
from gateway.commands.report.hiding import Hidden
from gateway.config.model import Config
from gateway.documents.shape import Content, Element
from gateway.errors import GatewayError
from gateway.policies import POLICIES
from gateway.reading.settings import key_of
from tests.speed import on_this_machine

MARK = "S3cr3t"
NOWHERE = "http://127.0.0.1:1"  # no gateway listens there


def secret(number: int) -> str:
    """A key as Azure makes them, or as an id might be written: only the marker is the same."""
    return f"{MARK}x9Kq7Zt41Lw{number:04}" + ("+/a==" if number % 2 else "")


def bundled(folder: Path, config: str | bytes, **options: Any) -> dict[str, str]:
    """The files of a bundle about *config*, by name."""
    path = folder / "config.yaml"
    path.write_bytes(config.encode() if isinstance(config, str) else config)
    output = folder / f"bundle-{len(list(folder.iterdir()))}.zip"
    report(config=path, output=output, **{"management": NOWHERE, **options})
    with zipfile.ZipFile(output) as archive:
        return {name.removeprefix("gateway-report/"): archive.read(name).decode() for name in archive.namelist()}


def leaks(files: dict[str, str]) -> list[str]:
    return [f"{name}: {line}" for name, text in files.items() for line in text.splitlines() if MARK in line]


# -- a secret in the place of every setting
def everywhere(kind: Any, numbers: Iterator[int]) -> Any:
    """A configuration's value of *kind* with a secret at every place, and under a key that does not exist."""
    if found := models(kind):
        entries = {
            field.alias or key_of(name): everywhere(field.annotation, numbers)
            for name, field in found[0].model_fields.items()
        }
        return entries | {secret(next(numbers)): secret(next(numbers)), "unknown": [{"a": secret(next(numbers))}]}
    if (item := item_of(kind)) is not None:
        return [everywhere(item, numbers), secret(next(numbers))]
    if (entry := entry_of(kind)) is not None:
        return {secret(next(numbers)): everywhere(entry[1], numbers), "plain": everywhere(entry[1], numbers)}
    return secret(next(numbers))


def test_a_secret_in_the_place_of_any_setting_is_hidden(tmp_path: Path) -> None:
    """Whatever is written where it does not belong, in values, keys, lists and mappings, it is not in the bundle."""
    numbers = iter(range(10_000))
    data = everywhere(Config, numbers)
    assert next(numbers) > 400
    files = bundled(tmp_path, yaml.safe_dump(data))
    assert leaks(files) == []
    assert set(yaml.safe_load(files["config.yaml"])) >= {"listen", "apis", "notifications"}


def test_texts_instead_of_mappings_are_hidden(tmp_path: Path) -> None:
    """A secret that stands for a whole block, or a block for a secret, is not in the bundle."""
    names = [field.alias or key_of(name) for name, field in Config.model_fields.items()]
    for number, value in enumerate((secret(1), [secret(2)], {"a": {"b": [secret(3)]}}, {secret(4): None})):
        files = bundled(tmp_path, yaml.safe_dump(dict.fromkeys(names, value)))
        assert leaks(files) == [], number


CONFIG = f"""\
# the key is {secret(1)}
listen: 127.0.0.1:8080
management: 127.0.0.1:9
redis: rediss://user:{secret(1)}@cache.test:6380/0   # {secret(1)}
named-values:
  short: {secret(3)}
  long: {{value: {secret(5)}, secret: false}}
  from-variable: {{env: REPORT_SECRET}}
  from-file: {{file: secret.txt}}
backends:
  orders:
    url: https://orders.test/hooks/{secret(6)}
    credentials:
      headers: {{x-functions-key: [{secret(9)}]}}
      query: {{code: [{secret(11)}]}}
      authorization: {{scheme: Bearer, parameter: {secret(13)}}}
issuers:
  https://user:{secret(16)}@issuer.test/.well-known/openid-configuration?code={secret(17)}: {{timeout: 5s}}
apis:
  - {{id: orders, name: The orders of {secret(19)}, path: orders, backend: orders, policy: orders.xml}}
subscriptions:
  - {{id: one, scope: /apis/orders, primary-key: {secret(21)}, secondary-key: {secret(23)}}}
users: [{{id: anna, email: {MARK}@example.test, note: {secret(25)}}}]
"""
POLICY = f"""\
<policies><!-- {secret(31)} -->
  <inbound>
    <base />
    <set-header name="x-key" exists-action="override"><value>{secret(33)}</value></set-header>
    <authentication-basic username="{secret(35)}" password="{secret(37)}" />
    <set-variable name="v" value='@("{secret(39)}" + context.Request.Headers.GetValueOrDefault("{MARK}", "a"))' />
    <set-variable name="w" value='@($"{{context.Request.Url.Path + "{secret(41)}"}} {secret(43)}")' />
    <set-body>@{{ /* {secret(45)} */ // {secret(47)}
      return @"{secret(49)}" + 'S' + "{{{{short}}}}"; }}</set-body>
    <send-request mode="new" response-variable-name="r" timeout="20">
      <set-url>https://user:{secret(51)}@hooks.test/{secret(52)}?sig={secret(53)}</set-url>
      <set-method>POST</set-method>
    </send-request>
    <choose><when condition='@(context.Request.Url.Host == "{secret(55)}")'><base /></when></choose>
  </inbound>
</policies>
"""


def test_secrets_of_a_whole_configuration_are_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Comments, URLs, named values, variables, files, personal data and policy documents: nothing of them is there."""
    monkeypatch.setenv("REPORT_SECRET", secret(61))
    (tmp_path / "secret.txt").write_text(secret(63))
    (tmp_path / "orders.xml").write_text(POLICY)
    files = bundled(tmp_path, CONFIG, with_policies=True)
    assert leaks(files) == []
    shown = yaml.safe_load(files["config.yaml"])
    assert shown["redis"] == "…"
    assert shown["backends"]["orders"]["url"] == "https://orders.test/hooks/…"
    assert list(shown["issuers"]) == ["https://…@issuer.test/.well-known/openid-configuration?…"]
    assert shown["named-values"]["from-variable"] == {"env": "REPORT_SECRET"}
    assert shown["named-values"]["long"] == {"value": "…", "secret": False}
    assert shown["apis"] == [
        {"id": "orders", "name": "…", "path": "orders", "backend": "orders", "policy": "orders.xml"}
    ]
    assert json.loads(files["variables.json"]) == {"REPORT_SECRET": True}
    policy = files["policies/0000.xml"]
    assert "context.Request.Headers.GetValueOrDefault(" in policy
    assert '<set-header name="x-key" exists-action="override">' in policy
    assert "<set-method>POST</set-method>" not in policy or "…" in policy


BROKEN = {
    "no YAML": f"listen: [{secret(1)}\n {secret(3)}: '",
    "not UTF-8": f"listen: {secret(1)}".encode("utf-16"),
    "a list": f"- {secret(1)}",
    "a text": secret(1),
    "an alias": f"listen: &a {secret(1)}\nmanagement: *a",
    "empty": "",
    "doubled": f"{secret(1)}: 1\n{secret(1)}: 2",
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_broken_configuration_has_a_bundle(tmp_path: Path, text: str | bytes) -> None:
    """The bundle is written when the configuration is what is broken, with the places of the mistakes."""
    files = bundled(tmp_path, text)
    assert leaks(files) == []
    assert "config.yaml:" in files["check.txt"]
    assert json.loads(files["versions.json"])["gateway"]


def test_a_missing_configuration_has_a_bundle(tmp_path: Path) -> None:
    """Without the file there are still versions, machine and the gateway's answers."""
    report(config=tmp_path / "none.yaml", output=tmp_path / "a.tar.gz", management=NOWHERE)
    with tarfile.open(tmp_path / "a.tar.gz") as archive:
        names = {member.name.removeprefix("gateway-report/"): member.mode for member in archive}
    assert {"README.txt", "versions.json", "machine.json", "readyz.json", "metrics.txt"} <= set(names)
    assert set(names.values()) == {0o600}


# -- policy documents
def texts_everywhere(name: str, shape: Element, numbers: Iterator[int], depth: int = 0) -> str:
    """An element with a secret in every attribute and text, declared and not, and in children that do not exist."""
    attributes = "".join(f' {attribute.name}="{secret(next(numbers))}"' for attribute in shape.attributes)
    children = "".join(
        texts_everywhere(child.element.name, child.element, numbers, depth + 1) for child in shape.children if depth < 3
    )
    if shape.content in (Content.TEXT, Content.VERBATIM):
        children = secret(next(numbers))
    more = "" if shape.content is Content.VERBATIM else f"<{MARK} a='{secret(1)}'>{secret(1)}</{MARK}>"
    return f'<{name}{attributes} {MARK}="{secret(next(numbers))}"><!-- {secret(1)} -->{children}{more}</{name}>'


def test_a_secret_in_any_place_of_a_document_is_hidden(tmp_path: Path) -> None:
    """Every attribute and text of every policy is hidden, and elements and attributes that do not exist."""
    numbers = iter(range(100_000))
    config = ["apis:"]
    for name, policy in POLICIES.items():
        element = texts_everywhere(name, policy.shape, numbers)
        (tmp_path / f"{name}.xml").write_text(f"<policies><inbound>{element}</inbound></policies>")
        config.append(f"- {{id: {name}, path: {name}, policy: {name}.xml}}")
    files = bundled(tmp_path, "\n".join(config), with_policies=True)
    assert leaks(files) == []
    assert sum(text.startswith("<policies>") for text in files.values()) > len(POLICIES) * 0.8


# -- the running gateway
ANSWERS = {
    "/readyz": {
        "ready": True,
        "draining": False,
        "reload": {
            "reload": {"ready": True, "detail": f"not taken over: c.yaml:3:1: unknown-key: {MARK} (did you mean a?)"}
        },
        "issuers": {f"https://a:{secret(2)}@b.test/c?d={secret(3)}": {"ready": False, "detail": f"Bearer {secret(5)}"}},
        "other": secret(7),
    },
    "/metrics": (
        f'# HELP x {secret(1)}\n# TYPE gateway_requests_total counter\ngateway_requests_total{{api="a"}} 3.0\n'
        f'apim_calls_count{{user="{secret(1)}",b="{MARK} \\" }}"}} 2.0\n'
    ),
    "/requests?limit=1000": {
        "requests": [
            {
                **{key: secret(1) for key in ("path", "caller", "client", "detail", "expected", "found", "more")},
                "id": "r1",
                "status": 401,
                "timings": {"inbound_ms": 1.5, "x": secret(3)},
            }
        ]
    },
}


@contextmanager
def answering(answers: dict[str, Any], seen: list[str | None] | None = None) -> Iterator[str]:
    """A management plane that gives *answers*; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = answers.get(self.path)
            content = answer if isinstance(answer, bytes) else b""
            if isinstance(answer, str | dict):
                content = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
            if seen is not None:
                seen.append(self.headers["authorization"])
            self.send_response(404 if answer is None else 200)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_answers_of_the_running_gateway_are_without_callers(tmp_path: Path) -> None:
    """Readiness, metrics and the last requests are there; who sent what is not, nor what a mistake quotes."""
    with answering(ANSWERS) as url:
        files = bundled(tmp_path, "apis: []", management=url)
    assert leaks(files) == []
    ready = json.loads(files["readyz.json"])
    assert ready["reload"]["reload"]["detail"] == "not taken over: c.yaml:3:1: unknown-key: …"
    assert 'gateway_requests_total{api="a"} 3.0' in files["metrics.txt"]
    assert 'apim_calls_count{user="…",b="…"} 2.0' in files["metrics.txt"]
    assert json.loads(files["requests.jsonl"]) == {"id": "r1", "status": 401, "timings": {"inbound_ms": 1.5}}


def test_an_answer_without_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What listens on the management address cannot hold the command up by sending a byte now and then."""
    monkeypatch.setattr(asking, "TOTAL_S", 0.05)

    def drip() -> None:
        connection, _ = server.accept()
        with connection, suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            while not ended.wait(0.005):
                connection.sendall(b"{")

    with socket.create_server(("127.0.0.1", 0)) as server:
        ended, thread = Event(), Thread(target=drip)
        thread.start()
        files = bundled(tmp_path, "apis: []", management=f"http://127.0.0.1:{server.getsockname()[1]}")
        ended.set()
        thread.join()
    assert files["readyz.json"] == "no whole answer within 0.05 s\n"


@pytest.mark.parametrize("text", ["://", "://@", "://?", "eyJ-", "-----BEGIN A", "bearer "])
def test_repetitions_are_scrubbed_in_time(text: str) -> None:
    """No text makes the search for credentials take more than a moment."""
    before = time.process_time()
    Hidden().scrub(text * 20_000)
    assert time.process_time() - before < on_this_machine(0.5)


FOREIGN: list[Any] = [
    secret(1),
    [secret(1)],
    {"ready": secret(1)},
    {"requests": secret(1)},
    b"\xff" + secret(1).encode(),
]


@pytest.mark.parametrize("answer", FOREIGN, ids=range(len(FOREIGN)))
def test_answers_of_something_else_are_not_shown(tmp_path: Path, answer: Any) -> None:
    """Whatever else listens on the management address, what it says is not in the bundle."""
    text = answer if isinstance(answer, bytes) else json.dumps(answer)
    with answering(dict.fromkeys(ANSWERS, text)) as url:
        assert leaks(bundled(tmp_path, "apis: []", management=url)) == []


def test_the_token_is_sent_and_hidden(tmp_path: Path) -> None:
    """The management plane gets the token of --token-file, and the bundle does not."""
    (tmp_path / "token").write_text(f"{secret(2)}\n")
    seen: list[str | None] = []
    with answering(
        {"/readyz": {"ready": True, "draining": False, "a": {"b": {"ready": True, "detail": secret(2)}}}}, seen
    ) as url:
        files = bundled(tmp_path, "apis: []", management=url, token_file=tmp_path / "token")
    assert seen == [f"Bearer {secret(2)}"] * 3
    assert leaks(files) == []


def test_the_configured_token_goes_to_the_configured_address_only(tmp_path: Path) -> None:
    """The console's token from the configuration is sent to its management address, never to --management."""
    seen: list[str | None] = []
    with answering({}, seen) as url:
        text = f"management: {url.removeprefix('http://')}\nconsole: {{token: {secret(2)}}}\napis: []\n"
        assert leaks(bundled(tmp_path, text, management=None)) == []
        assert leaks(bundled(tmp_path, text, management=url)) == []
    assert seen == [f"Bearer {secret(2)}"] * 3 + [None] * 3


# -- the file
def test_the_file_is_the_owners_and_replaces_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The list comes first; the file has mode 0600; what is there stays, and so does what a link points to."""
    bundled(tmp_path, "apis: []")
    printed = capsys.readouterr().out
    assert printed.index("config.yaml") < printed.index("Wrote ")
    output = next(tmp_path.glob("*.zip"))
    assert stat.S_IMODE(output.stat().st_mode) == 0o600
    link = tmp_path / "link.zip"
    link.symlink_to(tmp_path / "elsewhere.zip")
    for taken in (output, link):
        before = os.lstat(taken)
        with pytest.raises(GatewayError, match="is there already"):
            report(config=tmp_path / "config.yaml", output=taken, management=NOWHERE)
        assert os.lstat(taken).st_mtime_ns == before.st_mtime_ns
    assert not (tmp_path / "elsewhere.zip").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output": "a.txt"}, "ends in .zip or .tar.gz"),
        ({"output": "no/a.zip"}, "not a folder"),
        ({"management": f"http://u:{secret(1)}@h"}, "--management: write"),
        ({"token_file": "none"}, "--token-file"),
    ],
)
def test_mistakes_are_reported_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, str], message: str
) -> None:
    """A name or address that cannot be used ends the command with what to write, and without a secret."""
    monkeypatch.chdir(tmp_path)
    paths = {key: value if key == "management" else Path(value) for key, value in options.items()}
    with pytest.raises(GatewayError, match=message) as raised:
        report(config=Path("none.yaml"), **{"management": NOWHERE, "output": Path("a.zip"), **paths})  # type: ignore[arg-type]
    assert MARK not in str(raised.value)
    assert list(tmp_path.iterdir()) == []


SCRUBBED = {
    "see redis://u:p@h/0": "see redis://…@h/0",
    "https://h/a?code=1&b=2 and": "https://h/a?… and",
    "Authorization: Bearer abc.def": "Authorization: Bearer …",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.AbC": "…",
    "-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----": "…",
    "the word hidden-text here": "the word … here",
    "redis://u:p@ss@h/0, then": "redis://…@h/0, then",
    "redis://u:p?ss@h/0.": "redis://….",
    "(https://h/a?b=c@d)": "(https://…)",
    "https://h/a?, http://h/": "https://h/a?, http://h/",
    '{"a": "x\\ny=z w"}': '{"a": "…"}',
}


@pytest.mark.parametrize(("text", "instead"), SCRUBBED.items())
def test_credentials_are_scrubbed_from_any_text(text: str, instead: str) -> None:
    """What looks like a credential, and what was hidden elsewhere in whatever quoting, is masked everywhere."""
    hidden = Hidden()
    hidden.secret("hidden-text")
    hidden.secret("x\ny=z w")
    assert hidden.scrub(text) == instead
