"""One file over HTTP: goes on where it was cut, and keeps nothing that is not what was published.

address --GET, Range: bytes=<what is there>-  --> <file>.part --sha256--> <file>
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import httpx
from tqdm import tqdm

from training.errors import DataError

_CHUNK: Final = 1 << 16
_PARTIAL: Final = 206
_RANGE_NOT_SATISFIABLE: Final = 416
_ERRORS: Final = 400


def download(url: str, path: Path, sha256: str = "") -> Path:
    """Writes `url` to `path` unless it is there already; `sha256` empty: no checksum was published.

    A cut leaves `<path>.part`, which the next call goes on with. A file with another checksum is
    removed, whole or in part.
    """
    if path.is_file():
        _check(path, sha256, url)
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        _fetch(url, part)
    except httpx.HTTPError as error:
        raise DataError(
            f"{url}: {error or type(error).__name__}; {_size(part):,} bytes are kept in {part}: "
            "run the command again to go on, or name another server with --mirror"
        ) from error
    _check(part, sha256, url)
    part.replace(path)
    return path


def _fetch(url: str, part: Path) -> None:
    have = _size(part)
    headers = {"Range": f"bytes={have}-"} if have else {}
    with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=60) as response:
        if response.status_code == _RANGE_NOT_SATISFIABLE:
            return  # nothing is left to send: the part is whole, or its checksum will tell
        if response.status_code >= _ERRORS:
            raise DataError(f"{url} answers {response.status_code}: name another server with --mirror")
        # A server that ignores Range sends everything again, with status 200.
        have = have if response.status_code == _PARTIAL else 0
        total = int(response.headers.get("Content-Length", 0)) + have
        with (
            part.open("ab" if have else "wb") as file,
            tqdm(desc=url.rpartition("/")[2], initial=have, total=total or None, unit="B", unit_scale=True) as bar,
        ):
            for chunk in response.iter_raw(_CHUNK):
                file.write(chunk)
                bar.update(len(chunk))


def _check(path: Path, sha256: str, url: str) -> None:
    if not sha256:
        return
    with path.open("rb") as file:
        got = hashlib.file_digest(file, "sha256").hexdigest()
    if got != sha256:
        path.unlink()
        raise DataError(
            f"{path} from {url} has sha256 {got}, published is {sha256}; it was removed: "
            "run the command again, or name another server with --mirror"
        )


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
