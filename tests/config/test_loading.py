"""loading.py: config.yaml becomes a Config, or every mistake in it is reported with its place."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import SecretStr, ValidationError

from gateway.config import Config, json_schema, load, parse
from gateway.config.apis import named
from gateway.config.listening import Limits, Timeouts
from gateway.documentation import page
from gateway.errors import LoadError
from gateway.notifications.settings import D365Settings, NotificationSettings
from gateway.reading.values import revealed
from gateway.reading.yaml_nodes import compose
from gateway.wire.settings import ServerSettings, TlsSettings, UpstreamSettings

HERE = Path("/etc/gateway")


def config(text: str, directory: Path = HERE, **environ: str) -> Config:
    """The configuration in *text*."""
    return parse(text, "config.yaml", directory, environ)


def problems(text: str, directory: Path = HERE, **environ: str) -> list[str]:
    """The problems of *text*, as ``line:column code``."""
    with pytest.raises(LoadError) as refused:
        config(text, directory, **environ)
    return [f"{problem.location.line}:{problem.location.column} {problem.code}" for problem in refused.value.problems]


def test_an_almost_empty_file_has_defaults() -> None:
    """A configuration of one line runs on defaults."""
    loaded = config("workers: 2\nproducts:\n")
    assert (loaded.workers, str(loaded.listen), loaded.products, loaded.notifications) == (
        2,
        "127.0.0.1:8080",
        (),
        None,
    )
    assert loaded.server_settings().limits.head_bytes == 65_536


def test_load_reads_a_file(tmp_path: Path) -> None:
    """Paths start at the configuration file, not at the working directory."""
    (tmp_path / "global.xml").write_text("<policies/>")
    (tmp_path / "config.yaml").write_text(
        "global-policy: global.xml\nloggers: {a: {file: out.jsonl}}\n"
        "notifications: {store: 'sqlite:///n.db', d365: {instance-url: https://a.b, token-url: https://c.d}}\n"
    )
    loaded = load(tmp_path / "config.yaml", {})
    assert loaded.global_policy == (tmp_path / "global.xml").resolve()
    assert loaded.loggers["a"].file == tmp_path.resolve() / "out.jsonl"
    assert loaded.notifications is not None
    assert loaded.notifications.store_url == f"sqlite:///{tmp_path.resolve()}/n.db"


@pytest.mark.parametrize("url", ["sqlite:////abs/n.db", "postgresql://u@h/d"])
def test_other_stores_stay(url: str) -> None:
    """Only a relative SQLite file is moved to the configuration's directory."""
    text = f"store: '{url}', encryption-key: k, d365: {{instance-url: https://a.b, token-url: https://c.d}}"
    loaded = config(f"notifications: {{{text}}}").notifications
    assert loaded is not None
    assert loaded.store_url == url


def test_readable_urls() -> None:
    """Callback URLs are stored in readable form in PostgreSQL only if the configuration explicitly allows it."""
    text = "store: 'postgresql://u@h/d', d365: {instance-url: https://a.b, token-url: https://c.d}"
    with pytest.raises(LoadError, match=r"config.yaml:1:\d+: no-encryption-key: .*\(set encryption-key"):
        config(f"notifications: {{{text}}}")
    service = D365Settings(instance_url="https://a.b", token_url="https://c.d")
    with pytest.raises(ValueError, match="encryption-key"):
        NotificationSettings(store=SecretStr("postgresql://u@h/d"), d365=service)
    loaded = config(f"notifications: {{allow-readable-urls: true, {text}}}").notifications
    assert loaded is not None
    assert loaded.allow_readable_urls


def test_unreadable_file(tmp_path: Path) -> None:
    """A configuration that is not there is named."""
    with pytest.raises(LoadError, match=r"nowhere.yaml:1:1: unreadable-file"):
        load(tmp_path / "nowhere.yaml")


