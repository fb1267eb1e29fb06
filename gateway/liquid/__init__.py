"""Liquid templates with DotLiquid's semantics, as APIM runs them (ADR 62)."""
