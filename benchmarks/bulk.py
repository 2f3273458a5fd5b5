"""Row 4: whole documents, from text to probability, beside fastText and scikit-learn that learnt from the same split.

test texts --segment, tokenise, score--> probability --equal to one by one?--> documents/s, MB/s, accuracy
           `-- fastText; tf-idf and logistic regression --> the same

On one core and on two; what counts is the CPU time of the process that took most, since machines do other things
meanwhile.
"""

from __future__ import annotations

import gc
import os
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final
from unittest.mock import patch

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.baselines import fast_text, tf_idf
from benchmarks.contest import NEAR, Bench
from benchmarks.rounds import in_turn, turns
from benchmarks.table import Line, Spread, Target
from benchmarks.workers import Work, Workers
from models import shipped
from models.artefact import load
from models.predictor import Advance, Predictor
from models.sentences import split
from training.datasets import SETS
from training.splits import split as sides

DOCUMENTS: Final = 1000
"""Of each test, drawn by chance."""
BATCH: Final = 128
"""Documents that go through `Predictor.advance` together."""
TASKS: Final = {"aclimdb": "sentiment", "enron_spam": "spam"}
STAGES: Final = {"segment": "segment", "tokenize": "tokenize", "step": "model", "readout": "answers"}
"""What `stages` and `Advance.seconds` call a part of the way, and what the table does."""


def rows(bench: Bench) -> Iterator[Line | Target]:
    if bench.data_dir is None:
        yield Line("4 documents", "all of it", {}, note="not measured, nor its targets: wants --data-dir (DATA_DIR)")
        return
    cores = os.sched_getaffinity(0)
    for name in TASKS:
        os.sched_setaffinity(0, {bench.core, *cores})
        try:
            with threadpool_limits(1):
                lines = measured(name, bench.data_dir, DOCUMENTS, bench.rounds)
        finally:
            os.sched_setaffinity(0, cores)
        yield from lines
        if name == "aclimdb":
            yield from targets(lines)


def targets(lines: Sequence[Line]) -> Iterator[Target]:
    """The faster of our two has to keep up with fastText, the other to come to 0.3 of it; both at higher accuracy."""
    theirs = next(line for line in lines if line.name == "fastText")
    ours = [line for line in lines if line.ours and "of fastText" in line.figures]
    ours.sort(key=lambda line: -line.figures["of fastText"].median)
    for line, wanted in zip(ours, (1.0, 0.3), strict=False):
        got = line.figures["of fastText"].median
        yield Target("4 aclimdb", f"{line.name} beside fastText", got, wanted, " x", least=True)
        better = line.figures["accuracy %"].median - theirs.figures["accuracy %"].median
        yield Target("4 aclimdb", f"{line.name}, accuracy above fastText's", better, 0, " points", least=True)


