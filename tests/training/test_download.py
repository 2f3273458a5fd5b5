"""Downloading, against a real server: resume after a cut, and nothing kept that is not as published."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.training.server import Server, serving
from training.download import download
from training.errors import DataError

CONTENT = bytes(range(256)) * 2000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving({"set.zip": CONTENT}) as running:
        yield running


def test_a_file_arrives_whole_and_is_not_fetched_twice(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "set.zip"
    assert download(f"{server.url}/set.zip", path, SHA256).read_bytes() == CONTENT
    download(f"{server.url}/set.zip", path, SHA256)
    assert server.requests == [("/set.zip", None)]
    assert [p.name for p in path.parent.iterdir()] == ["set.zip"]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_cut_transfer_goes_on_where_it_was(server: Server, tmp_path: Path, ranges: bool) -> None:
    path = tmp_path / "set.zip"
    server.cut, server.ranges = 100_000, ranges
    with pytest.raises(DataError, match="run the command again to go on"):
        download(f"{server.url}/set.zip", path, SHA256)
    assert not path.exists()
    kept = (tmp_path / "set.zip.part").stat().st_size
    assert 0 < kept <= 100_000
    assert download(f"{server.url}/set.zip", path, SHA256).read_bytes() == CONTENT
    assert server.requests[1] == ("/set.zip", f"bytes={kept}-")


@pytest.mark.parametrize("versions", ["ETag", "Last-Modified"])
def test_a_file_that_has_changed_since_the_cut_begins_anew(server: Server, tmp_path: Path, versions: str) -> None:
    path = tmp_path / "set.zip"
    server.cut, server.versions = 100_000, versions
    with pytest.raises(DataError, match="run the command again to go on"):
        download(f"{server.url}/set.zip", path)
    server.files["set.zip"] = CONTENT[::-1]
    assert download(f"{server.url}/set.zip", path).read_bytes() == CONTENT[::-1]
    assert server.requests[1][1] is not None  # it tried to go on
    assert list(tmp_path.iterdir()) == [path]


def test_what_has_no_version_is_not_gone_on_with(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    server.cut, server.versions = 100_000, ""
    with pytest.raises(DataError, match=" 0 bytes are kept"):
        download(f"{server.url}/set.zip", path)
    assert download(f"{server.url}/set.zip", path).read_bytes() == CONTENT
    assert server.requests == [("/set.zip", None)] * 2


def test_a_whole_part_needs_nothing_more(server: Server, tmp_path: Path) -> None:
    part, version = tmp_path / "set.zip.part", tmp_path / "set.zip.version"
    server.cut = 100_000
    with pytest.raises(DataError, match="run the command again to go on"):
        download(f"{server.url}/set.zip", tmp_path / "set.zip", SHA256)
    part.write_bytes(CONTENT)
    assert download(f"{server.url}/set.zip", tmp_path / "set.zip", SHA256).read_bytes() == CONTENT
    assert server.requests[1] == ("/set.zip", f"bytes={len(CONTENT)}-")
    assert not part.exists()
    assert not version.exists()


def test_another_checksum_is_refused_and_the_file_is_not_kept(server: Server, tmp_path: Path) -> None:
    server.files["set.zip"] = CONTENT[:-1] + b"x"
    with pytest.raises(DataError, match=f"published is {SHA256}; it was removed"):
        download(f"{server.url}/set.zip", tmp_path / "set.zip", SHA256)
    assert list(tmp_path.iterdir()) == []


def test_a_spoilt_part_is_removed_so_that_the_next_try_starts_afresh(server: Server, tmp_path: Path) -> None:
    server.cut = 100_000
    with pytest.raises(DataError, match="run the command again to go on"):
        download(f"{server.url}/set.zip", tmp_path / "set.zip", SHA256)
    (tmp_path / "set.zip.part").write_bytes(b"something else")
    with pytest.raises(DataError, match="it was removed"):
        download(f"{server.url}/set.zip", tmp_path / "set.zip", SHA256)
    assert download(f"{server.url}/set.zip", tmp_path / "set.zip", SHA256).read_bytes() == CONTENT


def test_a_server_that_lacks_the_file_or_is_not_there(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="answers 404"):
        download(f"{server.url}/none.zip", tmp_path / "none.zip")
    server.server_close()
    with pytest.raises(DataError, match="0 bytes are kept"):
        download("http://127.0.0.1:9/set.zip", tmp_path / "set.zip")
