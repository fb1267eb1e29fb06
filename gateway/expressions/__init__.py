"""C# policy expressions: found in the text, compiled once at load, called for each request."""

from __future__ import annotations

from gateway.expressions.scan import scan_expression, unescape_expression

__all__ = ["scan_expression", "unescape_expression"]
