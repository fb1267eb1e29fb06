"""Liquid templates with the meaning that DotLiquid gives them, as APIM runs them (ADR 74)."""
