"""A client of the service, of its own: it imports nothing of ours, no torch and no bentoml, only httpx and its parts.

Client --loop in a thread--> AsyncClient --httpx--> /v1/predict, …
                                 `-- text of any kind --Source, Duplex--> /v1/stream --> Sentence …, Done

from client import Client

with Client("http://127.0.0.1:3000") as undertone:
    print(undertone.predict("You won a prize!", task="spam").probability)
"""

from client.answers import (
    Done,
    Event,
    Link,
    Mail,
    Model,
    ModelId,
    Part,
    Prediction,
    Sentence,
    SessionInfo,
    SessionState,
    Status,
)
from client.asynchronous import AsyncClient, AsyncSession
from client.blocking import Client, Session
from client.errors import ClientError, InvalidAnswer, Refused, Unreachable
from client.options import Options, StreamOptions
from client.source import Text

__all__ = [
    "AsyncClient",
    "AsyncSession",
    "Client",
    "ClientError",
    "Done",
    "Event",
    "InvalidAnswer",
    "Link",
    "Mail",
    "Model",
    "ModelId",
    "Options",
    "Part",
    "Prediction",
    "Refused",
    "Sentence",
    "Session",
    "SessionInfo",
    "SessionState",
    "Status",
    "StreamOptions",
    "Text",
    "Unreachable",
]
