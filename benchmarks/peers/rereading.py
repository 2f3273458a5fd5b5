"""A server without memory: whoever wants a score after the next sentence sends the whole conversation again.

POST /predict {"text"} --all of it, as in peers/model.py--> {"probability": after the last sentence}
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from benchmarks.peers.model import scorer

score = scorer()


async def predict(request: Request) -> Response:
    return JSONResponse({"probability": score((await request.json())["text"])["probability"]})


async def ready(_: Request) -> Response:
    return Response()


app = Starlette(routes=[Route("/readyz", ready), Route("/predict", predict, methods=["POST"])])
