"""A receiver of callbacks that knows when each batch job ended: how long after that its callback arrived."""

from __future__ import annotations

import random
import time

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from gateway.emulators.d365 import D365Emulator, Life
from gateway.emulators.d365.lives import ends

_PICK_UP_S = 5.0
_RUNS_S = (20.0, 60.0)


def life_of(number: int) -> Life:
    """A run that ends, always after the same time for the same number."""
    return ends("Finished", _PICK_UP_S, random.Random(number).uniform(*_RUNS_S))


def quantiles(lags: list[float]) -> dict[str, float]:
    """As the benchmark prints them."""
    ordered = sorted(lags)
    named = {"p50": 50, "p95": 95, "p99": 99}
    found = {f"callback_lag_{name}_s": round(ordered[len(ordered) * of // 100], 1) for name, of in named.items()}
    return found | {"callback_lag_max_s": round(ordered[-1], 1)}


class EndingsReceiver:
    """Callbacks go to ``/callback/{number of the batch job}``; ``GET /lags`` has the seconds of each."""

    def __init__(self, d365: D365Emulator) -> None:
        self.base_url = ""
        self._d365 = d365
        self._arrived: dict[int, float] = {}
        routes = [
            Route("/callback/{number:int}", self._receive, methods=["POST"]),
            Route("/lags", self._show, methods=["GET"]),
        ]
        self.app = Starlette(routes=routes)

    async def _receive(self, request: Request) -> Response:
        self._arrived.setdefault(int(request.path_params["number"]), time.time())
        return Response(status_code=200)

    async def _show(self, _request: Request) -> Response:
        return JSONResponse([at - self._end_of(number) for number, at in self._arrived.items()])

    def _end_of(self, number: int) -> float:
        job = self._d365.jobs[number]
        return job.starts[0] + job.lives[0].steps[-1].after_s
