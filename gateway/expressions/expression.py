"""An expression, compiled at load and called for each request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace

from tree_sitter import Node

from gateway.errors import ExpressionError, GatewayError, LoadError, Location
from gateway.expressions import types as _types  # noqa: F401  (fills the allow-list)
from gateway.expressions.binding import constructs as _constructs  # noqa: F401  (registers every construct)
from gateway.expressions.binding.binder import Binder
from gateway.expressions.binding.bound import NOT_CONSTANT, Run
from gateway.expressions.binding.operations import is_scalar
from gateway.expressions.clr import MissingPart, Type
from gateway.expressions.context_types import CONTEXT, ContextLike
from gateway.expressions.failures import as_thrown
from gateway.expressions.limits import METER, TIME_S, LimitExceeded
from gateway.expressions.runtime import EXPORTS
from gateway.expressions.syntax import Source, parse
from gateway.wire.work import WorkExceeded


@dataclass(frozen=True, slots=True)
class Expression:
    """
    One compiled policy expression.

    Attributes:
        source: The text, ``@(…)`` or ``@{…}``.
        reads_request_body: It may read ``context.Request.Body``, so that body must be in memory.
        reads_response_body: The same for ``context.Response.Body``.
        reads_token: It reads a member of a ``Jwt``.
        may_be_long: Its running time depends on the data, so it runs in slices.
        is_constant: It never reads the context and always has the same result.
    """

    source: str
    reads_request_body: bool
    reads_response_body: bool
    reads_token: bool
    may_be_long: bool
    is_constant: bool
    _run: Run = field(repr=False, compare=False)
    _locals: tuple[None, ...] = field(repr=False, compare=False)
    _time_s: float = field(default=TIME_S, repr=False, compare=False)
    _wanted: type | None = field(default=None, repr=False, compare=False)
    _convert: Callable[[object], object] | None = field(default=None, repr=False, compare=False)

    def giving(self, wanted: type, convert: Callable[[object], object]) -> Expression:
        """The same expression with its result as a *wanted*, into which *convert* turns any other value."""
        return replace(self, _wanted=wanted, _convert=convert)

    def __call__(self, context: ContextLike) -> object:
        """
        Evaluate for one request.

        Raises:
            ExpressionError: The expression threw, used too much, or returned a value that cannot be converted.
            WorkExceeded: The request's budget, which all its policies share, is used up.
        """
        METER.left = None
        METER.call = self._time_s, context
        frame: list[object] = [None, context, *self._locals]
        try:
            value = self._run(frame)
        except Exception as error:
            raise _failure(error) from error
        return value if value.__class__ is self._wanted else self._converted(value)

    def _converted(self, value: object) -> object:
        export = EXPORTS.get(value.__class__)
        value = value if export is None else export(value)
        return value if self._convert is None else self._convert(value)


def _failure(error: Exception) -> GatewayError:
    if isinstance(error, WorkExceeded):
        return error
    if isinstance(error, LimitExceeded):
        return ExpressionError("InvalidOperationException", str(error))
    if isinstance(error, RecursionError):
        return ExpressionError("InsufficientExecutionStackException", "The expression calls itself too deeply.")
    value = as_thrown(error).value
    return ExpressionError(value.name, value.message)


Compiled = dict[tuple[str, float, Type | None], Expression]
_COMPILED: ContextVar[Compiled | None] = ContextVar("compiled", default=None)


@contextmanager
def remembering(compiled: Compiled) -> Iterator[None]:
    """
    Compile each text once until the block ends; *compiled* has those of the blocks before.

    An editor checks a document again after each key, and one of its expressions has changed. Texts with a mistake are
    compiled each time: their problems have places.
    """
    token = _COMPILED.set(compiled)
    try:
        yield
    finally:
        _COMPILED.reset(token)


def compile_expression(text: str, location: Location, time_s: float = TIME_S, result: Type | None = None) -> Expression:
    """
    Compile one expression, unless it is remembered.

    Args:
        text: ``@(…)`` or ``@{…}``, named values substituted and entities resolved.
        location: Where the text begins in its document.
        time_s: Processor time that one evaluation may take; reading large documents extends it.
        result: The type that the expression is declared to give, as a method would be; any type without it.

    Raises:
        LoadError: It is not C#, names a type or member that is not allowed, or gives what C# does not convert to
            *result*; with line and column.
    """
    compiled = _COMPILED.get()
    if compiled is None:
        return _compile_text(text, location, time_s, result)
    key = text, time_s, result
    if key not in compiled:
        compiled[key] = _compile_text(text, location, time_s, result)
    return compiled[key]


def _compile_text(text: str, location: Location, time_s: float, result: Type | None) -> Expression:
    lead = len(text) - len(text.lstrip())
    source = Source(text.strip(), location.behind(text[:lead]))
    try:
        return _compile(source, text.strip(), time_s, result)
    except RecursionError as error:
        raise LoadError.at(
            location, "expression-too-deep", "the expression is nested too deeply", "split it"
        ) from error
    except MissingPart as error:
        raise LoadError.at(location, "syntax-error", f"this is not valid C#: {error}", "complete it") from error


def _compile(source: Source, text: str, time_s: float, result: Type | None) -> Expression:
    if not text.startswith(("@(", "@{")):
        raise LoadError.at(source.location, "syntax-error", "an expression is written @(…) or @{…}", "add @( and )")
    node = parse(source)
    binder = Binder(source, CONTEXT)
    binder.function.result = result
    run, constant = _block(binder, node) if source.is_block else _value(binder, node)
    touched = binder.touched
    body_read = bool(touched & {"IRequest.Body", "IResponse.Body", "Body"})
    return Expression(
        source=text,
        reads_request_body="Request" in touched and body_read,
        reads_response_body="Response" in touched and body_read,
        reads_token="Jwt" in touched,
        may_be_long=binder.may_be_long,
        is_constant=constant,
        _run=run,
        _time_s=time_s,
        _locals=(None,) * (binder.function.size - 2),
    )


def _value(binder: Binder, node: Node) -> tuple[Run, bool]:
    result = binder.function.result
    bound = binder.value(node) if result is None else binder.converted(node, result)
    if bound.type.kind == "void":
        raise binder.problem(node, "no-value", "the expression has no value", "return something")
    binder.may_be_long |= not is_scalar(bound.type)
    return bound.run, bound.constant is not NOT_CONSTANT


def _block(binder: Binder, node: Node) -> tuple[Run, bool]:
    bound = binder.statement(node)
    binder.may_be_long = True
    if bound.completes:
        raise binder.problem(
            node,
            "no-return",
            "not every path of the block returns a value",
            "end it with return …;",
        )
    run = bound.run

    def call(frame: list[object]) -> object:
        signal = run(frame)
        return signal[0] if signal is not None else None

    return call, False
