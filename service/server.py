"""What uvicorn is told beyond what BentoML tells it, in each worker before it starts.

Settings --options--> uvicorn.Config --> every WebSocket's frames, before the application sees one

A frame is measured when it is there as text. Of compressed ones so many come in one read of a socket that a thousand
times its size was held before anybody could count; so frames come as they are, and no larger than one may be.
"""

from __future__ import annotations

import functools
from typing import Any, Final

import uvicorn

from service.settings import Settings

BYTES: Final = 4
"""Of a code point in UTF-8, at most."""


def options(settings: Settings) -> dict[str, Any]:
    """Of uvicorn.Config."""
    return {"ws_per_message_deflate": False, "ws_max_size": BYTES * settings.max_frame}


def teach(settings: Settings) -> None:
    """BentoML has no way to hand options on."""
    uvicorn.Config = functools.partial(uvicorn.Config, **options(settings))  # type: ignore[misc,assignment]