SECRETS = {
    "plain": ("{a: text}", "text", False),
    "as written": ("{a: 007}", "007", False),
    "value": ("{a: {value: text, secret: true}}", "text", True),
    "environment": ("{a: {env: NAME}}", "from-env", True),
    "environment, shown": ("{a: {env: NAME, secret: false}}", "from-env", False),
    "file": ("{a: {file: token}}", "from-file", True),
}


@pytest.mark.parametrize(("text", "value", "secret"), SECRETS.values(), ids=SECRETS.keys())
def test_named_values(tmp_path: Path, text: str, value: str, secret: bool) -> None:
    """A named value is a text, an environment variable or a file; the last two are secret unless they say otherwise."""
    (tmp_path / "token").write_text("from-file\n")
    named = config(f"named-values: {text}", tmp_path, NAME="from-env").named_values["a"]
    assert (named.value.get_secret_value(), named.secret) == (value, secret)


def test_secrets_are_not_shown() -> None:
    """Neither the representation nor an error shows a secret."""
    text = "redis: {env: A}\nbackends: {b: {url: http://h, credentials: {query: {c: hidden}}}}"
    assert "hidden" not in repr(config(text, A="redis://:hidden@host"))
    with pytest.raises(LoadError) as refused:
        config("notifications: {store: hidden, d365: {}, callbacks: {signing-secret: hidden}}\nredis: [hidden]")
    assert "hidden" not in str(refused.value)


