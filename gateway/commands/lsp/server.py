"""
The language server's state: what is open, what was findings in it, and when to look again.

One thread does all the work, one thing after the other, so that the protocol is answered meanwhile and no two things
use the C# parser at once. A check waits until typing pauses, longer where the last one took long; one that is
overtaken by a change is not reported.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from lsprotocol.types import Diagnostic, PublishDiagnosticsParams, TextDocumentSyncKind
from pygls.lsp.server import LanguageServer

from gateway import __version__
from gateway.commands.lsp.diagnosing import Diagnoser
from gateway.commands.lsp.session import OpenText, Session

T = TypeVar("T")

_PAUSE_S = 0.05  # of typing, before a check begins
_LONGEST_PAUSE_S = 3.0


class GatewayLanguageServer(LanguageServer):
    """
    The server of one editor.

    Attributes:
        findings: The findings of each text that has any, by URI.
    """

    def __init__(self) -> None:
        # Whole texts are sent: the library's lines also end at characters that are no line ends to the protocol.
        super().__init__("gateway", __version__, text_document_sync_kind=TextDocumentSyncKind.Full)
        self.session = Session()
        self.findings: dict[str, list[Diagnostic]] = {}
        self._diagnoser = Diagnoser(self.session)
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="gateway-lsp")
        self._waiting: dict[str, asyncio.TimerHandle] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._took_s = 0.0

    async def beside(self, work: Callable[[], T]) -> T:
        """The result of *work*, done by the one thread."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, work)

    def warm_up(self) -> None:
        """Load what a check needs while the editor is still opening texts."""
        self._keep(asyncio.get_running_loop().create_task(self.beside(_load)))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    # -- texts
    def opened(self, uri: str, text: str, language: str = "", version: int | None = None) -> None:
        """A text was opened or has changed."""
        self.session.open(uri, text, language, version)
        self.check_soon(uri)

    def closed(self, uri: str) -> None:
        """A text was closed; what belongs to it is checked again with its file."""
        closed = self.session.texts.get(uri)
        self.session.close(uri)
        self._report(uri, [])
        if closed is not None:
            self.check_all_soon()

    def check_all_soon(self) -> None:
        """Check everything that is open: files, folders or settings have changed."""
        for uri in list(self.session.texts):
            self.check_soon(uri)

    # -- checks
    def check_soon(self, uri: str) -> None:
        """Check the text when typing pauses; a check that still waits does not begin."""
        if waiting := self._waiting.pop(uri, None):
            waiting.cancel()
        pause_s = min(max(_PAUSE_S, self._took_s), _LONGEST_PAUSE_S)
        self._waiting[uri] = asyncio.get_running_loop().call_later(pause_s, self._begin, uri)

    def _begin(self, uri: str) -> None:
        self._waiting.pop(uri, None)
        text = self.session.texts.get(uri)
        if text is not None:
            self._keep(asyncio.get_running_loop().create_task(self._check(text)))

    async def _check(self, text: OpenText) -> None:
        findings = await self.beside(lambda: self._diagnosed(text))
        if findings is not None and self._is_current(text):
            for uri, diagnostics in findings.items():
                self._report(uri, diagnostics)

    def _diagnosed(self, text: OpenText) -> dict[str, list[Diagnostic]] | None:
        if not self._is_current(text):
            return None
        began_s = time.perf_counter()
        findings = self._diagnoser.diagnose(text)
        self._took_s = time.perf_counter() - began_s
        return findings

    def _is_current(self, text: OpenText) -> bool:
        return self.session.texts.get(text.uri) is text

    def _report(self, uri: str, diagnostics: list[Diagnostic]) -> None:
        """Show findings; nothing is sent about a text that has and had none, unless it is open."""
        if not diagnostics and uri not in self.findings and uri not in self.session.texts:
            return
        opened = self.session.texts.get(uri)
        version = opened.version if opened is not None else None
        self.findings.pop(uri, None)
        if diagnostics:
            self.findings[uri] = diagnostics
        self.text_document_publish_diagnostics(PublishDiagnosticsParams(uri, diagnostics, version))

    # -- the editor
    def configure(self, options: object, folders: list[Path]) -> None:
        """Take the editor's settings and folders."""
        self.session.settings = self.session.settings.of(options)
        self.session.folders = folders


def _load() -> None:
    """Everything that the first check would import, and the tables that the first completion would read."""
    from gateway.assembly import app  # noqa: F401
    from gateway.commands.lsp.code_completion import code_offers
    from gateway.commands.lsp.xml_completion import xml_offers

    code_offers('@(context.Request.Headers["a"].', 0, ())
    xml_offers("<policies><inbound><", 20, None)
