"""Traces: the steps of single requests, kept for those that were refused, failed, slow, or asked for."""
