"""
One replica's work on a job as a picture: the steps of the model that tests/notifications/model explores.

A test holds that its boxes are the model's steps.
"""

from __future__ import annotations

from docs.drawing import Picture

STEPS = {
    "load the row": (24, 40),
    "wait for another": (224, 128),
    "read F&O": (224, 40),
    "decide": (424, 40),
    "wait for a turn": (624, 40),
    "lease and mark hold": (824, 40),
    "call is open": (824, 128),
    "nothing was sent": (624, 128),
    "effect unknown": (624, 216),
    "call was accepted": (824, 304),
    "read until it shows": (424, 216),
    "watch the run": (424, 304),
    "record the outcome": (24, 304),
}
_SAFE = {"lease and mark hold"}
_DOUBT = {"call is open", "effect unknown", "read until it shows"}
_ARROWS = (
    "M184 58H222",
    "M384 58H422",
    "M504 76V146H386",
    "M304 128V78",
    "M584 58H622",
    "M784 58H822",
    "M904 76V126",
    "M844 76V104H704V126",
    "M664 128V78",
    "M904 164V234H786",
    "M984 58H1004V322H986",
    "M624 234H586",
    "M504 252V302",
    "M824 322H586",
    "M544 216V108H644V78",
    "M124 76V234H422",
    "M64 76V276H464V302",
    "M424 330H186",
    "M444 76V100H404V314H422",
)
_WORDS = (
    (760, 98, "refused", "middle"),
    (912, 106, "no answer, 5xx", "start"),
    (996, 296, "2xx", "end"),
    (552, 204, "no effect: once more", "start"),
    (132, 226, "starting", "start"),
    (72, 268, "waiting, running", "start"),
    (496, 120, "another starts it", "end"),
    (412, 190, "queued or running", "start"),
    (512, 280, "it took effect", "start"),
)


def start_picture() -> str:
    """The picture as SVG."""
    picture = Picture(
        1028,
        364,
        "A replica loads a job's row, reads F&O, decides, waits for a turn, checks lease and mark and calls; an "
        "accepted call leads to watching, a failed one to reading until its effect "
        "shows; the outcome is recorded at the end",
    )
    for path in _ARROWS:
        picture.arrow(path)
    for step, (x, y) in STEPS.items():
        kind = "green" if step in _SAFE else "red" if step in _DOUBT else "blue"
        picture.box((x, y, 162, 36), (step,), kind)
    for x, y, words, anchor in _WORDS:
        picture.text(x, y, words, "small", anchor)
    return picture.svg()
