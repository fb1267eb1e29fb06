"""The command line of ``gateway lsp``."""

from __future__ import annotations


def lsp() -> None:
    """
    Help an editor with policy documents, configurations and policy tests: a language server on standard input and
    output. The editor starts it.
    """
    from gateway.commands.lsp.features import serve

    serve()
