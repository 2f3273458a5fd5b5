"""NumPy against torch, on one core: a sentence, a stream, many sessions, memory and start.

shipped models --both engines--> equal? --in turn--> µs of CPU a sentence
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import torch
from threadpoolctl import threadpool_limits

from benchmarks.rounds import Times, machine, measure
from models import shipped
from models.artefact import load
from models.eager import TorchEngine
from models.predictor import Advance, Predictor
from models.sentences import split

TEXT: Final = Path(__file__).parent.parent / "docs" / "phishing.txt"
NEAR: Final = 1e-5
START: Final = """
import sys, time
from pathlib import Path
from models.artefact import load
from models.predictor import Predictor
predictors = [Predictor(load(Path(folder))) for folder in sys.argv[2:]]
for predictor in predictors:
    if sys.argv[1] == "torch":
        from models.eager import TorchEngine
        predictor.engine = TorchEngine(predictor.artefact.classifier, "cpu")
    predictor.advance([(None, ["Free money!"])])
resident = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmRSS"))
print(time.process_time(), int(resident) / 1024)
"""

Item = tuple[bytes | None, Sequence[str]]


def main() -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.engine", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="how often each thing is timed (7)")
    asked = parser.parse_args()
    threadpool_limits(1)
    torch.set_num_threads(1)
    folders = [shipped.folder(name) for name in shipped.names()]
    print(machine(), f"one thread; medians of {asked.rounds} rounds in turn, lowest and highest in brackets", sep="\n")
    for folder in folders:
        print(f"\n{folder.name}")
        print(*sentences(folder, asked.rounds), sep="\n")
    print("\nstart with all of them: CPU seconds and resident MB")
    for engine in ("torch", "numpy"):
        print(f"  {engine:8}", *start(engine, folders))
    print(f"\n{machine()}")


def both(folder: Path) -> dict[str, Predictor]:
    found = {name: Predictor(load(folder)) for name in ("torch", "numpy")}
    found["torch"].engine = TorchEngine(found["torch"].artefact.classifier, "cpu")
    return found


def sentences(folder: Path, rounds: int) -> Iterator[str]:
    """A lone sentence that goes on from a state; twelve of one text at once; one each of 64 sessions."""
    engines = both(folder)
    texts = [s.text for s in split(TEXT.read_text("utf-8"))] * 12
    (begun,) = scored(engines["torch"], [(None, texts[:3])])
    cases: dict[str, list[Item]] = {
        "1": [(begun.state, texts[3:4])],
        "12": [(begun.state, texts[:12])],
        "64 x 1": [(begun.state, texts[i : i + 1]) for i in range(64)],
    }
    for name, items in cases.items():
        far = difference(*(scored(engine, items) for engine in engines.values()))
        if far > NEAR:
            yield f"  {name:8} WRONG: the engines differ by {far:.1e}"
            continue
        pieces = sum(len(text) for _, text in items)
        works = {engine: advancing(predictor, items) for engine, predictor in engines.items()}
        times = measure(works, rounds, pieces, repeat=1 + 200 // pieces)
        yield (
            f"  {name:8} µs/sentence  "
            + "   ".join(_micro(engine, t) for engine, t in times.items())
            + (f"   {times['numpy'].ratio:.1f} x, differing by {far:.0e}")
        )


def start(engine: str, folders: Sequence[Path]) -> Iterator[str]:
    ran = subprocess.run(
        [sys.executable, "-c", START, engine, *map(str, folders)], check=True, capture_output=True, text=True
    )
    seconds, resident = map(float, ran.stdout.split())
    yield f"{seconds:.1f} s   {resident:.0f} MB"


def scored(predictor: Predictor, items: Sequence[Item]) -> list[Advance]:
    return [answer for answer in predictor.advance(items) if isinstance(answer, Advance)]


def advancing(predictor: Predictor, items: Sequence[Item]) -> Callable[[], object]:
    return lambda: predictor.advance(items)


def difference(one: Sequence[Advance], other: Sequence[Advance]) -> float:
    """The largest between any two probabilities."""
    steps = [(a, b) for x, y in zip(one, other, strict=True) for a, b in zip(x.steps, y.steps, strict=True)]
    return max(abs(p - q) for a, b in steps for p, q in zip(a.probabilities, b.probabilities, strict=True))


def _micro(name: str, times: Times) -> str:
    low, high = times.spread
    return f"{name} {times.each * 1e6:6.1f} ({low * 1e6:.1f} to {high * 1e6:.1f})"


if __name__ == "__main__":
    main()
