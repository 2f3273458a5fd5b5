"""One file over HTTP: goes on where it was cut, and keeps nothing that is not what was published.

address --GET, Range: bytes=<what is there>-, If-Range: <its version> --> <file>.part, .version --sha256--> <file>
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
    """Writes `url` to `path` unless it is there already; `sha256` empty: no checksum was published, and what is there
    is the caller's to check.

    A cut leaves `<path>.part`, which the next call goes on with if the server has named its version, in
    `<path>.version`, and still has the same. A file with another checksum is removed, whole or in part.
    """
    if path.is_file():
        _check(path, sha256, url)
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    part, version = path.with_name(path.name + ".part"), path.with_name(path.name + ".version")
    try:
        _fetch(url, part, version)
    except httpx.HTTPError as error:
        raise DataError(
            f"{url}: {error or type(error).__name__}; {_kept(part, version):,} bytes are kept in {part}: "
            "run the command again to go on, or name another server with --mirror"
        ) from error
    version.unlink()
    _check(part, sha256, url)
    part.replace(path)
    return path


def _fetch(url: str, part: Path, version: Path) -> None:
    have = _kept(part, version)
    headers = {"Range": f"bytes={have}-", "If-Range": version.read_text("ascii")} if have else {}
    with httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=60) as response:
        if response.status_code == _RANGE_NOT_SATISFIABLE:
            return  # nothing is left to send: the part is whole, or its checksum will tell
        if response.status_code >= _ERRORS:
            raise DataError(f"{url} answers {response.status_code}: name another server with --mirror")
        # A server that has another version by now, or ignores Range, sends everything, with status 200.
        have = have if response.status_code == _PARTIAL else 0
        total = int(response.headers.get("Content-Length", 0)) + have
        with (
            part.open("ab" if have else "wb") as file,
            tqdm(desc=url.rpartition("/")[2], initial=have, total=total or None, unit="B", unit_scale=True) as bar,
        ):
            version.write_text(_version(response.headers), "ascii")
            for chunk in response.iter_raw(_CHUNK):
                file.write(chunk)
                bar.update(len(chunk))


def _version(headers: httpx.Headers) -> str:
    """What If-Range takes: a strong ETag, else the date (RFC 9110, 13.1.5); empty where there is neither."""
    etag = headers.get("ETag", "")
    return etag if etag.startswith('"') else headers.get("Last-Modified", "")


def _kept(part: Path, version: Path) -> int:
    """The bytes that a transfer can go on after."""
    known = version.is_file() and version.stat().st_size
    return part.stat().st_size if known and part.is_file() else 0


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
