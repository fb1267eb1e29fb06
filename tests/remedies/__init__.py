"""Tests of ``gateway/remedies``."""
