"""
The services that .proto files define, read by protoc itself.

The compiler comes with grpcio-tools, the extra ``[grpc]``. It runs in a process of its own, which can be ended, and
which keeps what it prints.

Source: google/protobuf/descriptor.proto.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from gateway.errors import LoadError, Location, Problem

LONGEST_S = 60.0
_PLACED = re.compile(r"(?P<file>.+?):(?P<line>\d+):(?P<column>\d+): (?P<message>.+)")
_WARNING = "warning: "
_SERVICES, _METHODS = 6, 2  # numbers of FileDescriptorProto.service and ServiceDescriptorProto.method
_EXTRA = "pip install 'apim-policy-gateway[grpc]'"


@dataclass(frozen=True, slots=True)
class RpcMethod:
    """
    One method of a service.

    Attributes:
        service: With its package: ``acme.orders.v1.Orders``.
        sends_stream, answers_stream: Whether client and backend send any number of messages.
    """

    service: str
    name: str
    sends_stream: bool
    answers_stream: bool
    location: Location

    @property
    def id(self) -> str:
        """For an operation."""
        return f"{self.service}-{self.name}".replace(".", "-")

    @property
    def path(self) -> str:
        """Of its calls."""
        return f"/{self.service}/{self.name}"

    @property
    def shown(self) -> str:
        """For people, with what its streams are."""
        name = self.path.removeprefix("/")
        return name if self.kind == "unary" else f"{name} ({self.kind})"

    @property
    def kind(self) -> str:
        """What its calls are."""
        if self.sends_stream:
            return "bidirectional streaming" if self.answers_stream else "client streaming"
        return "server streaming" if self.answers_stream else "unary"


def read_services(root: Path, files: Sequence[Path]) -> list[RpcMethod]:
    """
    The methods of *files*, whose imports start from *root*.

    Raises:
        LoadError: One of them is wrong, with file and line; or the compiler is not installed.
    """
    if find_spec("grpc_tools") is None:
        place = Location(str(files[0]))
        raise LoadError.at(place, "missing-extra", ".proto files are read by grpcio-tools", _EXTRA)
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

    described = FileDescriptorSet.FromString(_compiled(root, files))
    return [method for file in described.file for method in _methods(file, root)]


def _compiled(root: Path, files: Sequence[Path]) -> bytes:
    """A FileDescriptorSet. Raises LoadError."""
    with tempfile.TemporaryDirectory(prefix="gateway-proto-") as folder:
        output = Path(folder, "services.pb")
        options = [f"--proto_path={root}", "--include_source_info", f"--descriptor_set_out={output}"]
        command = [sys.executable, "-m", "grpc_tools.protoc", *options, *map(str, files)]
        try:
            done = subprocess.run(command, capture_output=True, timeout=LONGEST_S, check=False)  # noqa: S603 (our own)
        except subprocess.TimeoutExpired:
            message = f"protoc takes more than {LONGEST_S:g} s"
            raise LoadError.at(Location(str(files[0])), "too-large", message, "import it in parts") from None
        if done.returncode:
            raise LoadError(_problems(done.stderr.decode(errors="replace"), root, files[0]))
        return output.read_bytes()


def _problems(printed: str, root: Path, first: Path) -> Iterator[Problem]:
    """What protoc has printed, each line a mistake."""
    lines = [line for line in printed.splitlines() if line.strip() and _WARNING not in line]
    for line in lines or ["protoc failed without a word"]:
        match = _PLACED.fullmatch(line)
        if match is None:
            yield Problem(Location(str(first)), "bad-proto", line, f"imports start from {root}; name another folder")
            continue
        file = Path(match["file"])
        place = Location(str(file if file.exists() else root / file), int(match["line"]), int(match["column"]))
        yield Problem(place, "bad-proto", match["message"])


def _methods(file: object, root: Path) -> Iterator[RpcMethod]:
    """The methods of one FileDescriptorProto."""
    places = {tuple(location.path): location.span for location in file.source_code_info.location}  # type: ignore[attr-defined]
    for number, service in enumerate(file.service):  # type: ignore[attr-defined]
        name = ".".join(filter(None, [file.package, service.name]))  # type: ignore[attr-defined]
        for index, method in enumerate(service.method):
            line, column = _start(places.get((_SERVICES, number, _METHODS, index), ()))
            location = Location(str(root / file.name), line, column)  # type: ignore[attr-defined]
            yield RpcMethod(name, method.name, method.client_streaming, method.server_streaming, location)


def _start(span: Iterable[int]) -> tuple[int, int]:
    """Line and column, which the compiler counts from 0."""
    line, column, *_ = (*span, 0, 0)
    return line + 1, column + 1
