"""Envoy's messages: what was compiled is what is written, and they share a process with other people's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from gateway.data_plane.envoy.messages import DESCRIPTORS, CheckRequest
from tests.processes import unmeasured

TOGETHER = """
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from google.rpc import status_pb2
from google.protobuf import descriptor_pool, struct_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto
theirs = FileDescriptorProto(name="envoy/service/auth/v3/external_auth.proto", package="envoy.service.auth.v3")
theirs.message_type.add(name="CheckRequest").field.add(name="attributes", number=1, type=9, label=1)
{first}
{second}
from gateway.data_plane.envoy.messages import CheckResponse
assert CheckResponse(status={{"code": 7}}).SerializeToString() == b"\\n\\x02\\x08\\x07"
assert status_pb2.Status(code=7).SerializeToString() == b"\\x08\\x07"
"""
THEIRS = "descriptor_pool.Default().AddSerializedFile(theirs.SerializeToString())"
OURS = "from gateway.data_plane.envoy import messages"


def test_compiled_messages_are_current(tmp_path: Path) -> None:
    """envoy.binpb is what grpcio-tools compiles from the files beside it: `make protos`."""
    written = tmp_path / "envoy.binpb"
    folder = DESCRIPTORS.parent
    options = [f"--proto_path={folder}", "--include_imports", f"--descriptor_set_out={written}"]
    command = [sys.executable, "-m", "grpc_tools.protoc", *options, *map(str, sorted(folder.glob("*.proto")))]
    subprocess.run(command, check=True, env=unmeasured())
    assert FileDescriptorSet.FromString(written.read_bytes()) == FileDescriptorSet.FromString(DESCRIPTORS.read_bytes())


@pytest.mark.parametrize(("first", "second"), [(THEIRS, OURS), (OURS, THEIRS)], ids=["theirs first", "ours first"])
def test_others_may_define_the_same_messages(first: str, second: str) -> None:
    """Exporters of OpenTelemetry and Envoy's full stubs are loaded in the same process, in either order."""
    code = TOGETHER.format(first=first, second=second)
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, env=unmeasured())


def test_what_is_not_used_is_skipped() -> None:
    """A field that a later Envoy adds does no harm."""
    known = CheckRequest(attributes={"request": {"http": {"method": "GET"}}}).SerializeToString()
    assert CheckRequest.FromString(known + b"\xfa\x07\x03new").attributes.request.http.method == "GET"
