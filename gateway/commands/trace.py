"""``gateway trace``: traces of a running gateway, and asking for the next one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

from cyclopts import App, Parameter

from gateway.commands.asking import ask
from gateway.commands.options import CONFIG
from gateway.config import load
from gateway.management.next_traces import PATH

app = App(name="trace")

ConfigFile = Annotated[Path, Parameter(name=["--config", "-c"])]


@app.command(name="next")
def ask_for_next(
    path: str = "",
    *,
    api: str = "",
    caller: str = "",
    count: int = 1,
    for_: Annotated[str, Parameter(name="--for")] = "5m",
    config: ConfigFile = CONFIG,
) -> int:
    """
    Have the next requests that match traced, in every worker. The gateway needs `tracing: {endpoint: true}`.

    Parameters
    ----------
    path
        Pattern of the path as the client sends it, such as `/orders/*`; any path unless given.
    api
        Id of the API.
    caller
        Object id, application id or subject of the token, or the subscription's id.
    count
        How many traces, in each worker.
    for_
        How long to wait for them, at most 1h.
    config
        The configuration of the running gateway; its `management` address is asked, with its `console/token` if
        there is one.
    """
    given = {"path": path, "api": api, "caller": caller}
    order = {name: text for name, text in given.items() if text} | {"count": count, "for": for_}
    answer = ask(load(config), PATH, order)
    print(f"{answer['id']}: waiting for {_described(answer)}")
    print("gateway trace list shows what has come, gateway trace cancel withdraws this.")
    return 0


@app.command
def pending(*, config: ConfigFile = CONFIG) -> int:
    """List what has been asked for and has not come yet."""
    orders = ask(load(config), PATH)["pending"]
    for order in orders:
        print(f"{order['id']}: {_described(order)}")
    if not orders:
        print("Nothing is pending.")
    return 0


@app.command
def cancel(order_id: str = "", *, config: ConfigFile = CONFIG) -> int:
    """
    Withdraw what has been asked for.

    Parameters
    ----------
    order_id
        One of those that `gateway trace pending` lists; everything unless given.
    """
    path = f"{PATH}/{quote(order_id, safe='')}" if order_id else PATH
    print(f"withdrawn: {ask(load(config), path, method='DELETE')['deleted']}")
    return 0


@app.command(name="list")
def list_traces(*, config: ConfigFile = CONFIG) -> int:
    """List the traces that are kept, newest first."""
    traces = ask(load(config), "/traces")["summaries"]
    for trace in traces:
        what = f"{trace['method']} {trace['url']} {trace['status'] or '-'} {trace['reason']}".rstrip()
        print(f"{trace['id']}  {trace['time']}  {trace['cause']:8}{what}")
    if not traces:
        print("No trace is kept.")
    return 0


@app.command
def show(trace_id: str, *, config: ConfigFile = CONFIG) -> int:
    """
    Print one trace as JSON.

    Parameters
    ----------
    trace_id
        The id of its request, as `x-request-id` of the answer has it.
    """
    print(json.dumps(ask(load(config), f"/traces/{quote(trace_id, safe='')}"), indent=2, ensure_ascii=False))
    return 0


def _described(order: dict[str, object]) -> str:
    wishes = [f"{name} {order[name]}" for name in ("path", "api", "caller") if order[name]] or ["any request"]
    return f"{', '.join(wishes)} ({order['count']} more, for {order['seconds_left']} s)"
