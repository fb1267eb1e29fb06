"""The gateway in front of two deployments of a language model, for docs/ai-gateway.md."""

from __future__ import annotations

from docs.drawing import Picture


def models_picture() -> str:
    """A call on its way to the first deployment, or to the second."""
    picture = Picture(
        900,
        230,
        "A call with a team's key passes the token limit and the token metric; the pool sends it to the first "
        "deployment, and after a 429 to the second",
    )
    picture.box((24, 84, 132, 64), ("Client", "key of team A"))
    picture.box((236, 24, 372, 182), kind="frame")
    picture.text(422, 48, "Gateway", "title", "middle")
    picture.box((256, 84, 150, 64), ("llm-token-limit", "300 a minute"), "blue")
    picture.box((438, 84, 150, 64), ("retry", "forward-request"), "blue")
    picture.box((256, 166, 332, 28), ("llm-emit-token-metric",), "green")
    picture.box((744, 40, 132, 64), ("Deployment 1", "swedencentral"))
    picture.box((744, 134, 132, 64), ("Deployment 2", "eastus"))
    picture.arrow("M156 116H254")
    picture.text(205, 108, "/v1/…", "code", "middle")
    picture.arrow("M406 116H436")
    picture.arrow("M588 104H660V72H742")
    picture.text(666, 62, "priority 1", "small")
    picture.arrow("M588 128H660V166H742")
    picture.text(666, 188, "after a 429", "small")
    return picture.svg()
