"""
Envoy carries the traffic and asks the gateway over gRPC.

    settings.py   the part of config.yaml
    protos/       Envoy's messages, reduced to what is used, and envoy.binpb, which `make protos` compiles from them
    messages.py   the same as classes
    answering.py  what answers questions, replaced by a reload
    host.py       the listener: who may ask, how much at a time, how it stops
    health.py     grpc.health.v1, for Envoy's health checks
    ext_authz/    envoy.service.auth.v3: may this request pass?

Only ``host`` and what it serves import the extra ``[envoy]``.
"""