def measured(name: str, data_dir: Path, number: int, rounds: int) -> list[Line]:
    """A line for each that scores the documents of a set; then one for each of ours, of where its time goes."""
    parts = sides(SETS[name].read(data_dir))
    test = parts.tests[name]
    chosen = random.Random(0).sample(test, min(number, len(test)))
    texts = [document.text for document in chosen]
    ours = {folder.name: Predictor(load(folder)) for folder in map(shipped.folder, shipped.names())}
    ours = {of: predictor for of, predictor in ours.items() if of.startswith(TASKS[name])}
    works: dict[str, Work] = {"fastText": fast_text(parts.train), "tf-idf, LR": tf_idf(parts.train)}
    works |= {of: scoring(predictor) for of, predictor in ours.items()}
    cores = sorted(os.sched_getaffinity(0))[:2]
    gc.collect()
    gc.freeze()  # as in a worker of the service: what is loaded is not looked through again and again
    with Workers(works, texts, cores) as workers:
        found = {of: workers.run(of, 1)[1] for of in works}
        wrong = {of: far for of, p in ours.items() if (far := difference(found[of], p, texts)) > NEAR}
        right = [of for of in works if of not in wrong]
        took = [
            turns({of: timed(workers, of, n) for of in right}, rounds, len(texts)) for n in range(1, len(cores) + 1)
        ]
    row = f"4 {name}: {len(texts):,} of the {len(test):,} documents of its test, text to probability"
    labels = np.array([document.label for document in chosen])
    megabytes = sum(len(text.encode()) for text in texts) / 1e6 / len(texts)
    lines = [Line(row, of, {}, f"differs by {far:.1e} from one by one") for of, far in wrong.items()]
    for of in right:
        alone = took[0][of]
        figures = {"documents/s": rates(alone.each, alone.spread), "MB/s": Spread.of([megabytes / alone.each])}
        figures["of fastText"] = Spread.of(alone.ratios)
        if len(took) > 1:
            figures["on 2 cores"] = rates(took[1][of].each, took[1][of].spread)
            figures["of fastText on 2"] = Spread.of(took[1][of].ratios)
        accuracy = float(((np.array(found[of]) >= 0.5) == labels).mean())
        figures["accuracy %"] = Spread.of([100 * accuracy])
        figures["its standard error"] = Spread.of([100 * (accuracy * (1 - accuracy) / len(texts)) ** 0.5])
        lines.append(Line(row, of, figures, ours=of in ours))
    return lines + wheres(name, {of: ours[of] for of in right if of in ours}, texts, rounds)


def wheres(name: str, ours: Mapping[str, Predictor], texts: Sequence[str], rounds: int) -> list[Line]:
    """Where the time of each of ours goes, all of them in turn."""
    took = in_turn({of: partial(stages, predictor, texts) for of, predictor in ours.items()}, rounds)
    row = f"4 {name}: where the time of ours goes, CPU µs a document"
    return [
        Line(
            row,
            of,
            {shown: Spread.of(1e6 * each[part] / len(texts) for each in found) for part, shown in STAGES.items()},
        )
        for of, found in took.items()
    ]


def rates(each: float, spread: tuple[float, float]) -> Spread:
    """Pieces a second, of seconds a piece."""
    return Spread(1 / each, 1 / spread[1], 1 / spread[0])


def stages(predictor: Predictor, texts: Sequence[str]) -> dict[str, float]:
    """Seconds of CPU of each part of the way: the cutting, and what `Advance` tells of the rest."""
    took = dict.fromkeys(STAGES, 0.0)
    with patch("time.perf_counter", time.process_time):  # which `Advance` reads: other work on the machine counts not
        for first in range(0, len(texts), BATCH):
            began = time.process_time()
            items = [(None, cut(predictor, text)) for text in texts[first : first + BATCH]]
            took["segment"] += time.process_time() - began
            told = next(answer for answer in predictor.advance(items) if isinstance(answer, Advance))  # of the batch
            for part, seconds in told.seconds.items():
                took[part] += seconds
    return took


def timed(workers: Workers, name: str, number: int) -> Callable[[], float]:
    return lambda: workers.run(name, number)[0]


def difference(found: Sequence[float], predictor: Predictor, texts: Sequence[str]) -> float:
    """The largest between a batch's probability and that of the document by itself."""
    alone = [scored(predictor, [text])[0] for text in texts]
    return max(abs(a - b) for a, b in zip(found, alone, strict=True))


def scoring(predictor: Predictor) -> Work:
    def work(texts: Sequence[str]) -> list[float]:
        return [p for first in range(0, len(texts), BATCH) for p in scored(predictor, texts[first : first + BATCH])]

    return work


def scored(predictor: Predictor, texts: Sequence[str]) -> list[float]:
    """The probability of the last label after the last sentence of each text."""
    answers = predictor.advance([(None, cut(predictor, text)) for text in texts])
    return [answer.steps[-1].probabilities[-1] for answer in answers if isinstance(answer, Advance)]


def cut(predictor: Predictor, text: str) -> list[str]:
    return [sentence.text for sentence in split(text, predictor.artefact.language)]
