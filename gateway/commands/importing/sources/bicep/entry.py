"""
Where reading of Bicep begins: a file, or the file of a folder that no other one uses; compiled, or as it is written.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from shutil import which

from gateway.commands.importing.json_nodes import read_source
from gateway.commands.importing.resources import Harvest
from gateway.commands.importing.sources.arm import finding_templates, json_text
from gateway.commands.importing.sources.arm.deployments import TemplateReader
from gateway.commands.importing.sources.bicep.reading import BicepReader, read_file
from gateway.commands.importing.sources.bicep.scope import BicepScope
from gateway.commands.importing.sources.inputs import Inputs
from gateway.commands.importing.sources.template.collecting import Collector
from gateway.commands.importing.sources.template.limits import EvaluationFault, TooMuch
from gateway.commands.importing.sources.template.local_files import MAX_BYTES, SourceFiles, walk
from gateway.commands.importing.sources.template.syntax import EvaluationFrame
from gateway.errors import LoadError, Location
from gateway.reading.yaml_nodes import Mapping, Scalar, YamlNode

_WANTED = re.compile(r"microsoft\.apimanagement/", re.IGNORECASE)
_MODULE = re.compile(r"^\s*(?:module\s+\w+|import\s.*from|using)\s*'([^']+)'", re.MULTILINE)
_USUAL = ("main.bicep", "infra/main.bicep", "azuredeploy.bicep", "deploy.bicep")
_COMPILER_SECONDS = 120


def recognises(path: Path) -> bool:
    """Whether *path* is a Bicep file, or a folder with one about API Management or with a ``main.bicep``."""
    if path.is_file():
        return path.suffix.lower() in (".bicep", ".bicepparam")
    return path.is_dir() and bool(_mains(path) or _roots(path))


def read(path: Path, inputs: Inputs) -> Harvest:
    """
    Every resource of API Management in the Bicep file at *path*, or in that folder, with all modules.

    Raises:
        LoadError: *path* cannot be read.
    """
    collector = Collector(SourceFiles.around(path))
    files = (_mains(path) or _roots(path)) if path.is_dir() else [path]
    try:
        for file in files:
            _read_file(file, inputs, collector)
    except EvaluationFault as fault:
        raise LoadError.at(fault.location, "bad-source", fault.message) from None
    except TooMuch as error:
        collector.left_out(error.location, "import", f"{error.message}; the rest is not read", "split the source")
    except RecursionError:  # the bounds on depth should come first
        collector.left_out(Location(str(path)), "import", "the modules are nested too deep; the rest is not read")
    return collector.finish()


def _mains(folder: Path) -> list[Path]:
    return [folder / name for name in _USUAL if (folder / name).is_file()][:1]


def _roots(folder: Path) -> list[Path]:
    """The files below *folder* that no other one uses, and that are about API Management, or use one that is."""
    paths = {path.resolve(): path for path in walk(folder) if path.suffix.lower() == ".bicep"}
    texts = {key: _text(path) for key, path in paths.items()}
    uses = {key: _modules_in(key, text) & paths.keys() for key, text in texts.items()}
    used = set().union(*uses.values())
    return [path for key, path in paths.items() if key not in used and _is_wanted(key, uses, texts)]


def _is_wanted(start: Path, uses: dict[Path, set[Path]], texts: dict[Path, str]) -> bool:
    return any(_WANTED.search(texts[key]) for key in _reached(start, uses))


def _modules_in(file: Path, text: str) -> set[Path]:
    return {(file.parent / name).resolve() for name in _MODULE.findall(text)}


def _reached(start: Path, uses: dict[Path, set[Path]]) -> set[Path]:
    """*start* and all the modules that it uses."""
    reached: set[Path] = set()
    waiting = [start]
    while waiting:
        new = {waiting.pop()} - reached
        reached |= new
        waiting += [module for path in new for module in uses[path]]
    return reached


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


# -- one file
def _read_file(file: Path, inputs: Inputs, collector: Collector) -> None:
    location = Location(str(file))
    given = dict(inputs.values)
    parameters = [path for path in inputs.files if path.suffix.lower() == ".bicepparam"]
    if file.suffix.lower() == ".bicepparam":
        parameters, file = [*parameters, file], _used(file, collector)
    elif not inputs.files:
        parameters += _beside(file, given, collector)
    for path in parameters:
        given = (
            {**_assigned(path, collector), **given} if path not in inputs.files else given | _assigned(path, collector)
        )
    given |= inputs.given
    compiled = _compiled(file, collector)
    if compiled is not None:
        TemplateReader(collector).read(compiled, given)
        return
    collector.note(location, "Bicep", "read as it is written: no compiled template is beside it, no compiler is here")
    BicepReader(read_file(file, collector, location), given, collector).read()


def _used(file: Path, collector: Collector) -> Path:
    """The template that a parameter file is for."""
    location = Location(str(file))
    content = read_file(file, collector, location)
    if not content.using:
        raise EvaluationFault(location, "the file does not say which template it is for (using 'main.bicep')")
    return collector.files.beside(content.using, str(file), location)


def _assigned(path: Path, collector: Collector) -> dict[str, YamlNode]:
    """The values in a ``.bicepparam`` file."""
    content = read_file(path, collector, Location(str(path)))
    scope = BicepScope(content, {}, collector)
    frame = EvaluationFrame(scope)
    return {name: expression.tolerant(frame) for name, expression in content.variables.items()}


def _beside(file: Path, given: dict[str, YamlNode], collector: Collector) -> list[Path]:
    """The parameters that stand beside *file*: a ``.bicepparam`` of its name, or JSON, whose values join *given*."""
    own = file.with_suffix(".bicepparam")
    beside = own if own.is_file() else finding_templates.parameter_file(file)
    if beside is None:
        return []
    collector.note(Location(str(beside)), "parameters", f"the values in {beside.name} are used for {file.name}")
    if beside.suffix.lower() == ".bicepparam":
        return [beside]
    for name, value in finding_templates.read_parameters(beside).items():
        given.setdefault(name, value)
    return []


# -- compiled
def _compiled(file: Path, collector: Collector) -> Mapping | None:
    """What the Bicep compiler has made of *file*, or makes of it now."""
    beside = file.with_suffix(".json")
    if beside.is_file() and finding_templates.is_template(beside):
        root = _template(read_source(beside), str(beside))
        if root is not None and _is_compiled(root):
            remark = f"read from {beside.name}, which Bicep has compiled; without it, the Bicep itself is read"
            collector.note(Location(str(beside)), "Bicep", remark)
            return root
    compiler = _compiler()
    content = None if compiler is None else _run(compiler, file)
    root = None if content is None else _template(content, f"{file} (compiled)")
    if root is not None:
        collector.note(Location(str(file)), "Bicep", f"compiled by {compiler}")
    return root


def _template(content: bytes, file: str) -> Mapping | None:
    try:
        root = json_text.parse(content, file)
    except LoadError:
        return None
    return root if isinstance(root, Mapping) else None


def _is_compiled(root: Mapping) -> bool:
    metadata = root.find("metadata")
    generator = metadata.find("_generator") if isinstance(metadata, Mapping) else None
    name = generator.find("name") if isinstance(generator, Mapping) else None
    return isinstance(name, Scalar) and name.value == "bicep"


def _compiler() -> str | None:
    """The compiler: on the path, or where the Azure CLI has put it."""
    own = Path.home() / ".azure" / "bin" / "bicep"
    return which("bicep") or (str(own) if own.is_file() else None)


def _run(compiler: str, file: Path) -> bytes | None:
    """The template that *compiler* makes of *file* without fetching anything; None where it refuses."""
    command = [compiler, "build", "--no-restore", "--stdout", str(file)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_COMPILER_SECONDS, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
