"""
ARM templates → the resources of an API Management service, with everything that templates nest and link.

Source: "Resource declaration in ARM templates"; "Using linked and nested templates when deploying Azure resources";
"Resource iteration in ARM templates"; "Conditional deployment in ARM templates".
"""

from __future__ import annotations

from pathlib import Path

from gateway.commands.importing.json_nodes import read_source
from gateway.commands.importing.resources import Harvest
from gateway.commands.importing.sources.arm import finding_templates, json_text
from gateway.commands.importing.sources.arm.deployments import TemplateReader
from gateway.commands.importing.sources.inputs import Inputs
from gateway.commands.importing.sources.template.collecting import Collector
from gateway.commands.importing.sources.template.limits import TooMuch
from gateway.commands.importing.sources.template.local_files import SourceFiles
from gateway.errors import LoadError, Location
from gateway.reading.yaml_nodes import Mapping, YamlNode


def recognises(path: Path) -> bool:
    """Whether *path* is an ARM template, or a folder with at least one."""
    return finding_templates.has_template(path) if path.is_dir() else finding_templates.is_template(path)


def read(path: Path, inputs: Inputs) -> Harvest:
    """
    Every resource of API Management in the template at *path*, or in the templates of that folder.

    Raises:
        LoadError: *path* is one template, and not JSON.
    """
    collector = Collector(SourceFiles.around(path))
    files = finding_templates.roots(path) if path.is_dir() else [path]
    try:
        for file in files:
            _read_file(file, inputs, collector, alone=not path.is_dir())
    except TooMuch as error:
        collector.left_out(error.location, "import", f"{error.message}; the rest is not read", "split the source")
    except RecursionError:  # the bounds on depth should come first
        collector.left_out(Location(str(path)), "import", "the templates are nested too deep; the rest is not read")
    return collector.finish()


def _read_file(file: Path, inputs: Inputs, collector: Collector, alone: bool) -> None:
    try:
        root = json_text.parse(read_source(file), str(file))
        if not isinstance(root, Mapping):
            raise LoadError.at(root.location, "bad-template", "a template is an object")
        given = _parameters(file, inputs, collector)
    except (LoadError, OSError) as error:
        if alone and isinstance(error, LoadError):
            raise
        _report(error, file, collector)
        return
    TemplateReader(collector).read(root, given)


def _report(error: LoadError | OSError, file: Path, collector: Collector) -> None:
    if isinstance(error, OSError):
        collector.left_out(Location(str(file)), "template", "it cannot be read")
        return
    for problem in error.problems:
        collector.left_out(problem.location, "template", problem.message, problem.remedy)


def _parameters(file: Path, inputs: Inputs, collector: Collector) -> dict[str, YamlNode]:
    """Those of the command line, else those of a file beside the template; ``--set`` wins over both."""
    if inputs.files:
        return dict(inputs.values)
    beside = finding_templates.parameter_file(file)
    if beside is None:
        return dict(inputs.values)
    collector.note(Location(str(beside)), "parameters", f"the values in {beside.name} are used for {file.name}")
    return {**finding_templates.read_parameters(beside), **inputs.values}
