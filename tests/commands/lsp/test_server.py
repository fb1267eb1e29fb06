"""The language server as an editor sees it: a real client, a real process, a workspace on disk."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pytest_lsp import ClientServerConfig

from gateway.commands.check.report import check_config, check_file, offline_services
from tests.commands.lsp.editor import CONFIG, FILES, Editor, applied, written

pytestmark = pytest.mark.asyncio(loop_scope="module")

SHOP = "<policies>\n  <inbound>\n    <base />\n    {}\n  </inbound>\n</policies>\n"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def editor(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Editor]:
    """One editor for the module; each test shows the texts that it is about."""
    client = await ClientServerConfig([sys.executable, "-m", "gateway", "lsp"]).start()
    editor = Editor(client, written(tmp_path_factory.mktemp("workspace").resolve()))  # type: ignore[arg-type]
    await editor.start()
    yield editor
    await editor.client.shutdown_session()
    await editor.client.stop()  # type: ignore[no-untyped-call]


def reported(findings: list[types.Diagnostic]) -> list[tuple[int, int, object, str, bool]]:
    """Line, column, code, message with its remedy, and whether it is an error; ASCII texts."""
    return [
        (
            one.range.start.line + 1,
            one.range.start.character + 1,
            one.code,
            one.message,
            one.severity == types.DiagnosticSeverity.Error,
        )
        for one in findings
    ]


# -- diagnostics
BAD = {
    "policies/shop.xml": SHOP.format('<set-header nam="a"><value>@(context.Reqest.Method)</value></set-header>'),
    "policies/list.yaml": "inbound:\n  - set-header: {name: a, exists-action: maybe}\n  - set-hedder: {name: b}\n",
    "config.yaml": CONFIG.replace("path: shop", "pth: shop").replace("backend: orders", "backend: ordres"),
}


@pytest.mark.parametrize("name", BAD)
async def test_findings_are_those_of_check(editor: Editor, name: str, tmp_path: Path) -> None:
    """While somebody types, an editor shows what gateway check -c would report: codes, places, remedies, severities."""
    editor.show(name, BAD[name])
    found = await editor.findings(name)
    editor.close(name)
    (written(tmp_path) / name).write_text(BAD[name])
    expected = [
        (problem.location.line, problem.location.column, problem.code, str(problem).split(": ", 2)[2], True)
        for report in check_config(tmp_path / "config.yaml", assume_secrets=True)
        for problem in report.problems
        if problem.location.file == str((tmp_path / name).resolve()) or problem.location.file == str(tmp_path / name)
    ]
    assert expected
    assert reported(found) == expected


async def test_a_document_alone_has_notes(editor: Editor, tmp_path: Path) -> None:
    """A document that no configuration names is checked alone: what only a configuration knows is information."""
    text = SHOP.format('<set-header name="a"><value>{{nowhere}}</value></set-header>\n<rewrite-uri />')
    editor.show("lonely.xml", text)
    found = reported(await editor.findings("lonely.xml"))
    (tmp_path / "lonely.xml").write_text(text)
    report = check_file(tmp_path / "lonely.xml", offline_services())
    assert [(line, code, error) for line, _, code, _, error in found] == [
        *((problem.location.line, problem.code, True) for problem in report.problems),
        *((note.location.line, note.code, False) for note in report.notes),
    ]
    assert {error for *_, error in found} == {True, False}


async def test_one_text_decides_about_others(editor: Editor) -> None:
    """A named value that is taken out of the configuration is missed in the document, before anything is saved."""
    editor.show("policies/list.yaml", FILES["policies/list.yaml"])
    assert await editor.codes("policies/list.yaml", []) == []
    editor.show("config.yaml", CONFIG.replace("  region: northern\n", ""))
    assert await editor.codes("policies/list.yaml", ["unknown-named-value"]) == ["unknown-named-value"]
    editor.show("config.yaml", CONFIG)
    assert await editor.codes("policies/list.yaml", []) == []
    editor.close("config.yaml")


async def test_tests_are_checked(editor: Editor) -> None:
    """A policy test has the mistakes that gateway test would report."""
    editor.show("a.policytest.yaml", "policy: policies/shop.xml\ntests:\n  - name: a\n    expcet: {status: 200}\n")
    found = reported(await editor.findings("a.policytest.yaml"))
    assert [(line, column, code) for line, column, code, *_ in found] == [(3, 5, "missing-key"), (4, 5, "unknown-key")]


async def test_other_files_are_left_alone(editor: Editor) -> None:
    """XML and YAML that is nothing of ours has no findings: projects, manifests, definitions."""
    for name, text in {
        "a.csproj.xml": "<Project><b></Project>",
        "deployment.yaml": "kind: Deployment\n\tspec: {",
    }.items():
        editor.show(name, text)
        assert await editor.findings(name) == []


async def test_places_count_as_the_editor_does(editor: Editor) -> None:
    """A place behind characters outside of the basic plane counts them as two, as UTF-16 does."""
    editor.show("wide.xml", SHOP.format('<set-header name="😀😀" exists-action="x" />'))
    found = next(one for one in await editor.findings("wide.xml") if "exists-action" in one.message)
    line = SHOP.format('<set-header name="😀😀" exists-action="').split("\n")[3]
    assert found.range.start == types.Position(3, len(line.encode("utf-16-le")) // 2)


# -- completion
COMPLETIONS = {
    "sections": ("policies/shop.xml", "<policies><▮", {"inbound", "on-error"}, {"set-header"}),
    "policies of a section": ("policies/shop.xml", "<policies><outbound>\n  <▮", {"set-header", "base"}, {"cors"}),
    "children": ("policies/shop.xml", "<policies><inbound><choose><▮", {"when", "otherwise"}, {"set-header", "base"}),
    "attributes": (
        "policies/shop.xml",
        '<policies><inbound><set-header name="a" ▮ id="b" />',
        {"exists-action"},
        {"name", "id"},
    ),
    "choices": (
        "policies/shop.xml",
        '<policies><inbound><set-header exists-action="▮" />',
        {"override", "skip"},
        set(),
    ),
    "named values": ("policies/shop.xml", '<policies><inbound><set-header name="{{▮" />', {"region", "api-key"}, set()),
    "fragments": ("policies/shop.xml", '<policies><inbound><include-fragment fragment-id="▮"', {"caller"}, set()),
    "backends": ("policies/list.yaml", "inbound:\n  - set-backend-service: {backend-id: ▮}", {"orders"}, set()),
    "members": (
        "policies/shop.xml",
        SHOP.format('<set-header name="a"><value>@(context.Request.▮)</value></set-header>'),
        {"Headers", "Url", "Body"},
        {"Request", "context"},
    ),
    "members in YAML": (
        "policies/list.yaml",
        'inbound:\n  - set-header:\n      name: a\n      value: "@(context.Response.▮"\n',
        {"StatusCode"},
        {"Url"},
    ),
    "members of a lambda's parameter": (
        "policies/list.yaml",
        "inbound:\n  - set-body: |\n      @{\n        return context.Request.Headers.Where(h => h.▮\n      }\n",
        {"Key", "Value"},
        {"Headers"},
    ),
    "variables": (
        "policies/shop.xml",
        SHOP.format('<set-variable name="user" value="1" /><set-body>@(context.Variables["▮'),
        {"user"},
        {"context"},
    ),
    "keys of the configuration": ("config.yaml", "apis:\n  - id: a\n    ▮", {"path", "operations"}, {"id", "listen"}),
    "values of the configuration": ("config.yaml", "logging:\n  level: ▮", {"info", "debug"}, set()),
    "keys of a test": (
        "a.policytest.yaml",
        "policy: a.xml\ntests:\n  - name: b\n    ▮",
        {"expect", "request"},
        {"name"},
    ),
    "policies in YAML": ("policies/list.yaml", "inbound:\n  - ▮", {"set-header", "base"}, {"forward-request"}),
}


@pytest.mark.parametrize("name", COMPLETIONS)
async def test_completion(editor: Editor, name: str) -> None:
    """At each kind of place an editor offers what belongs there, and nothing else, while the text is unfinished."""
    file, text, wanted, unwanted = COMPLETIONS[name]
    offered = set(await editor.completions(file, text))
    editor.close(file)
    assert wanted <= offered
    assert not unwanted & offered


async def test_members_have_types(editor: Editor) -> None:
    """A member is offered with its signature as C# writes it."""
    text = SHOP.format("<set-body>@(context.Request.Headers.▮</set-body>")
    offered = await editor.completions("policies/shop.xml", text)
    shown = offered["GetValueOrDefault"].documentation
    assert isinstance(shown, types.MarkupContent)
    assert "string GetValueOrDefault(string key, string defaultValue)" in shown.value


