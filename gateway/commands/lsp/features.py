"""The server's answers to the editor's questions, each a few lines: the work is in the modules around."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from lsprotocol import types
from pygls.capabilities import get_capability
from pygls.exceptions import JsonRpcInvalidParams

from gateway.commands.lsp.answers import completion_list, markup_of, text_edits
from gateway.commands.lsp.defining import definitions, uses
from gateway.commands.lsp.hovering import hover_text
from gateway.commands.lsp.offers import Offers
from gateway.commands.lsp.outline import outline
from gateway.commands.lsp.pointing import Pointed, Reference, pointed_at
from gateway.commands.lsp.project import NAMED_VALUES, Project
from gateway.commands.lsp.quick_fixes import Fix, ShownFinding, fixes, named_value_fix
from gateway.commands.lsp.server import GatewayLanguageServer
from gateway.commands.lsp.session import OpenText, path_of
from gateway.commands.lsp.xml_completion import xml_offers
from gateway.commands.lsp.yaml_completion import yaml_offers
from gateway.documents.placeholders import NAMED_VALUE
from gateway.errors import LoadError

server = GatewayLanguageServer()
_OUTLINES: dict[str, list[types.DocumentSymbol]] = {}
_TRIGGERS = [".", "<", '"', "'", "{", "[", " ", "/"]


def serve() -> None:
    """Answer the editor until it closes the connection; standard output is the protocol's alone."""
    protocol, sys.stdout = sys.stdout.buffer, sys.stderr
    server.start_io(sys.stdin.buffer, protocol)


# -- the editor and its texts
@server.feature(types.INITIALIZE)
def _initialize(params: types.InitializeParams) -> None:
    folders = [folder.uri for folder in params.workspace_folders or ()] or [params.root_uri or ""]
    server.session.encoding = types.PositionEncodingKind(server.workspace.position_encoding or "utf-16").value
    server.configure(params.initialization_options, _paths(folders))
    server.warm_up()


def _paths(uris: Iterable[str]) -> list[Path]:
    return [path for path in map(path_of, uris) if path is not None]


@server.feature(types.TEXT_DOCUMENT_DID_OPEN)
def _did_open(params: types.DidOpenTextDocumentParams) -> None:
    document = params.text_document
    server.opened(document.uri, document.text, document.language_id, document.version)


@server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
def _did_change(params: types.DidChangeTextDocumentParams) -> None:
    document = server.workspace.get_text_document(params.text_document.uri)
    server.opened(document.uri, document.source, document.language_id or "", document.version)


@server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
def _did_close(params: types.DidCloseTextDocumentParams) -> None:
    _OUTLINES.pop(params.text_document.uri, None)
    server.closed(params.text_document.uri)


@server.feature(types.TEXT_DOCUMENT_DID_SAVE)
def _did_save(_params: types.DidSaveTextDocumentParams) -> None:
    server.check_all_soon()


@server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
def _files_changed(_params: types.DidChangeWatchedFilesParams) -> None:
    server.check_all_soon()


@server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
def _settings_changed(params: types.DidChangeConfigurationParams) -> None:
    settings = params.settings if isinstance(params.settings, dict) else {}
    server.configure(settings.get("gateway", settings), server.session.folders)
    server.check_all_soon()


@server.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
def _folders_changed(_params: types.DidChangeWorkspaceFoldersParams) -> None:
    server.session.folders = _paths(server.workspace.folders)
    server.check_all_soon()


# -- completion and hover
@server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=_TRIGGERS))
async def _completion(params: types.CompletionParams) -> types.CompletionList | None:
    text = server.session.texts.get(params.text_document.uri)
    if text is None:
        return None
    return await server.beside(lambda: _completed(text, params.position))


def _completed(text: OpenText, position: types.Position) -> types.CompletionList | None:
    kind, project, offset = server.session.kind(text), server.session.project(text), text.places.offset(position)
    offers: Offers | None = None
    if kind == "xml" or (not kind and not text.is_yaml and not text.text.strip("<\n \t")):
        offers = xml_offers(text.text, offset, project)
    elif kind:
        offers = yaml_offers(text.text, offset, kind, project)
    shown = get_capability(server.client_capabilities, "text_document.completion.completion_item.documentation_format")
    return None if offers is None else completion_list(text, offers, markup_of(shown))


def _pointed(text: OpenText, position: types.Position) -> tuple[Pointed, str, Project | None]:
    kind = server.session.kind(text)
    return pointed_at(text, text.places.offset(position), kind), kind, server.session.project(text)


@server.feature(types.TEXT_DOCUMENT_HOVER)
async def _hover(params: types.HoverParams) -> types.Hover | None:
    text = server.session.texts.get(params.text_document.uri)
    return None if text is None else await server.beside(lambda: _hovered(text, params.position))


def _hovered(text: OpenText, position: types.Position) -> types.Hover | None:
    pointed, kind, project = _pointed(text, position)
    shown = hover_text(pointed, kind, project)
    if pointed is None or not shown:
        return None
    markup = markup_of(get_capability(server.client_capabilities, "text_document.hover.content_format"))
    return types.Hover(types.MarkupContent(markup, shown), text.places.range(pointed.start, pointed.end))


