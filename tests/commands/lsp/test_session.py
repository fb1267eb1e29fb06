"""session.py, project.py, diagnosing.py: what belongs together, what is read, and that nothing ends the server."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from lsprotocol.types import Diagnostic, Position

from gateway.commands.lsp.defining import definitions
from gateway.commands.lsp.diagnosing import Diagnoser
from gateway.commands.lsp.hovering import hover_text
from gateway.commands.lsp.outline import outline
from gateway.commands.lsp.pointing import pointed_at
from gateway.commands.lsp.quick_fixes import ShownFinding, fixes
from gateway.commands.lsp.session import EditorSettings, OpenText, Session, uri_of
from gateway.commands.lsp.xml_completion import xml_offers
from gateway.commands.lsp.yaml_completion import yaml_offers
from gateway.errors import LoadError
from tests.commands.lsp.editor import CONFIG, FILES, written
from tests.speed import on_this_machine


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """One workspace."""
    return Session(folders=[written(tmp_path).resolve()])


def opened(session: Session, name: str, text: str) -> OpenText:
    """A text of the workspace in the editor."""
    uri = uri_of(session.folders[0] / name)
    session.open(uri, text)
    return session.texts[uri]


def codes(found: dict[str, list[Diagnostic]], text: OpenText) -> list[object]:
    """The codes that are reported for a text."""
    return [one.code for one in found[text.uri]]


# -- what belongs together
def test_the_configuration_is_found_upwards(session: Session) -> None:
    """A document belongs to the nearest config.yaml above it, within the workspace."""
    text = opened(session, "policies/deep/er/a.xml", "<policies />")
    project = session.project(text)
    assert project is not None
    assert project.config == session.folders[0] / "config.yaml"


def test_the_configuration_of_another_program_is_passed_over(session: Session) -> None:
    """A config.yaml without any setting of the gateway is another program's, and does not hide ours."""
    (session.folders[0] / "policies" / "config.yaml").write_text("model_list: []\n")
    project = session.project(opened(session, "policies/shop.xml", "<policies />"))
    assert project is not None
    assert project.config == session.folders[0] / "config.yaml"


def test_nothing_outside_of_the_workspace_is_read(session: Session) -> None:
    """A config.yaml above the folder that the editor has opened is not looked at; nor is one of a text elsewhere."""
    inner = session.folders[0] / "policies"
    session.folders = [inner]
    assert session.project(opened(session, "shop.xml", "<policies />")) is None
    session.open("file:///somewhere/else/a.xml", "<policies />")
    assert session.project(session.texts["file:///somewhere/else/a.xml"]) is None
    session.open("untitled:Untitled-1", "<policies />", "xml")
    assert session.project(session.texts["untitled:Untitled-1"]) is None


def test_another_name_of_the_configuration(session: Session) -> None:
    """The configuration may have another name, which the editor's settings say."""
    (session.folders[0] / "config.yaml").rename(session.folders[0] / "gateway.yaml")
    text = opened(session, "policies/shop.xml", "<policies />")
    assert session.project(text) is None
    session.settings = EditorSettings.of({"config": "gateway.yaml"})
    project = session.project(text)
    assert project is not None
    assert list(project.entries("backends")) == ["orders"]


@pytest.mark.parametrize("options", [None, 1, [], {"config": 1, "assumeSecrets": "no", "target": "moon"}])
def test_settings_that_make_no_sense(options: object) -> None:
    """Settings of another kind are ignored."""
    assert EditorSettings.of(options) == EditorSettings()


def test_what_a_configuration_lost_while_typing(session: Session) -> None:
    """While the configuration is not YAML, the names that it had are known."""
    text = opened(session, "config.yaml", CONFIG)
    assert session.project(text) is not None
    project = session.project(opened(session, "config.yaml", CONFIG + "\n  - {"))
    assert project is not None
    assert "region" in project.entries("named-values")


@pytest.mark.parametrize(
    ("name", "text", "kind"),
    [
        ("a.xml", "<policies />", "xml"),
        ("a.xml", "<Project />", ""),
        ("policies/shop.xml", "", "xml"),
        ("a.yaml", "inbound: []", "yaml"),
        ("a.yaml", "kind: Pod", ""),
        ("config.dev.yaml", "apis: []", "config"),
        ("config.yaml", "", "config"),
        ("config.yaml", "lis", "config"),
        ("config.yaml", "model_list: []", ""),
        ("a.policytest.yaml", "", "test"),
    ],
)
def test_kinds(session: Session, name: str, text: str, kind: str) -> None:
    """What a file is follows from its name, what is in it, and whether the configuration names it."""
    assert session.kind(opened(session, name, text)) == kind


# -- findings
def test_secrets_are_assumed_unless_the_editor_says_otherwise(session: Session) -> None:
    """A variable of the environment that is not set is no mistake on the author's machine, unless that is wanted."""
    text = opened(session, "config.yaml", CONFIG)
    assert codes(Diagnoser(session).diagnose(text), text) == []
    session.settings = EditorSettings.of({"assumeSecrets": False})
    assert codes(Diagnoser(session).diagnose(text), text) == ["unset-variable"]


def test_what_azure_refuses(session: Session) -> None:
    """With the target azure, what Azure is known to refuse is reported too."""
    session.settings = EditorSettings.of({"target": "azure"})
    text = opened(session, "policies/list.yaml", FILES["policies/list.yaml"])
    assert "azure-form" in codes(Diagnoser(session).diagnose(text), text)


def test_a_document_that_is_not_there(session: Session) -> None:
    """A document that the configuration names and that is missing is reported where it is named."""
    text = opened(session, "config.yaml", CONFIG.replace("policies/shop.xml", "policies/nowhere.xml"))
    (finding,) = Diagnoser(session).diagnose(text)[text.uri]
    assert "nowhere.xml" in finding.message
    assert finding.range.start.line == CONFIG[: CONFIG.index("policies/shop")].count("\n")


