"""
.proto files as a source: one API whose operations are the methods of all services.

Clients of gRPC know no prefix of a path, so the API has none; ``--set service-url=…`` tells where the service is.
"""

from __future__ import annotations

from pathlib import Path

from gateway.commands.importing.json_nodes import read_source
from gateway.commands.importing.resources import ArmResource, Harvest, Unresolved, mapping
from gateway.commands.importing.sources.inputs import Inputs
from gateway.commands.importing.sources.proto.services import RpcMethod, read_services
from gateway.errors import LoadError, Location
from gateway.reading.yaml_nodes import Scalar, YamlNode

MAX_FILES = 2_000
_SUFFIX = ".proto"


def recognises(path: Path) -> bool:
    """Whether *path* is such a file, or a folder with at least one in it or below."""
    return path.suffix == _SUFFIX if path.is_file() else next(path.rglob(f"*{_SUFFIX}"), None) is not None


def read(path: Path, inputs: Inputs) -> Harvest:
    """Every service at *path*. Raises LoadError: a file is wrong, or there is no service."""
    root, files = (path.parent, [path]) if path.is_file() else (path, _files(path))
    for file in files:
        read_source(file)
    methods = read_services(root, files) if files else []
    if not methods:
        raise LoadError.at(Location(str(path)), "empty-definition", "there is no service in it", "name its .proto file")
    id = path.stem if path.is_file() else path.resolve().name
    return Harvest([_api(id, path, inputs), *(_operation(id, method) for method in methods)])


def _files(folder: Path) -> list[Path]:
    files = sorted(file for file in folder.rglob(f"*{_SUFFIX}") if file.is_file() and not file.is_symlink())
    if len(files) > MAX_FILES:
        message = f"more than {MAX_FILES} .proto files"
        raise LoadError.at(Location(str(folder)), "too-large", message, "import it in parts")
    return files


def _api(id: str, path: Path, inputs: Inputs) -> ArmResource:
    place = Location(str(path))
    url: YamlNode = inputs.find("service-url") or Unresolved(f"https://{{{id}}}", place, names=("service-url",))
    properties = mapping(
        place,
        type=Scalar("grpc", place),
        path=Scalar("", place),
        serviceUrl=url,
        subscriptionRequired=Scalar("false", place, plain=True),
    )
    return ArmResource("apis", (id,), properties, place)


def _operation(api: str, method: RpcMethod) -> ArmResource:
    place = method.location
    properties = mapping(
        place,
        displayName=Scalar(method.shown, place),
        method=Scalar("POST", place),
        urlTemplate=Scalar(method.path, place),
    )
    return ArmResource("apis/operations", (api, method.id), properties, place)