async def test_an_offer_replaces_what_is_written(editor: Editor) -> None:
    """Taking an offer replaces the whole name that it was offered for, dashes included."""
    text = "<policies><inbound><set-hea"
    offered = await editor.completions("policies/shop.xml", text + "▮")
    edit = offered["set-header"].text_edit
    assert isinstance(edit, types.TextEdit)
    assert applied(text, [edit]) == "<policies><inbound><set-header"


# -- hover
HOVERS = {
    "element": (SHOP.format('<set-he▮ader name="a" />'), "Reference]"),
    "attribute": (SHOP.format('<set-header exists-a▮ction="skip" />'), "default `override`"),
    "member": (SHOP.format("<set-body>@(context.Req▮uest.Method)</set-body>"), "IRequest Request"),
    "local": (SHOP.format("<set-body>@{ var n = 1; return n▮ + 1; }</set-body>"), "int n"),
    "named value": (SHOP.format('<set-header name="{{reg▮ion}}" />'), "northern"),
    "place": (SHOP.format('<set-header name="{{reg▮ion}}" />'), "config.yaml, line 3"),
    "backend": (SHOP.format('<set-backend-service backend-id="ord▮ers" />'), "http://127.0.0.1:9"),
}


@pytest.mark.parametrize("name", HOVERS)
async def test_hover(editor: Editor, name: str) -> None:
    """What the cursor is on is explained from the reference, the allow-list or the configuration."""
    text, expected = HOVERS[name]
    assert expected in await editor.hover("policies/shop.xml", text)


