"""``gateway lsp``: a language server for policy documents, configurations and policy tests (ADR 71)."""
