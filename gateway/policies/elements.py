"""Child elements that several policies share."""

from __future__ import annotations

from gateway.pipeline.shape import Content, Element

VALUE = Element("value", "One value; an expression or a literal.", content=Content.TEXT)
