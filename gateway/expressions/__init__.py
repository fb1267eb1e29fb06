"""C# policy expressions: found in the text, compiled once at load, called for each request."""

from __future__ import annotations

from gateway.expressions.expression import Expression, compile_expression
from gateway.expressions.formatting.text import text as to_text
from gateway.expressions.primitives import BOOL
from gateway.expressions.results import to_bool, to_int
from gateway.expressions.scan import is_expression, scan_expression, unescape_expression

__all__ = [
    "BOOL",
    "Expression",
    "compile_expression",
    "is_expression",
    "scan_expression",
    "to_bool",
    "to_int",
    "to_text",
    "unescape_expression",
]
