"""An editor for tests: a real client of the language server, with the cursor written as ``▮``."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from pathlib import Path

from lsprotocol import types
from pytest_lsp import LanguageClient, client_capabilities

CURSOR = "▮"
_PATIENCE_S = 30

CONFIG = """\
listen: 127.0.0.1:0
named-values:
  region: northern
  api-key: {value: hidden-in-config, secret: true}
  from-outside: {env: SOME_VARIABLE_OF_THE_DEPLOYMENT}
backends:
  orders: {url: "http://127.0.0.1:9"}
fragments:
  caller: fragments/caller.xml
global-policy: policies/global.xml
apis:
  - id: shop
    path: shop
    backend: orders
    policy: policies/shop.xml
    operations:
      - {id: list, method: GET, url-template: /list, policy: policies/list.yaml}
"""
FILES = {
    "config.yaml": CONFIG,
    "fragments/caller.xml": '<fragment>\n  <set-header name="A"><value>{{region}}</value></set-header>\n</fragment>\n',
    "policies/global.xml": "<policies>\n  <inbound />\n  <backend><forward-request /></backend>\n</policies>\n",
    "policies/shop.xml": "<policies>\n  <inbound>\n    <base />\n  </inbound>\n</policies>\n",
    "policies/list.yaml": 'inbound:\n  - base\n  - set-header:\n      name: X-Region\n      value: "{{region}}"\n',
}


def written(folder: Path) -> Path:
    """A workspace in *folder*: a configuration with an API, an operation, a global policy and a fragment."""
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


@dataclass(slots=True)
class Editor:
    """
    One editor with one workspace.

    Attributes:
        folder: The workspace.
    """

    client: LanguageClient
    folder: Path
    _versions: dict[str, int] = field(default_factory=dict)
    _reported: dict[str, types.PublishDiagnosticsParams] = field(default_factory=dict)

    def __post_init__(self) -> None:
        # The library's own handler forgets which version of a text the findings are of.
        self.client.protocol.fm.features[types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS] = self._report

    def _report(self, params: types.PublishDiagnosticsParams) -> None:
        self._reported[params.uri] = params

    async def start(self, encodings: list[types.PositionEncodingKind | str] | None = None, **options: object) -> None:
        """Connect, as an editor with the workspace does."""
        capabilities = client_capabilities("visual-studio-code")
        capabilities.general = types.GeneralClientCapabilities(position_encodings=encodings)
        await self.client.initialize_session(
            types.InitializeParams(
                capabilities=capabilities,
                workspace_folders=[types.WorkspaceFolder(self.folder.as_uri(), "workspace")],
                initialization_options=options,
            )
        )

    def uri(self, name: str) -> str:
        """The URI of a file of the workspace."""
        return (self.folder / name).as_uri()

    def show(self, name: str, text: str) -> None:
        """Open *name* with *text*, or type until it is that."""
        uri = self.uri(name)
        self._versions[uri] = self._versions.get(uri, 0) + 1
        if self._versions[uri] == 1:
            language = "xml" if name.endswith("xml") else "yaml"
            document = types.TextDocumentItem(uri, language, 1, text)
            self.client.text_document_did_open(types.DidOpenTextDocumentParams(document))
            return
        change = types.TextDocumentContentChangeWholeDocument(text)
        identifier = types.VersionedTextDocumentIdentifier(self._versions[uri], uri)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(identifier, [change]))

    def close(self, name: str) -> None:
        """Close it without saving."""
        self._versions.pop(self.uri(name), None)
        document = types.TextDocumentIdentifier(self.uri(name))
        self.client.text_document_did_close(types.DidCloseTextDocumentParams(document))

    async def findings(self, name: str) -> list[types.Diagnostic]:
        """What is reported for its newest text, once it is."""
        uri = self.uri(name)
        async with asyncio.timeout(_PATIENCE_S):
            while uri not in self._reported or self._reported[uri].version != self._versions[uri]:
                await asyncio.sleep(0.005)
        return list(self._reported[uri].diagnostics)

    async def codes(self, name: str, expected: list[str]) -> list[object]:
        """The codes that are reported for it, once they are *expected*, or when patience ends."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE_S):
                while [finding.code for finding in await self.findings(name)] != expected:
                    await asyncio.sleep(0.005)
        return [finding.code for finding in await self.findings(name)]

    def at(self, name: str, text: str) -> types.TextDocumentPositionParams:
        """Show *text* without its cursor, and give the place of the cursor."""
        before, _, behind = text.partition(CURSOR)
        self.show(name, before + behind)
        lines = before.split("\n")
        units = len(lines[-1].encode("utf-16-le")) // 2
        return types.TextDocumentPositionParams(
            types.TextDocumentIdentifier(self.uri(name)), types.Position(len(lines) - 1, units)
        )

    async def completions(self, name: str, text: str) -> dict[str, types.CompletionItem]:
        """What is offered at the cursor, by label."""
        place = self.at(name, text)
        listed = await self.client.text_document_completion_async(
            types.CompletionParams(place.text_document, place.position)
        )
        items = listed.items if isinstance(listed, types.CompletionList) else listed or []
        return {item.label: item for item in items}

    async def hover(self, name: str, text: str) -> str:
        """What is shown for the cursor; empty for nothing."""
        place = self.at(name, text)
        shown = await self.client.text_document_hover_async(types.HoverParams(place.text_document, place.position))
        return shown.contents.value if shown and isinstance(shown.contents, types.MarkupContent) else ""

    async def definition(self, name: str, text: str) -> list[tuple[str, int]]:
        """Files and lines, from 1, that the cursor leads to."""
        place = self.at(name, text)
        found = await self.client.text_document_definition_async(
            types.DefinitionParams(place.text_document, place.position)
        )
        places = found if isinstance(found, list) else []
        return [self.place(one) for one in places if isinstance(one, types.Location)]

    def place(self, location: types.Location) -> tuple[str, int]:
        """File and line, from 1."""
        return location.uri.removeprefix(f"{self.folder.as_uri()}/"), location.range.start.line + 1

    async def fixes(self, name: str, text: str) -> list[types.CodeAction]:
        """The fixes that are offered for everything that is reported in *text*."""
        self.show(name, text)
        reported = await self.findings(name)
        end = types.Position(text.count("\n") + 1, 0)
        actions = await self.client.text_document_code_action_async(
            types.CodeActionParams(
                types.TextDocumentIdentifier(self.uri(name)),
                types.Range(types.Position(0, 0), end),
                types.CodeActionContext(reported),
            )
        )
        return [action for action in actions or () if isinstance(action, types.CodeAction)]


def applied(text: str, edits: list[types.TextEdit]) -> str:
    """*text* after *edits*, whose places are in it; for texts of ASCII."""
    lines = text.splitlines(keepends=True) + [""]

    def offset(position: types.Position) -> int:
        return sum(len(line) for line in lines[: position.line]) + position.character

    for edit in sorted(edits, key=lambda edit: offset(edit.range.start), reverse=True):
        text = text[: offset(edit.range.start)] + edit.new_text + text[offset(edit.range.end) :]
    return text
