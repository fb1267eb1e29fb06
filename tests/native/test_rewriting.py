"""What the compiler gets is the same program, line by line, and what the list names is in the sources."""

from __future__ import annotations

import pytest

from native.building import sources
from native.listed import FIELDS, LOW, MODULES
from native.rewriting import Natives, NotNative, Rewriter, Rewritten

BELOW = '''\
class Part(Generic[T]):
    """A part."""

    __slots__ = ("size", "_rest")

    def __init__(self, size: int, rest: Part | None = None) -> None:
        self.size, self._rest = size, rest

    def cut(self, at: int, by: Other = None) -> Part:
        return self

    def close(self) -> None:
        self.size = 0

    def name(self, of: Part) -> str:
        return max(of, key=lambda part: part.size)
'''
ABOVE = """\
from parts import Part

@dataclass(frozen=True, slots=True)
class Pair(
    Part[int], ABC
):
    left: Part
    right: list[int] = field(default_factory=list)
    kind: str = "plain"

    @abstractmethod
    def swap(self, other: Pair) -> None: ...

    def close(self) -> None:
        super().close()

    async def wait(self, other: Part) -> None: ...
"""
TEXTS = {"parts": BELOW, "pairs": ABOVE}
TYPES = {"Part": {"size": "int"}, "Pair": {"left": "Part"}}


def rewritten(module: str) -> Rewritten:
    natives = Natives.of(TEXTS, {"parts": ("Part",), "pairs": ("Pair",)}, TYPES)
    return Rewriter(module, TEXTS[module], natives).rewritten()


def test_a_class_is_declared_with_its_fields_and_methods() -> None:
    """C code reaches fields and methods, but not what is a closure, or is extended through ``super()``."""
    assert rewritten("parts").declarations.splitlines() == [
        "cdef class Part:",
        "    cdef public int size",
        "    cdef public object _rest",
        "    cdef object __weakref__",
        "    cpdef Part cut(self, object at, object by=*)",
    ]
    assert rewritten("pairs").declarations.splitlines() == [
        "from parts cimport Part",
        "cdef class Pair(Part):",
        "    cdef public Part left",
        "    cdef public object right",
        "    cdef public object kind",
    ]


def test_what_only_types_need_goes() -> None:
    """Bases, annotations and declarations are left out where Cython would take them for more than they are."""
    part, pair = rewritten("parts").text, rewritten("pairs").text
    assert "class Part():\n" in part
    assert '__slots__ = ("size", "_rest"); __class_getitem__' in part
    assert "def __init__(self, size, rest: Part | None = None) :" in part
    assert "def cut(self, at, by = None) :" in part
    assert "class Pair(\n    Part\n):\n" in pair
    assert "abstractmethod" not in pair
    assert "def swap(self, other: Pair) : ..." in pair


def test_a_dataclass_keeps_its_constructor() -> None:
    """Defaults are those of the sources, and what a factory makes is made for each object."""
    line = next(line for line in rewritten("pairs").text.splitlines() if "__init__" in line)
    namespace: dict[str, type] = {}
    exec(f"class Pair:\n{line}", namespace)
    pair, other = namespace["Pair"](1), namespace["Pair"](left=2, kind="x")
    assert (vars(pair), vars(other)) == (
        {"left": 1, "right": [], "kind": "plain"},
        {"left": 2, "right": [], "kind": "x"},
    )
    assert pair.right is not other.right


@pytest.mark.parametrize("module", MODULES)
def test_lines_stay_where_they_are(module: str) -> None:
    """A traceback of the compiled build shows the line of the source that has failed."""
    texts = sources()
    done = Rewriter(module, texts[module], Natives.of(texts, MODULES, FIELDS)).rewritten()
    before, after = texts[module].splitlines(), done.text.splitlines()
    assert len(before) == len(after)
    defined = [(line, other) for line, other in zip(before, after, strict=True) if line.lstrip().startswith("def ")]
    assert defined
    assert all(other.split("(")[0] == line.split("(")[0] for line, other in defined)


@pytest.mark.parametrize(
    ("modules", "types", "message"),
    [
        ({"parts": ("Whole",)}, {}, "parts has no class Whole"),
        ({"parts": ("Part",)}, {"Part": {"length": "int"}}, "Part has no field length"),
        ({"parts": ()}, {"Part": {"size": "int"}}, "Part has typed fields but is not a native class"),
    ],
)
def test_a_name_that_is_gone_is_reported(
    modules: dict[str, tuple[str, ...]], types: dict[str, dict[str, str]], message: str
) -> None:
    """Whoever renames a class or a field learns at once that the list has to follow."""
    with pytest.raises(NotNative, match=message):
        Natives.of(TEXTS, modules, types)


def test_the_list_is_that_of_the_sources() -> None:
    """Every module, class and typed field of the list exists, and so does what may be loaded everywhere."""
    assert set(Natives.of(sources(), MODULES, FIELDS)) >= LOW
