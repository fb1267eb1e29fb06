"""The obvious way, for comparison: Starlette, PyJWT and httpx, streaming. Run by uvicorn as its users run it."""

from __future__ import annotations

import os
from pathlib import Path

import httpx2
import jwt
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from benchmarks.issuer import AUDIENCE, ISSUER

KEY = Path(os.environ["BENCH_PUBLIC_KEY"]).read_text(encoding="utf-8")
UPSTREAM = httpx2.AsyncClient(base_url="http://127.0.0.1:19900", limits=httpx2.Limits(max_connections=200))
NOT_FORWARDED = {"host", "connection", "content-length", "transfer-encoding", "caller-objectid"}


async def proxy(request: Request) -> Response:
    """Verify, set the header, forward, stream back."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    try:
        claims = jwt.decode(token, KEY, algorithms=["RS256"], audience=AUDIENCE, issuer=ISSUER)
    except jwt.PyJWTError:
        return JSONResponse({"statusCode": 401, "message": "Token is invalid"}, 401)
    headers = [(name, value) for name, value in request.headers.items() if name not in NOT_FORWARDED]
    headers.append(("caller-objectid", claims["sub"]))
    content = request.stream() if request.method == "POST" else None
    outgoing = UPSTREAM.build_request(request.method, request.url.path, headers=headers, content=content)
    answer = await UPSTREAM.send(outgoing, stream=True)
    kept = {name: value for name, value in answer.headers.items() if name not in NOT_FORWARDED}
    return StreamingResponse(answer.aiter_raw(), answer.status_code, kept, background=BackgroundTask(answer.aclose))


app = Starlette(routes=[Route("/{path:path}", proxy, methods=["GET", "POST"])])