async def test_keys_are_explained(editor: Editor) -> None:
    """A key of the configuration shows its documentation and its default."""
    shown = await editor.hover("config.yaml", "work▮ers: 2\n")
    editor.close("config.yaml")
    assert "Processes that share the listener" in shown
    assert "`1`" in shown


@pytest.mark.parametrize("name", ["api-key", "from-outside"])
async def test_secrets_are_not_shown(editor: Editor, name: str) -> None:
    """Neither hover nor completion shows a secret's value, nor what is in the environment."""
    text = SHOP.format('<set-header name="{{NAME}}" />')
    shown = await editor.hover("policies/shop.xml", text.replace("NAME", name[:3] + "▮" + name[3:]))
    offered = await editor.completions("policies/shop.xml", text.replace("NAME}}", "▮}}"))
    assert shown
    assert "hidden-in-config" not in shown + str(offered[name])


# -- definitions, references, renaming
DEFINITIONS = {
    "fragment": ('<include-fragment fragment-id="cal▮ler" />', ("fragments/caller.xml", 1)),
    "named value": ('<set-header name="{{reg▮ion}}" />', ("config.yaml", 3)),
    "backend": ('<set-backend-service backend-id="ord▮ers" />', ("config.yaml", 7)),
}


@pytest.mark.parametrize("name", DEFINITIONS)
async def test_definitions(editor: Editor, name: str) -> None:
    """A name leads to what it names."""
    text, expected = DEFINITIONS[name]
    assert await editor.definition("policies/shop.xml", SHOP.format(text)) == [expected]


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("policies/shop.xml", FILES["policies/shop.xml"].replace("<base", "<ba▮se"), ("policies/global.xml", 2)),
        ("policies/list.yaml", FILES["policies/list.yaml"].replace("base", "ba▮se"), ("policies/shop.xml", 2)),
        ("config.yaml", CONFIG.replace("policies/shop", "policies/sh▮op"), ("policies/shop.xml", 1)),
        ("config.yaml", CONFIG.replace("/list.yaml", "/li▮st.yaml"), ("policies/list.yaml", 1)),
        ("config.yaml", CONFIG.replace("backend: orders", "backend: ord▮ers"), ("config.yaml", 7)),
    ],
)
async def test_scopes_and_files(editor: Editor, file: str, text: str, expected: tuple[str, int]) -> None:
    """``<base />`` leads to the next broader scope's section, a path in the configuration to its file."""
    assert await editor.definition(file, text) == [expected]


async def test_renaming(editor: Editor) -> None:
    """A named value gets its new name in the configuration and in every document that it names."""
    editor.show("policies/shop.xml", FILES["policies/shop.xml"])
    place = editor.at("config.yaml", CONFIG.replace("  region:", "  reg▮ion:"))
    edit = await editor.client.text_document_rename_async(
        types.RenameParams(place.text_document, place.position, "area")
    )
    assert edit is not None
    assert edit.changes is not None
    new = {
        uri: applied(FILES[uri.removeprefix(editor.uri("") + "/")], list(edits)) for uri, edits in edit.changes.items()
    }
    editor.close("config.yaml")
    assert set(new) == {editor.uri(name) for name in ("config.yaml", "fragments/caller.xml", "policies/list.yaml")}
    assert all("region" not in text and "area" in text for text in new.values())


@pytest.mark.parametrize("name", ["api-key", "not a name", ""])
async def test_names_that_cannot_be(editor: Editor, name: str) -> None:
    """A name that is taken, or that no named value can have, is refused."""
    place = editor.at("policies/shop.xml", SHOP.format('<set-header name="{{reg▮ion}}" />'))
    with pytest.raises(JsonRpcException, match="named value"):
        await editor.client.text_document_rename_async(types.RenameParams(place.text_document, place.position, name))


