"""The command line of ``gateway lsp``."""

from __future__ import annotations


def lsp() -> None:
    """
    Help an editor with policy documents, configurations and policy tests: a language server, which it starts.

    It speaks on standard input and output.
    """
    from gateway.commands.lsp.features import serve

    serve()