MISTAKES = {
    "not a mapping": ("- a", "1:1 expected-mapping"),
    "empty": ("", "1:1 empty-file"),
    "unknown key": ("listn: a", "1:1 unknown-key"),
    "unknown key below": ("logging:\n  level: info\n  colour: red", "3:3 unknown-key"),
    "duplicate key": ("listen: a:1\nlisten: b:2", "2:1 duplicate-key"),
    "missing key": ("apis:\n  - path: a", "2:5 missing-key"),
    "required but empty": ("apis:\n  - id:\n    path: a", "2:8 missing-key"),
    "empty in a map": ("fragments:\n  a:", "2:5 bad-value"),
    "text for a mapping": ("logging: loud", "1:10 bad-value"),
    "not a number": ("workers: many", "1:10 bad-value"),
    "too small": ("workers: 0", "1:10 bad-value"),
    "not a choice": ("logging: {level: loud}", "1:18 bad-value"),
    "duration without unit": ("timeouts: {head: 10}", "1:18 bad-duration"),
    "duration as a list": ("timeouts: {head: [10s]}", "1:18 bad-duration"),
    "one address twice": ("listen: 127.0.0.1:1\nmanagement: 127.0.0.1:1", "2:13 conflict"),
    "line end in a header": (
        'backends: {b: {url: "http://a", credentials: {headers: {X: "a\\nb"}}}}',
        "1:61 bad-value",
    ),
    "two authorizations": (
        'backends: {b: {url: "http://a", credentials: {authorization: {scheme: B, parameter: x}, '
        "managed-identity: {resource: r}}}}",
        "1:107 bad-value",
    ),
    "no header name": ('backends: {b: {url: "http://a", credentials: {headers: {"X Y": a}}}}', "1:64 bad-value"),
    "duration of nothing": ("timeouts: {head: 0s}", "1:18 bad-duration"),
    "negative duration": ("timeouts: {drain-delay: -1s}", "1:25 bad-duration"),
    "endless duration": (f"timeouts: {{idle: {'9' * 400}d}}", "1:18 bad-duration"),
    "more than can be counted": (f"limits: {{head-bytes: {'9' * 400}}}", "1:22 bad-value"),
    "more workers than a machine has": ("workers: 5000", "1:10 bad-value"),
    "address": ("listen: localhost", "1:9 bad-address"),
    "port": ("listen: a:70000", "1:9 bad-address"),
    "socket file with //": ("listen: unix:///run/a.sock", "1:9 bad-address"),
    "socket file without a name": ("listen: 'unix:'", "1:10 bad-address"),
    "abstract socket": ("management: unix:@gateway", "1:13 bad-address"),
    "socket file too long": (f"decisions: unix:/{'x' * 107}", "1:12 bad-address"),
    "two listeners on one file": ("listen: unix:/a\nmanagement: unix:/a", "2:13 conflict"),
    "permissions": ("socket-mode: rw", "1:14 bad-value"),
    "permissions beyond": ("socket-mode: '4755'", "1:15 bad-value"),
    "proxy headers from nobody": ("proxy-protocol: true", "1:17 missing-setting"),
    "proxy headers from files only": ("proxy-protocol: true\ntrusted-proxies: ['unix:']", "1:17 missing-setting"),
    "proxy headers on a file": (
        "listen: unix:/a\nproxy-protocol: true\ntrusted-proxies: [10.0.0.0/8]",
        "2:17 missing-setting",
    ),
    "trusted peers": ("trusted-proxies: [unix]", "1:19 bad-network"),
    "url of a socket file": ("backends: {a: {url: 'unix:/run/a.sock'}}", "1:22 bad-url"),
    "url of a socket file, encoded": ("backends: {a: {url: 'http+unix://%2Frun%2Fa.sock/x'}}", "1:22 bad-url"),
    "socket file without a url": ("backends: {a: {app: notifications, unix-socket: /a}}", "1:15 missing-key"),
    "address as a list": ("listen: [a]", "1:9 bad-address"),
    "network": ("trusted-proxies: [10.0.0.300]", "1:19 bad-network"),
    "url scheme": ("backends: {a: {url: ftp://h}}", "1:21 bad-url"),
    "url with user": ("backends: {a: {url: http://u:p@h}}", "1:21 bad-url"),
    "url with bad port": ("backends: {a: {url: http://h:x}}", "1:21 bad-url"),
    "url with space": ("backends: {a: {url: 'http://h/a b'}}", "1:22 bad-url"),
    "no file": ("global-policy: nope.xml", "1:16 no-such-file"),
    "unset variable": ("redis: {env: NOPE}", "1:8 unset-variable"),
    "no secret file": ("redis: {file: nope}", "1:8 unreadable-file"),
    "secret of both": ("redis: {file: nope, env: NOPE}", "1:8 bad-secret"),
    "named value of none": ("named-values: {a: {secret: true}}", "1:19 one-of"),
    "named value's name": ("named-values: {a b: c}", "1:21 bad-value"),
    "backend of none": ("backends: {a: {}}", "1:15 one-of"),
    "backend of two": ("backends: {a: {url: http://h, app: b}}", "1:15 one-of"),
    "api of two": ("backends: {b: {url: http://h}}\napis: [{id: a, backend: b, service-url: http://h}]", "2:8 one-of"),
    "example of two": (
        "apis: [{id: a, operations: [{id: o, method: GET, url-template: /, responses:"
        " [{examples: [{body: a, file: config.yaml}]}]}]}]",
        "1:107 no-such-file",
    ),
    "logger of none": ("loggers: {a: {}}", "1:14 one-of"),
    "circuit breaker of none": ("backends: {a: {url: http://h, circuit-breaker: {}}}", "1:48 one-of"),
    "version by path with a name": ("apis: [{id: a, version: {scheme: path, value: v, name: n}}]", "1:25 one-of"),
    "version by header without": ("apis: [{id: a, version: {scheme: header, value: v}}]", "1:25 one-of"),
    "doubled api": ("apis: [{id: a}, {id: a}]", "1:22 duplicate-id"),
    "doubled operation": (
        "apis: [{id: a, operations: [{id: o, method: GET, url-template: /}, {id: o, method: PUT, url-template: /}]}]",
        "1:73 duplicate-id",
    ),
    "unknown backend": ("apis: [{id: a, backend: b}]", "1:25 unknown-backend"),
    "unknown product of an api": ("apis: [{id: a, products: [p]}]", "1:27 unknown-product"),
    "unknown api of a product": ("products: [{id: a, apis: [p]}]", "1:27 unknown-api"),
    "unknown group of a product": ("products: [{id: a, groups: [p]}]", "1:29 unknown-group"),
    "unknown group of a user": ("users: [{id: a, groups: [p]}]", "1:26 unknown-group"),
    "unknown user": ("subscriptions: [{id: a, scope: /apis, primary-key: k, user: u}]", "1:61 unknown-user"),
    "unknown scope": ("subscriptions: [{id: a, scope: /products/p, primary-key: k}]", "1:32 unknown-product"),
    "bad scope": ("subscriptions: [{id: a, scope: p, primary-key: k}]", "1:32 bad-value"),
    "unknown member": ("backends: {a: {pool: [{backend: b}]}}", "1:33 unknown-backend"),
    "pool in a pool": (
        "backends: {c: {url: http://h}, b: {pool: [{backend: c}]}, a: {pool: [{backend: b}]}}",
        "1:80 nested-pool",
    ),
    "application without settings": ("backends: {a: {app: notifications}}", "1:21 missing-key"),
    "default caller": (
        "notifications: {store: 'sqlite:///a', default-caller: allow, d365: {instance-url: https://a.b, token-url: https://c}}",
        "1:55 bad-value",
    ),
    "settings of the service": (
        "notifications: {store: 'sqlite:///a', d365: {instance-url: http://a.b}}",
        "1:60 bad-value",
    ),
}


