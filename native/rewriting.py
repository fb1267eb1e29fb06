"""
One module as Cython takes it: its text, a little changed, and a ``.pxd`` that declares its native classes.

What is changed: bases that only types need go (``Generic``, ``ABC``, ``Protocol``), declarations of attributes go, as
the ``.pxd`` has them, a dataclass gets its constructor written out, annotations that are not native classes go, because
Cython would check them. Every line stays where it is, so that tracebacks fit the sources.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from native.listed import LOW

_Function = ast.FunctionDef | ast.AsyncFunctionDef
# What a method contains that Cython cannot have in one that C code may call.
_CLOSURES = (
    ast.Lambda,
    ast.GeneratorExp,
    ast.Yield,
    ast.YieldFrom,
    ast.Await,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
)
_GENERIC = '; __class_getitem__ = classmethod(__import__("types").GenericAlias)'


class NotNative(Exception):
    """The list names what the sources do not have."""


@dataclass(frozen=True)
class NativeClass:
    """
    A class that becomes native.

    Attributes:
        types: Of its fields that are more than objects.
        base: The native class that it extends.
    """

    module: str
    node: ast.ClassDef
    types: Mapping[str, str]
    base: NativeClass | None

    @property
    def name(self) -> str:
        """Its name, unique in the package."""
        return self.node.name

    @cached_property
    def is_dataclass(self) -> bool:
        """Whether its constructor comes from its fields."""
        return any("dataclass" in ast.unparse(decorator) for decorator in self.node.decorator_list)

    @cached_property
    def methods(self) -> list[_Function]:
        """All functions in its body."""
        return [node for node in self.node.body if isinstance(node, _Function)]

    @cached_property
    def declarations(self) -> list[ast.AnnAssign]:
        """Attributes that its body declares, except those of the class itself."""
        fields = [node for node in self.node.body if isinstance(node, ast.AnnAssign)]
        return [node for node in fields if self.is_dataclass or node.value is None]

    @cached_property
    def fields(self) -> list[str]:
        """Its own fields: slots, declarations, and whatever a method assigns to ``self``."""
        names = [*self._slots(), *(ast.unparse(node.target) for node in self.declarations), *self._assigned()]
        others = {function.name for function in self.methods} | self.inherited
        return [name for name in dict.fromkeys(names) if name not in others]

    @cached_property
    def inherited(self) -> set[str]:
        """Fields of the native classes that it extends."""
        return set() if self.base is None else {*self.base.fields, *self.base.inherited}

    def _slots(self) -> Iterator[str]:
        for node in self.node.body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__slots__":
                yield from ast.literal_eval(node.value)

    def _assigned(self) -> Iterator[str]:
        for node in ast.walk(self.node):
            stored = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
            if isinstance(node, ast.Attribute) and stored and ast.unparse(node.value) == "self":
                yield node.attr

    def interpreted(self) -> Iterator[str]:
        """
        Methods that only the interpreter may call: those with ``super()``, and what they extend, because C code calls
        through a table; and those of a base that are used as values, which Cython does not bind to their object.
        """
        for function in self.methods:
            if any(isinstance(node, ast.Name) and node.id == "super" for node in ast.walk(function)):
                yield function.name
        called = {id(node.func) for node in ast.walk(self.node) if isinstance(node, ast.Call)}
        own = {function.name for function in self.methods}
        for node in ast.walk(self.node):
            if isinstance(node, ast.Attribute) and id(node) not in called and ast.unparse(node.value) == "self":
                yield from {node.attr} - own


class Natives(dict[str, NativeClass]):
    """
    All native classes, by name.

    Attributes:
        tabled: Names of methods that some module uses as values through their class, as in a table of them.
    """

    tabled: set[str]

    @classmethod
    def of(
        cls,
        sources: Mapping[str, str],
        modules: Mapping[str, Collection[str]],
        types: Mapping[str, Mapping[str, str]],
    ) -> Natives:
        """Those that *modules* names, found in *sources*. Raises NotNative."""
        natives = cls()
        for module, names in modules.items():
            nodes = {node.name: node for node in ast.parse(sources[module]).body if isinstance(node, ast.ClassDef)}
            for name in names:
                if name not in nodes:
                    raise NotNative(f"{module} has no class {name}")
                base = next((natives[base] for base in map(_base, nodes[name].bases) if base in natives), None)
                natives[name] = NativeClass(module, nodes[name], types.get(name, {}), base)
        natives.check(types)
        natives.tabled = {name for module in modules for name in _tabled(ast.parse(sources[module]), natives)}
        return natives

    def check(self, types: Mapping[str, Mapping[str, str]]) -> None:
        """Raises NotNative: a field has a type, but no class has it."""
        for name, fields in types.items():
            if name not in self:
                raise NotNative(f"{name} has typed fields but is not a native class")
            for unknown in set(fields).difference(self[name].fields):
                raise NotNative(f"{name} has no field {unknown}")

    @cached_property
    def interpreted(self) -> set[str]:
        """Names of methods that only the interpreter may call, see ``NativeClass.interpreted``."""
        return self.tabled | {name for native in self.values() for name in native.interpreted()}


def _tabled(tree: ast.Module, natives: Natives) -> Iterator[str]:
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and id(node) not in called and ast.unparse(node.value) in natives:
            yield node.attr


def _base(node: ast.expr) -> str:
    return ast.unparse(node.value if isinstance(node, ast.Subscript) else node)


@dataclass(frozen=True)
class Rewritten:
    """A module for Cython; *declarations* is its ``.pxd``, empty if it needs none."""

    text: str
    declarations: str


@dataclass
class _Edits:
    """Changes to *source*; each keeps the number of lines."""

    source: str
    changes: list[tuple[int, int, str]] = field(default_factory=list)

    @cached_property
    def _starts(self) -> list[int]:
        lines = self.source.encode().splitlines(keepends=True)
        return [sum(map(len, lines[:number])) for number in range(len(lines) + 1)]

    def replace(self, start: tuple[int, int], end: tuple[int, int], text: str) -> None:
        """Put *text* in place of what is between two (line, column), and the line ends that were there."""
        first, last = (self._starts[line - 1] + column for line, column in (start, end))
        lost = self.source.encode()[first:last].count(b"\n") - text.count("\n")
        self.changes.append((first, last, text + "\n" * lost))

    def drop(self, node: ast.stmt | ast.expr, text: str = "") -> None:
        """Put *text* in place of *node*."""
        self.replace((node.lineno, node.col_offset), _end(node), text)

    def drop_result(self, node: ast.expr) -> None:
        """Drop *node*, what a function returns, and the arrow before it."""
        start = self._starts[node.lineno - 1] + node.col_offset
        arrow = self.source.encode().rindex(b"->", 0, start)
        self.replace((node.lineno, node.col_offset - (start - arrow)), _end(node), "")

    def applied(self) -> str:
        """The text with all changes."""
        data = self.source.encode()
        for first, last, text in sorted(self.changes, reverse=True):
            data = data[:first] + text.encode() + data[last:]
        return data.decode()


class Rewriter:
    """Rewrites one module; *natives* are those of all modules."""

    def __init__(self, module: str, source: str, natives: Natives) -> None:
        self._module, self._natives = module, natives
        self._tree = ast.parse(source)
        self._edits = _Edits(source)
        self._own = [native for native in natives.values() if native.module == module]
        self._needed = {native.base.name for native in self._own if native.base}

    def rewritten(self) -> Rewritten:
        """The module as Cython takes it."""
        self._strip_annotations()
        classes = [line for native in self._own for line in self._class(native)]
        names = sorted((self._needed | set(self._imported())).difference(native.name for native in self._own))
        imports = [f"from {self._natives[name].module} cimport {name}" for name in names]
        return Rewritten(self._edits.applied(), "".join(f"{line}\n" for line in [*imports, *classes]))

    def _imported(self) -> Iterator[str]:
        """Native classes that the module may use as types: what it loads anyway, and what lies below everything."""
        for node in ast.walk(self._tree):
            if isinstance(node, ast.ImportFrom):
                for name in (alias.name for alias in node.names):
                    native = self._natives.get(name)
                    if native and native.module == node.module and (node in self._tree.body or name in LOW):
                        yield name

    def _strip_annotations(self) -> None:
        for function in ast.walk(self._tree):
            if isinstance(function, _Function):
                for argument in _arguments(function):
                    self._strip(argument)
                if function.returns is not None:  # of methods that C code calls, the declarations have the type
                    self._edits.drop_result(function.returns)

    def _strip(self, argument: ast.arg) -> None:
        annotation = argument.annotation
        if annotation is None or self._native(annotation):
            return
        start = argument.lineno, argument.col_offset + len(argument.arg.encode())
        self._edits.replace(start, _end(annotation), "")

    def _native(self, annotation: ast.expr | None) -> str:
        """The native class that *annotation* names, None being allowed or not; empty for any other."""
        name = "" if annotation is None else ast.unparse(annotation).removesuffix(" | None")
        return name if name in self._natives else ""

    # -- one class
    def _class(self, native: NativeClass) -> list[str]:
        """Change its text; what the ``.pxd`` says of it."""
        self._change_head(native)
        self._change_body(native)
        lines = [f"cdef class {native.name}({native.base.name}):" if native.base else f"cdef class {native.name}:"]
        for name in native.fields:
            kind = native.types.get(name, "object")
            self._needed.update({kind} & self._natives.keys())
            lines.append(f"    cdef public {kind} {name}")
        if native.base is None:
            lines.append("    cdef object __weakref__")
        return lines + [f"    {self._signature(method)}" for method in native.methods if self._is_called(method)]

    def _change_head(self, native: NativeClass) -> None:
        node = native.node
        for decorator in node.decorator_list:
            self._edits.replace((decorator.lineno, decorator.col_offset - 1), _end(decorator), "")
        if node.bases:
            start = node.bases[0].lineno, node.bases[0].col_offset
            end = max(map(_end, [*node.bases, *(keyword.value for keyword in node.keywords)]))
            self._edits.replace(start, end, native.base.name if native.base else "")

    def _change_body(self, native: NativeClass) -> None:
        declared = native.declarations
        for node in declared[:-1] if native.is_dataclass else declared:
            self._edits.drop(node, "pass")
        if native.is_dataclass:
            self._edits.drop(declared[-1], _constructor(declared))
        generic = any(_base(base) == "Generic" for base in native.node.bases)
        for statement in native.node.body:
            self._change(statement, generic)
        for decorator in (decorator for method in native.methods for decorator in method.decorator_list):
            if ast.unparse(decorator) == "abstractmethod":
                self._edits.replace((decorator.lineno, decorator.col_offset - 1), _end(decorator), "")

    def _change(self, statement: ast.stmt, generic: bool) -> None:
        """Change what else is in the body of a class; *generic*: it may be written with a type behind it."""
        text = ast.unparse(statement)
        if text == "__hash__ = None":  # what a native class with __eq__ has anyway
            self._edits.drop(statement, "pass")
        elif generic and text.startswith("__slots__"):
            self._edits.replace(_end(statement), _end(statement), _GENERIC)
        elif isinstance(statement, ast.AnnAssign) and ast.unparse(statement.annotation).startswith("ClassVar"):
            self._edits.replace(_end(statement.target), _end(statement.annotation), "")

    def _is_called(self, method: _Function) -> bool:
        """Whether C code may call *method* without the interpreter."""
        arguments = method.args
        unusual = arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.posonlyargs
        if isinstance(method, ast.AsyncFunctionDef) or method.decorator_list or unusual:
            return False
        if method.name.startswith("__") or method.name in self._natives.interpreted:
            return False
        return not any(isinstance(node, _CLOSURES) for child in method.body for node in ast.walk(child))

    def _signature(self, method: _Function) -> str:
        required = len(method.args.args) - len(method.args.defaults)
        arguments = ["self"]
        for number, argument in enumerate(method.args.args[1:], 1):
            kind = self._native(argument.annotation)
            self._needed.update({kind} - {""})
            arguments.append(f"{kind or 'object'} {argument.arg}{'=*' if number >= required else ''}")
        result = self._native(method.returns)
        self._needed.update({result} - {""})
        return f"cpdef {f'{result} ' if result else ''}{method.name}({', '.join(arguments)})"


def _arguments(function: _Function) -> Iterator[ast.arg]:
    arguments = function.args
    yield from [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    yield from filter(None, [arguments.vararg, arguments.kwarg])


def _end(node: ast.stmt | ast.expr | ast.arg) -> tuple[int, int]:
    assert node.end_lineno is not None
    assert node.end_col_offset is not None
    return node.end_lineno, node.end_col_offset


def _constructor(fields: list[ast.AnnAssign]) -> str:
    """The constructor of a dataclass with these *fields*, on one line."""
    parameters, steps = ["self"], []
    for node in fields:
        name, default, value = ast.unparse(node.target), "", ast.unparse(node.target)
        factory = _factory(node.value)
        if factory:
            default, value = "=None", f"{factory}() if {name} is None else {name}"
        elif node.value is not None:
            default = f"={ast.unparse(node.value)}"
        parameters.append(name + default)
        steps.append(f"self.{name} = {value}")
    return f"def __init__({', '.join(parameters)}): {'; '.join(steps)}"


def _factory(value: ast.expr | None) -> str:
    """What makes the default of a field, if something does."""
    if not isinstance(value, ast.Call) or ast.unparse(value.func) != "field":
        return ""
    return next((ast.unparse(keyword.value) for keyword in value.keywords if keyword.arg == "default_factory"), "")
