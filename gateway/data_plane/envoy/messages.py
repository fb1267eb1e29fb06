"""
Envoy's messages as classes, from ``protos/envoy.binpb``.

They have a pool of their own. In protobuf's default one, a message can be defined once per process, and Envoy's own
stubs (xds-protos) and the exporters of OpenTelemetry, which bring ``google.rpc``, define some of them, too.

Source: Envoy's API v3, as of 1.40; ``make protos`` compiles what is in protos/.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

DESCRIPTORS = Path(__file__).with_name("protos") / "envoy.binpb"


def _pool() -> DescriptorPool:
    pool = DescriptorPool()
    for file in FileDescriptorSet.FromString(DESCRIPTORS.read_bytes()).file:
        pool.AddSerializedFile(file.SerializeToString())
    return pool


_POOL = _pool()


def _message(name: str) -> Any:
    return GetMessageClass(_POOL.FindMessageTypeByName(name))


Struct = _message("google.protobuf.Struct")
Duration = _message("google.protobuf.Duration")

HeaderValue = _message("envoy.config.core.v3.HeaderValue")
HeaderValueOption = _message("envoy.config.core.v3.HeaderValueOption")
HeaderMap = _message("envoy.config.core.v3.HeaderMap")
QueryParameter = _message("envoy.config.core.v3.QueryParameter")

CheckRequest = _message("envoy.service.auth.v3.CheckRequest")
CheckResponse = _message("envoy.service.auth.v3.CheckResponse")
OkHttpResponse = _message("envoy.service.auth.v3.OkHttpResponse")
DeniedHttpResponse = _message("envoy.service.auth.v3.DeniedHttpResponse")

ProcessingRequest = _message("envoy.service.ext_proc.v3.ProcessingRequest")
ProcessingResponse = _message("envoy.service.ext_proc.v3.ProcessingResponse")
HeadersResponse = _message("envoy.service.ext_proc.v3.HeadersResponse")
BodyResponse = _message("envoy.service.ext_proc.v3.BodyResponse")
TrailersResponse = _message("envoy.service.ext_proc.v3.TrailersResponse")
CommonResponse = _message("envoy.service.ext_proc.v3.CommonResponse")
HeaderMutation = _message("envoy.service.ext_proc.v3.HeaderMutation")
BodyMutation = _message("envoy.service.ext_proc.v3.BodyMutation")
StreamedBodyResponse = _message("envoy.service.ext_proc.v3.StreamedBodyResponse")
ImmediateResponse = _message("envoy.service.ext_proc.v3.ImmediateResponse")
ProcessingMode = _message("envoy.extensions.filters.http.ext_proc.v3.ProcessingMode")

HealthCheckRequest = _message("grpc.health.v1.HealthCheckRequest")
HealthCheckResponse = _message("grpc.health.v1.HealthCheckResponse")
