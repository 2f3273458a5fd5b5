"""A text of 100 MB through one stream: what does the worker hold of it?

    chunks, as fast as they are taken --> one worker --events, read as they come--> its resident bytes, at every chunk

`python -m benchmarks.body`; the status is 1 where it holds over 8 MB more than in the first 2 MB of the text. Sentences
are of some thousand code points, about the longest that there are: how much is held does not hang on how many they are,
but how long it takes does.
"""

from __future__ import annotations

import argparse
import os
import select
import socket
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import psutil
from tqdm import tqdm

from benchmarks.contest import ENVIRONMENT
from benchmarks.server import Server

PATIENCE: Final = 60.0
SENTENCE: Final = b"The quick brown fox jumps over the lazy dog, which has no account at all, " * 13 + b"today. "
CHUNK: Final = SENTENCE * 64
WARM: Final = 32
"""Chunks, about 2 MB, after which the worker has what it needs for any stream."""
MOST_MB: Final = 8.0
"""That it may hold more afterwards."""


class Passed(NamedTuple):
    """Bytes sent and sentences answered, and what all workers held together after each chunk."""

    sent: int
    sentences: int
    held: list[int]


def passed(port: int, workers: Sequence[psutil.Process], chunks: Iterable[bytes]) -> Passed:
    """Streams chunks of ASCII, reading what comes meanwhile; raises RuntimeError unless all was read and scored."""
    held, sent, sentences, tail = [], 0, 0, b""

    def take(data: bytes) -> None:
        nonlocal sentences, tail
        sentences += (tail + data).count(b'{"event":"sentence"') - tail.count(b'{"event":"sentence"')
        tail = (tail + data)[-4000:]

    with socket.create_connection(("127.0.0.1", port), PATIENCE) as wire:
        head = (
            "Host: localhost\r\nContent-Type: text/plain\r\nAccept: application/x-ndjson\r\nTransfer-Encoding: chunked"
        )
        wire.sendall(f"POST /v1/stream?task=spam HTTP/1.1\r\n{head}\r\n\r\n".encode())
        for chunk in chunks:
            rest = memoryview(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            sent += len(chunk)
            while rest:
                readable, writable, _ = select.select([wire], [wire], [], PATIENCE)
                if readable:
                    take(wire.recv(2**20))
                if writable:
                    rest = rest[wire.send(rest) :]
            held.append(sum(worker.memory_info().rss for worker in workers))
        wire.sendall(b"0\r\n\r\n")
        while data := wire.recv(2**20):
            take(data)
    if b'"event":"done"' not in tail or b'"read":%d,' % sent not in tail:
        raise RuntimeError(f"{sent:,} bytes were sent, and the answer ends with {tail[-500:]!r}")
    return Passed(sent, sentences, held)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.body", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--megabytes", type=int, default=100, help="of text, of 1,000,000 bytes each (%(default)s)")
    arguments = parser.parse_args()
    number = -(-arguments.megabytes * 1_000_000 // len(CHUNK))
    if number <= WARM:
        parser.error(f"--megabytes must be more than {WARM * len(CHUNK) // 1_000_000}: what comes before is warm-up")
    with Server(min(os.sched_getaffinity(0)), ENVIRONMENT) as server:
        began = time.perf_counter()
        came = passed(server.port, [server.worker], (CHUNK for _ in tqdm(range(number), leave=False)))
        seconds = time.perf_counter() - began
    warm, most = max(came.held[:WARM]), max(came.held)
    print(f"{came.sent / 1e6:.1f} MB in {came.sentences:,} sentences, {seconds:.0f} s")
    print(f"the worker held {warm / 1e6:.1f} MB at most in the first {WARM * len(CHUNK) / 1e6:.1f} MB of it,")
    grown = (most - warm) / 1e6
    held = grown <= MOST_MB
    print(f"{most / 1e6:.1f} MB at most in all: {grown:+.1f} MB{'' if held else f', NOT at most {MOST_MB:g} MB'}")
    return int(not held)


if __name__ == "__main__":
    sys.exit(main())
