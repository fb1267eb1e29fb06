"""The policies of a pipeline that judge the caller's token."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.pipeline.pipeline import Pipeline
from gateway.pipeline.step import PipelineStep, Steps, TokenJudge


def token_checks(pipeline: Pipeline) -> Iterator[tuple[PipelineStep, TokenJudge]]:
    """Every token check of *pipeline*, those in branches too, in the order of the document."""
    for step in steps_in(pipeline.inbound):
        if judge := step.policy.token_judge:
            yield step, judge


def steps_in(steps: Steps) -> Iterator[PipelineStep]:
    """Each of *steps*, followed by those inside it."""
    for step in steps:
        yield step
        for inner in step.policy.nested:
            yield from steps_in(inner)
