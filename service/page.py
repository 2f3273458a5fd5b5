"""The console: the page at /, its scripts and its style, which lie beside this module in console/.

    console/ --read once--> Part (bytes, type, etag) --answer--> 200, or 304 to who has it already

The page needs no key, since it holds nothing; what it calls does. Its scripts parse no markup and run nothing but
files of this folder, and the headers hold the browser to that.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

FOLDER: Final = Path(__file__).parent / "console"
INDEX: Final = "index.html"
TYPES: Final = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-cache",  # asked for every time, and sent only where it has changed
}


class Part(NamedTuple):
    """A file of the page."""

    data: bytes
    media: str
    etag: str


@cache
def parts() -> dict[str, Part]:
    """All files of the page, by name: nothing else of a path ever reaches the file system."""
    found: dict[str, Part] = {}
    for file in FOLDER.iterdir():
        data = file.read_bytes()
        found[file.name] = Part(data, TYPES[file.suffix], f'"{hashlib.sha256(data).hexdigest()[:32]}"')
    return found


def answer(request: Request, part: Part) -> Response:
    """The file, unless the browser says that it has this one."""
    headers = {**HEADERS, "etag": part.etag}
    known = {tag.strip().removeprefix("W/") for tag in request.headers.get("if-none-match", "").split(",")}
    if part.etag in known:
        return Response(status_code=304, headers=headers)
    return Response(part.data, media_type=part.media, headers=headers)