# -- odd input
PIECES = [
    "<",
    ">",
    '"',
    "'",
    "@(",
    "@{",
    "{{",
    "}}",
    "&",
    "\n",
    "\r",
    "\t",
    "😀",
    "\u2028",
    "\x00",
    "\ud800",
    "</",
    "<!--",
]
PIECES += ["<![CDATA[", ": ", "- ", "|\n", "[", "{", "}", ")", "context.", "?.", '$"', "//", "/*", "&quot;", "x => x."]


def damaged(text: str, dice: random.Random) -> str:
    """*text* with a few pieces put in, cut out, or cut off."""
    for _ in range(dice.randint(1, 4)):
        at, length = dice.randint(0, len(text)), dice.choice([0, 0, 5, 40])
        text = text[:at] + dice.choice(PIECES) + text[at + length :]
    return text[: dice.randint(0, len(text))] if dice.random() < 0.2 else text


ODD = {name: text for name, text in FILES.items() if not name.startswith("fragments")}
ODD["a.policytest.yaml"] = "policy: a.xml\nnamed-values: {a: b}\ntests:\n  - name: b\n    expect: {status: 200}\n"
CODE = (
    '<policies><inbound><set-body>@{ var a = context.Request.Headers.Where(h => h.Key == "b"); return a; }</set-body>'
)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", [*ODD, "code.xml"])
def test_no_text_is_too_odd(session: Session, name: str, seed: int) -> None:
    """Whatever the text is, every question is answered; the gateway's check has no fault of its own either."""
    dice = random.Random(seed)
    text = opened(session, name, damaged(ODD.get(name, CODE), dice))
    kind, project, length = session.kind(text), session.project(text), len(text.text)
    for offset in (dice.randint(0, length) for _ in range(8)):
        text.places.offset(text.places.position(offset))
        xml_offers(text.text, offset, project) if not text.is_yaml else yaml_offers(
            text.text, offset, kind or "yaml", project
        )
        pointed = pointed_at(text, offset, kind)
        hover_text(pointed, kind, project)
        definitions(session, text, pointed, project)
    try:
        outline(text, kind)
    except LoadError as error:
        assert error.problems  # noqa: PT017 - the caller shows the last outline then
    for finding in Diagnoser(session).diagnose(text)[text.uri]:
        assert finding.code != "internal-error"
        said = finding.data
        assert isinstance(said, dict)
        at = text.places.offset(finding.range.start)
        list(fixes(ShownFinding(text.text, at, str(finding.code), said["message"], said["remedy"], text.is_yaml)))


DEEP = {"elements": "<a>", "values": "<a b='", "expressions": "@(", "holes": '$"{', "lists": "- ", "flow": "[{a: "}


@pytest.mark.parametrize("name", DEEP)
def test_time_grows_with_the_text(name: str) -> None:
    """A place in a text that is nested deeply is found in time in proportion to it."""
    text = "<policies>@(" * (name == "holes") + DEEP[name] * 15_000
    began_s = time.process_time()
    xml_offers(text, len(text), None)
    yaml_offers(text, len(text), "yaml", None)
    assert time.process_time() - began_s < on_this_machine(1)


# -- speed
def long_document(lines: int = 500) -> str:
    """A document of that many lines with expressions in most of them."""
    parts = [
        f"""    <set-variable name="v{number}" value="@(context.Request.Headers.GetValueOrDefault("x-{number}", ""))" />
    <choose>
      <when condition="@(context.Variables.GetValueOrDefault<string>("v{number}") == "a" && context.Api.Name != "b")">
        <set-header name="h{number}" exists-action="override">
          <value>@{{
            var all = context.Request.Headers.Where(h => h.Key.StartsWith("x-")).Select(h => h.Value.First());
            return string.Join(",", all) + "{number}";
          }}</value>
        </set-header>
      </when>
    </choose>"""
        for number in range(lines // 11)
    ]
    return "\n".join(["<policies>", "  <inbound>", "    <base />", *parts, "  </inbound>", "</policies>"])


@pytest.mark.timed
def test_answers_come_while_typing(session: Session) -> None:
    """
    In a document of 500 lines, completion and diagnostics in an expression take less than 100 ms after a key: the
    middle one of three, because a collection of garbage that falls into one is not its own.
    """
    whole, diagnoser, took_s = long_document(), Diagnoser(session), list[float]()
    at = whole.rindex("h.Key.") + len("h.Key.")
    diagnoser.diagnose(opened(session, "policies/shop.xml", whole))
    for key in range(1, 4):
        text = opened(session, "policies/shop.xml", whole[:at] + "Start"[:key] + whole[at:])
        began_s = time.process_time()
        offers = xml_offers(text.text, at + key, session.project(text))
        found = diagnoser.diagnose(text)[text.uri]
        took_s.append(time.process_time() - began_s)
        assert offers is not None
        assert "StartsWith" in {offer.label for offer in offers.offers}
        assert [one.code for one in found] == ["unknown-member"]
    assert sorted(took_s)[1] < on_this_machine(0.1)


def test_positions_of_findings(session: Session) -> None:
    """A finding is where the gateway says, in the units of the editor."""
    session.encoding = "utf-8"
    text = opened(
        session, "wide.xml", '<policies><inbound><set-header name="ä" exists-action="x" /></inbound></policies>'
    )
    found = Diagnoser(session).diagnose(text)[text.uri]
    assert found[-1].range.start == Position(0, len(text.text[: text.text.index('x" />')].encode()))
