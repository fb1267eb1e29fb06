"""
Envoy's external processor: the whole pipeline, with Envoy as the wire on both sides (ext_proc v3).

Source: Envoy, "External Processing" and ``envoy/service/ext_proc/v3/external_processor.proto``.
"""
