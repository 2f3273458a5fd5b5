"""uvicorn and Starlette with nothing behind them, the ceiling: the body is read, and known bytes are sent.

POST /NAME --body read--> the bytes of ANSWERS/NAME
"""

from __future__ import annotations

import os
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

ANSWERS = {path.name: path.read_bytes() for path in Path(os.environ["ANSWERS"]).iterdir()}


async def answer(request: Request) -> Response:
    await request.body()
    return Response(ANSWERS[request.path_params["name"]], media_type="application/json")


async def ready(_: Request) -> Response:
    return Response()


app = Starlette(routes=[Route("/readyz", ready), Route("/{name}", answer, methods=["POST"])])