@pytest.mark.parametrize(("text", "found"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes(text: str, found: str) -> None:
    """A mistake is reported at its place, with a stable code."""
    assert problems(text) == [found]


def test_every_mistake_at_once() -> None:
    """All mistakes come in one report, in the order of the file."""
    text = "workers: many\nlisten: 1\napis:\n  - path: a\n  - id: b\n    polices: c\n"
    assert problems(text) == ["1:10 bad-value", "2:9 bad-address", "4:5 missing-key", "6:5 unknown-key"]


def test_remedies() -> None:
    """A misspelt key is answered with the right one, a misplaced one with where to look."""
    with pytest.raises(LoadError) as refused:
        config("listn: a\nlimits: {workers: 3}\nzzzz: 1\nbackends: {batch: {url: http://h}}")
    assert [problem.remedy.partition(":")[0] for problem in refused.value.problems] == [
        "did you mean listen?",
        "it belongs at the top level",
        "remove it; https",
    ]
    with pytest.raises(LoadError, match=r"did you mean batch\?"):
        config("backends: {batch: {url: http://h}}\napis: [{id: a, backend: bacth}]")


def test_secret_files(tmp_path: Path) -> None:
    """One line end after a secret is ignored: editors add it; a file that is too long or not text is refused."""
    (tmp_path / "good").write_bytes(b"\xef\xbb\xbfredis://key\r\n")
    (tmp_path / "long").write_bytes(b"x" * 70_000)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    redis = config("redis: {file: good}", tmp_path).redis
    assert redis is not None
    assert redis.urls == ("redis://key",)
    assert problems("redis: {file: long}", tmp_path) == ["1:8 unreadable-file"]
    assert problems("redis: {file: binary}", tmp_path) == ["1:8 unreadable-file"]


def test_examples_and_names(tmp_path: Path) -> None:
    """An example has one body; an entity without a name is called by its id."""
    (tmp_path / "a.txt").write_text("x")
    responses = "[{examples: [{body: a, file: a.txt}]}]"
    text = f"apis: [{{id: a, operations: [{{id: o, method: GET, url-template: /, responses: {responses}}}]}}]"
    assert problems(text, tmp_path) == ["1:91 one-of"]
    loaded = config("apis: [{id: a}, {id: b, name: B}]").apis
    assert [named(api) for api in loaded] == ["a", "B"]


def test_models_stand_alone() -> None:
    """Without a file around them, models take paths and sources as they are."""
    built = Config.model_validate({"global-policy": "a.xml", "loggers": {"a": {"file": "b"}}, "redis": "c"})
    assert built.global_policy == Path("a.xml")
    with pytest.raises(ValidationError):
        Config.model_validate({"named-values": {"a": {"env": "NAME"}}})


def test_positions() -> None:
    """Every value has a place; a value that is not in the file has that of its mapping."""
    loaded = config("apis:\n  - id: a\n    operations:\n      - {id: o, method: GET, url-template: /}\n")
    assert str(loaded.location("apis", 0, "operations", 0, "method")) == "config.yaml:4:25"
    assert str(loaded.location("apis", 0, "policy")) == "config.yaml:2:5"
    assert str(Config().location("apis")) == "(built in):1:1"


def test_products_and_apis_name_each_other() -> None:
    """An API is in a product when either of the two says so."""
    loaded = config("apis: [{id: a, products: [p]}, {id: b}]\nproducts: [{id: p, apis: [b]}]")
    assert loaded.product_apis(loaded.products[0]) == ("b", "a")


def test_backend_settings() -> None:
    """A backend's limits, times and TLS reach the wire."""
    text = "backends: {a: {url: http://h, connect-timeout: 5s, tls: {verify-name: no, key-password: {env: P}}}}"
    wire = config(text, P="secret").backends["a"]
    assert (wire.connect_timeout_s, wire.tls.verify_name, wire.tls.ca_file) == (5.0, False, None)
    assert revealed(wire.tls.key_password) == "secret"


def test_notification_callers() -> None:
    """Callers' rules reach the service: every batch job, some, or by default none."""
    text = """
notifications:
  store: sqlite:////n.db
  d365: {instance-url: "https://a.b", credential: managed-identity}
  callbacks: {signing-secret: [whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODk=]}
  callers:
    - {object-id: a, batch-jobs: "*"}
    - {object-id: b, batch-jobs: [1, 2], overall: 1m}
  default-caller: {max-active: 1}
"""
    loaded = config(text).notifications
    assert loaded is not None
    settings = loaded
    assert [rule.batch_jobs for rule in settings.callers] == [None, frozenset({1, 2})]
    assert settings.callers[1].overall_s == 60.0
    assert settings.default_caller is not None
    assert settings.default_caller.batch_jobs == frozenset()
    assert settings.callbacks.signing_secrets == ("whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODk=",)


def test_json_schema() -> None:
    """The schema for editors is valid, and closed: an unknown key is an error."""
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    assert validator.is_valid({"listen": "127.0.0.1:1", "named-values": {"a": "b", "c": {"env": "D"}}})
    assert not validator.is_valid({"listn": "127.0.0.1:1"})
    assert json.dumps(schema)


def test_compose_is_what_load_uses() -> None:
    """Aliases, tags and merge keys have no place in a configuration."""
    with pytest.raises(LoadError, match="alias-refused"):
        compose("a: &x 1\nb: *x", "config.yaml")


EXAMPLE = Path(__file__).resolve().parents[2] / "config.example.yaml"
LINES = [line for line in EXAMPLE.read_text().splitlines() if line.strip() and not line.startswith("#")]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_broken_files_are_refused_or_read(data: st.DataObject) -> None:
    """Whatever happens to a line of the file, the answer is a configuration or a list of problems."""
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        noise = st.text(st.sampled_from(" :-[]{},'\"@#&*!|>%x1"), max_size=4)
        middle = data.draw(st.integers(0, len(lines[at])))
        lines[at] = lines[at][:middle] + data.draw(noise) + lines[at][middle + data.draw(st.integers(0, 3)) :]
    with suppress(LoadError):
        config("\n".join(lines), EXAMPLE.parent)


def test_keys_are_written_and_names_are_not() -> None:
    """A setting is known in a file by its key alone: the name that Python has for it is not another spelling."""
    assert problems("timeouts: {head_s: 1s}") == ["1:12 unknown-key"]
    assert problems("trusted_proxies: []") == ["1:1 unknown-key"]


def test_the_parts_have_the_defaults() -> None:
    """Settings that the file does not have get the defaults that the parts declare."""
    loaded = config("backends: {b: {url: http://a}}")
    expected = ServerSettings(limits=Limits(), timeouts=Timeouts(), farewell_s=1.0, id_header="x-request-id")
    assert loaded.server_settings() == expected
    assert loaded.backends["b"].tls == TlsSettings()
    assert isinstance(loaded.backends["b"], UpstreamSettings)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("apis: {id: a}", "apis: a list belongs here (write [one, two]"),
        ("named-values: [a]", "named-values: a mapping belongs here (write key: value)"),
        ("limits: 3", "limits: a mapping belongs here (write key: value)"),
        ("workers: two", "workers: a whole number belongs here"),
        ("apis: [{id: a, current: maybe}]", "apis.0.current: true or false belongs here"),
        ("apis: [{id: [a]}]", "apis.0.id: a text belongs here (put it into quotes)"),
    ],
)
def test_what_belongs_in_a_setting_is_said_in_words_of_yaml(text: str, wanted: str) -> None:
    """Messages use YAML's terms: the author of a configuration need not know what a tuple is."""
    with pytest.raises(LoadError) as caught:
        parse(text, "config.yaml", Path(), {})
    assert wanted in str(caught.value.problems[0])