async def test_references(editor: Editor) -> None:
    """Every use of a named value is found, the declaration first."""
    editor.show("policies/shop.xml", FILES["policies/shop.xml"])
    place = editor.at("policies/list.yaml", FILES["policies/list.yaml"].replace("{{reg", "{{reg▮"))
    found = await editor.client.text_document_references_async(
        types.ReferenceParams(
            context=types.ReferenceContext(include_declaration=True),
            text_document=place.text_document,
            position=place.position,
        )
    )
    assert [editor.place(one) for one in found or ()] == [
        ("config.yaml", 3),
        ("policies/list.yaml", 5),
        ("fragments/caller.xml", 2),
    ]


# -- fixes and outline
FIXES = {
    "element": (
        '<set-hedder name="a"><value>b</value></set-hedder>',
        '<set-header name="a"><value>b</value></set-header>',
    ),
    "attribute": ('<set-header nam="a" />', '<set-header name="a" />'),
    "missing attribute": ("<set-header />", '<set-header name="" />'),
    "member": ("<set-body>@(context.Request.Metod)</set-body>", "<set-body>@(context.Request.Method)</set-body>"),
    "less than": ("<set-method>a < b</set-method>", "<set-method>a &lt; b</set-method>"),
    "ampersand": ("<set-method>a & b</set-method>", "<set-method>a &amp; b</set-method>"),
    "entity": ("<set-method>a&nbsp;b</set-method>", "<set-method>a&#160;b</set-method>"),
    "quotes": ("<set-header name=a />", '<set-header name="a" />'),
    "superfluous attribute": ('<set-method zzz="a">GET</set-method>', "<set-method>GET</set-method>"),
}


@pytest.mark.parametrize("name", FIXES)
async def test_fixes(editor: Editor, name: str) -> None:
    """A remedy that is mechanical is one click away."""
    text, expected = (SHOP.format(part) for part in FIXES[name])
    actions = await editor.fixes("policies/shop.xml", text)
    results = [applied(text, list(action.edit.changes[editor.uri("policies/shop.xml")])) for action in actions]  # type: ignore[union-attr,index]
    assert expected in results


async def test_a_missing_named_value_is_added(editor: Editor) -> None:
    """A named value that the configuration does not have can be added there."""
    actions = await editor.fixes("policies/shop.xml", SHOP.format('<set-header name="{{unheard-of}}" />'))
    action = next(action for action in actions if "unheard-of" in action.title)
    assert action.edit is not None
    assert action.edit.changes is not None
    assert 'named-values:\n  unheard-of: ""\n  region:' in applied(
        CONFIG, list(action.edit.changes[editor.uri("config.yaml")])
    )


async def test_outline(editor: Editor) -> None:
    """A document's outline has its sections and policies, and stays while a line is half written."""
    shown = SHOP.format('<choose><when condition="@(true)"><set-header name="X-A" /></when></choose>')
    outlines = []
    for text in (shown, shown.replace("</when>", "<")):
        editor.show("policies/shop.xml", text)
        symbols = await editor.client.text_document_document_symbol_async(
            types.DocumentSymbolParams(types.TextDocumentIdentifier(editor.uri("policies/shop.xml")))
        )
        outlines.append(symbols)
    inbound = outlines[0][0]  # type: ignore[index]
    assert isinstance(inbound, types.DocumentSymbol)
    assert inbound.children
    assert [child.name for child in inbound.children] == ["base", "choose"]
    assert outlines[1] == outlines[0]


@pytest.mark.slow
async def test_units_and_settings_are_agreed_on(tmp_path: Path) -> None:
    """An editor that counts bytes gets bytes, and one that names its configuration has it."""
    client = await ClientServerConfig([sys.executable, "-m", "gateway", "lsp"]).start()
    editor = Editor(client, written(tmp_path).resolve())  # type: ignore[arg-type]
    (tmp_path / "config.yaml").rename(tmp_path / "gateway.yaml")
    await editor.start([types.PositionEncodingKind.Utf8], config="gateway.yaml")
    editor.show("policies/shop.xml", SHOP.format('<set-header name="{{region}}ä" exists-action="x" />'))
    findings = await editor.findings("policies/shop.xml")
    await editor.client.shutdown_session()
    await editor.client.stop()  # type: ignore[no-untyped-call]
    line = SHOP.format('<set-header name="{{region}}ä" exists-action="').split("\n")[3]
    assert next(one.range.start.character for one in findings if "exists-action" in one.message) == len(line.encode())
    assert "unknown-named-value" not in {one.code for one in findings}
