"""The reader of mail on every raw message of SpamAssassin, beside what the standard library does by itself.

    raw messages --models.mail--> text | what it raised, milliseconds
                 `-- email's modern policy, body and subject alone --> the same

`python -m benchmarks.mail --data-dir DIR`. No message may raise, none may take 50 ms. What counts is the time of
the processor, and of several readings the shortest, since machines do other things meanwhile.
"""

from __future__ import annotations

import argparse
import email.policy
import sys
import time
from collections.abc import Callable, Sequence
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path
from typing import Final, NamedTuple

from tqdm import tqdm

from models.mail import read
from training.datasets import SETS, rows

PROMISED_MS: Final = 50.0


class Figures(NamedTuple):
    """Milliseconds of each message, its shortest; and how many raised."""

    milliseconds: list[float]
    raised: int

    def line(self, name: str) -> str:
        ordered = sorted(self.milliseconds)
        rate = 1000 * len(ordered) / sum(ordered)
        p50, p99 = (ordered[int(len(ordered) * share)] for share in (0.5, 0.99))
        return f"{name:16}  {self.raised:6}  {p50:9.2f}  {p99:9.2f}  {ordered[-1]:9.1f}  {rate:10,.0f}"


def raw_messages(data_dir: Path) -> list[bytes]:
    """SpamAssassin's, as they came."""
    return [row["raw"].encode("latin-1") for row in rows(SETS["spamassassin"].path(data_dir, "all"))]


def modern(raw: bytes) -> str:
    """Subject and body by the standard library's modern policy; of HTML its source."""
    message = message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)  # noqa: S101 - by that policy
    body = message.get_body(("html", "plain"))
    return f"{message['subject']}\n{body.get_content() if body else ''}"


def measure(reader: Callable[[bytes], object], raws: Sequence[bytes], times: int) -> Figures:
    shortest = [float("inf")] * len(raws)
    raised = 0
    for turn in range(times):
        for i, raw in enumerate(tqdm(raws, f"{reader.__name__}, {turn + 1} of {times}", leave=False)):
            began = time.thread_time()
            try:
                reader(raw)
            except Exception:
                raised += turn == 0
            shortest[i] = min(shortest[i], 1000 * (time.thread_time() - began))
    return Figures(shortest, raised)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mail", description=__doc__.partition("\n")[0])
    parser.add_argument("--data-dir", type=Path, required=True, help="the folder that holds spamassassin/all.jsonl.gz")
    parser.add_argument("--times", type=int, default=5, help="how often each message is read (5)")
    asked = parser.parse_args()
    raws = raw_messages(asked.data_dir)
    print(f"{len(raws):,} messages, {sum(map(len, raws)) / 2**20:.1f} MiB")
    print(f"{'':16}  {'raised':>6}  {'median ms':>9}  {'p99 ms':>9}  {'max ms':>9}  {'messages/s':>10}")
    ours = measure(read, raws, asked.times)
    print(ours.line("models.mail"))
    print(measure(modern, raws, 1).line("email, modern"))
    return int(ours.raised > 0 or max(ours.milliseconds) >= PROMISED_MS)


if __name__ == "__main__":
    sys.exit(main())