_D365 = "store: 'sqlite:///n.db', d365: {instance-url: https://a.b, token-url: https://c.d}"

# What pydantic says in Python's words is said in those of the file, with what to write.
WORDS = {
    "subscriptions: [{id: a, scope: products/gold, primary-key: x}]": "subscriptions.0.scope: the path of a product or"
    " an API belongs here (write /products/ID, /apis/ID, or /apis for every API)",
    "apis: [{id: a b}]": "apis.0.id: a name of letters, digits, dot, dash and underscore, a letter or digit first,"
    " belongs here (write it like orders-v1)",
    "apis: [{id: a, operations: [{id: b, method: get, url-template: /}]}]": "apis.0.operations.0.method: a method in"
    " capital letters belongs here (write GET, or * for all)",
    "apis: [{id: a, operations: [{id: b, method: GET, url-template: jobs}]}]": "apis.0.operations.0.url-template: a"
    " path that begins with a slash belongs here (write /jobs/{id})",
    "backends: {a: {url: 'http://a', circuit-breaker: {count: 1, status-codes: [5xx]}}}": "backends.a.circuit-breaker."
    "status-codes.0: a status or a range belongs here (write 503 or 500-599)",
    "logging: {level: warn}": "logging.level: not one of the values that are possible here (write one of: debug, info,"
    " warning, error)",
    "workers: 0": "workers: too small (write at least 1)",
    "workers: 5000": "workers: too large (write at most 1024)",
    "workers: two": "workers: a whole number belongs here",
    f"workers: {'9' * 5000}": "workers: too large (write a smaller number)",
    "console: maybe": "console.pages: true or false belongs here",
    "timeouts: {head: [10s]}": "timeouts.head: a duration belongs here (write it as 500ms, 10s, 9m30s or 2h)",
    "trusted-proxies: [[10.0.0.0/8]]": "trusted-proxies.0: not a network (write 10.0.0.0/8 or 192.0.2.7)",
    "named-values: {a: [b]}": "named-values.a.value: a text belongs here (put it into quotes)",
    f"named-values: {{a: {'x' * 5000}}}": "named-values.a.value: longer than 4096 characters (shorten it)",
    "users: [{id: a, registration-date: yesterday}]": "users.0.registration-date: a date belongs here (write 2026-01-31"
    " or 2026-01-31T12:00:00Z)",
    'global-policy: "a\\0b"': "global-policy: '/etc/gateway/a\\x00b' is not a file (relative paths start at the"
    " configuration file)",
    f"global-policy: {'x' * 5000}": f"global-policy: /etc/gateway/{'x' * 287}… is not a file (relative paths start at"
    " the configuration file)",
    "apis: [{id: a, nope: b}]": "apis.0.nope is not a setting (did you mean note?)",
    "apis: [{id: a, SERVICE_URL: b}]": "apis.0.SERVICE_URL is not a setting (did you mean service-url?)",
    "apis: [{id: a, primary-key: b}]": "apis.0.primary-key is not a setting (it belongs under subscriptions[]: see"
    f" {page('configuration')})",
    "subscriptions: [{id: a, scope: /apis, primary-key: b, secondry: c}]": "subscriptions.0.secondry is not a setting"
    " (did you mean secondary-key?)",
    f"notifications: {{{_D365}, callbacks: {{hosts: ['https://a.test']}}}}": "notifications.callbacks.hosts.0: a host's"
    " name, without scheme and port, belongs here (write hooks.example.com, *.example.com or *)",
    f"notifications: {{{_D365}, callbacks: {{signing-secret: é}}}}": "notifications.callbacks: a signing secret is"
    " whsec_ followed by base64 of 24 to 64 random bytes (make one with: openssl rand -base64 32)",
    "apis: [{id: a, service-url: 'https://a/?b=c'}]": "apis.0.service-url: the URL of a backend has no query (remove"
    " it; a backend's credentials.query adds parameters to every request)",
    "backends: {a: {url: 'https://a'}, b: {pool: [{backend: a, weight: 0}]}}": "backends.b: no member of the pool has a"
    " weight above 0 (give one its share)",
    "backends: {a: {url: 'https://a'}, b: {pool: [{backend: a}], session-affinity: a b}}": "backends.b.session-"
    "affinity: a name of letters, digits and dashes belongs here (write it like x-api-key)",
    "backends: {a: {url: 'https://a', credentials: {headers: {a b: c}}}}": "backends.a.credentials.headers.a b: a name"
    " of letters, digits and dashes belongs here (write it like x-api-key)",
    "apis: [{id: a, backend: nope}]": "no backend has the id 'nope' (add it under backends)",
    "global-policy: {file: a}": "global-policy: the path of a file belongs here (put it into quotes)",
    'redis: {file: "a\\0b"}': "redis: '/etc/gateway/a\\x00b': no such file (check path and permissions)",
}