# -- definitions, references, renaming
@server.feature(types.TEXT_DOCUMENT_DEFINITION)
async def _definition(params: types.DefinitionParams) -> list[types.Location]:
    text = server.session.texts.get(params.text_document.uri)
    return [] if text is None else await server.beside(lambda: _defined(text, params.position))


def _defined(text: OpenText, position: types.Position) -> list[types.Location]:
    pointed, _, project = _pointed(text, position)
    return definitions(server.session, text, pointed, project)


@server.feature(types.TEXT_DOCUMENT_REFERENCES)
async def _references(params: types.ReferenceParams) -> list[types.Location]:
    text = server.session.texts.get(params.text_document.uri)
    declared = params.context.include_declaration
    return [] if text is None else await server.beside(lambda: _used(text, params.position, declared))


def _named_value(text: OpenText, position: types.Position) -> tuple[Reference, Project] | None:
    """The named value at *position*, and whose it is."""
    pointed, _, project = _pointed(text, position)
    if project is None or not isinstance(pointed, Reference) or pointed.kind != NAMED_VALUES:
        return None
    return pointed, project


def _used(text: OpenText, position: types.Position, declared: bool) -> list[types.Location]:
    owned = _named_value(text, position)
    if owned is None:
        return []
    pointed, project = owned
    places = uses(server.session, pointed.name, project, declared)
    return [types.Location(used.uri, used.places.range(start, end)) for used, start, end in places]


@server.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
async def _prepare_rename(params: types.PrepareRenameParams) -> types.PrepareRenamePlaceholder | None:
    text = server.session.texts.get(params.text_document.uri)
    return None if text is None else await server.beside(lambda: _renamable(text, params.position))


def _renamable(text: OpenText, position: types.Position) -> types.PrepareRenamePlaceholder | None:
    owned = _named_value(text, position)
    if owned is None:
        return None
    pointed, _ = owned
    return types.PrepareRenamePlaceholder(text.places.range(pointed.start, pointed.end), pointed.name)


@server.feature(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
async def _rename(params: types.RenameParams) -> types.WorkspaceEdit | None:
    text = server.session.texts.get(params.text_document.uri)
    return None if text is None else await server.beside(lambda: _renamed(text, params.position, params.new_name))


def _renamed(text: OpenText, position: types.Position, name: str) -> types.WorkspaceEdit | None:
    owned = _named_value(text, position)
    if owned is None:
        return None
    pointed, project = owned
    if NAMED_VALUE.fullmatch(f"{{{{{name}}}}}") is None:
        raise JsonRpcInvalidParams("a named value has letters, digits, dots, dashes and underscores, 256 at most")
    if name != pointed.name and project.entry(NAMED_VALUES, name) is not None:
        raise JsonRpcInvalidParams(f"{name} is another named value of {project.config.name}")
    changes: dict[str, list[types.TextEdit]] = {}
    for used, start, end in uses(server.session, pointed.name, project):
        changes.setdefault(used.uri, []).append(types.TextEdit(used.places.range(start, end), name))
    return types.WorkspaceEdit(changes=changes)


# -- fixes and outline
@server.feature(types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions([types.CodeActionKind.QuickFix]))
async def _code_action(params: types.CodeActionParams) -> list[types.CodeAction]:
    text = server.session.texts.get(params.text_document.uri)
    return [] if text is None else await server.beside(lambda: _fixed(text, params.range))


def _fixed(text: OpenText, span: types.Range) -> list[types.CodeAction]:
    near = [shown for shown in server.findings.get(text.uri, ()) if _overlap(shown.range, span)]
    return [action for diagnostic in near for action in _actions(text, diagnostic)]


def _overlap(first: types.Range, other: types.Range) -> bool:
    return first.start <= other.end and other.start <= first.end


def _actions(text: OpenText, diagnostic: types.Diagnostic) -> Iterable[types.CodeAction]:
    said = diagnostic.data if isinstance(diagnostic.data, dict) else {}
    offset = text.places.offset(diagnostic.range.start)
    finding = ShownFinding(text.text, offset, str(diagnostic.code), said["message"], said["remedy"], text.is_yaml)
    yield from (_action(text, diagnostic, fix) for fix in fixes(finding))
    project = server.session.project(text)
    config = server.session.of_path(project.config) if project else None
    fix = named_value_fix(finding, project, config) if project and config else None
    if fix is not None and config is not None:
        yield _action(config, diagnostic, fix)


def _action(text: OpenText, diagnostic: types.Diagnostic, fix: Fix) -> types.CodeAction:
    edit = types.WorkspaceEdit(changes={text.uri: text_edits(text, fix.edits)})
    return types.CodeAction(fix.title, types.CodeActionKind.QuickFix, [diagnostic], edit=edit)


@server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
async def _symbols(params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
    text = server.session.texts.get(params.text_document.uri)
    return [] if text is None else await server.beside(lambda: _outlined(text))


def _outlined(text: OpenText) -> list[types.DocumentSymbol]:
    """The outline; the last one that there was, while the text cannot be read."""
    try:
        _OUTLINES[text.uri] = outline(text, server.session.kind(text))
    except LoadError:
        return _OUTLINES.get(text.uri, [])
    return _OUTLINES[text.uri]