@pytest.mark.parametrize(("text", "words"), WORDS.items(), ids=range(len(WORDS)))
def test_words(text: str, words: str) -> None:
    """A message has the words of the file and what to write instead, none of pydantic's or Python's."""
    with pytest.raises(LoadError) as refused:
        config(text)
    assert [f"{problem.message} ({problem.remedy})".removesuffix(" ()") for problem in refused.value.problems] == [
        words
    ]


@pytest.mark.parametrize(
    "store",
    ["jobs.db", "mysql://a/b", "sqlite://", "'sqlite:///:memory:'", "postgresql://u@h:x/d", '"sqlite:///a\\0b"'],
)
def test_a_store_that_there_is_not(store: str) -> None:
    """Only SQLite and PostgreSQL keep jobs: anything else is refused at its place."""
    d365 = _D365.partition(", ")[2]
    column = 52 if store[0] in "\"'" else 51
    text = f"notifications: {{allow-readable-urls: true, store: {store}, {d365}}}"
    assert problems(text) == [f"1:{column} bad-url"]


def test_growth_is_finite() -> None:
    """A number that is none, or has no end, is refused."""
    for number in (".inf", "inf", "nan"):
        assert problems(f"notifications: {{{_D365}, polling: {{growth: {number}}}}}") == ["1:119 bad-value"]


def test_a_secret_is_not_read_from_a_pipe(tmp_path: Path) -> None:
    """Reading from a pipe would wait for ever: it is refused as no file."""
    os.mkfifo(tmp_path / "pipe")
    assert problems("redis: {file: pipe}\nglobal-policy: pipe", tmp_path) == [
        "1:8 unreadable-file",
        "2:16 no-such-file",
    ]
