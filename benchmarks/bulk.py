"""Many documents, from text to probability, beside fastText and scikit-learn that learnt from the same split.

test texts --segment, tokenise, score--> probability --equal to one by one?--> documents/s, MB/s, accuracy
           `-- fastText; tf-idf and logistic regression --> the same

`python -m benchmarks.bulk --data-dir DIR`. Everything takes its turn in every round, on one core and on two; what
counts is the CPU time of the process that took most, since machines do other things meanwhile.
"""

from __future__ import annotations

import argparse
import os
import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Final

import fasttext
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits

from benchmarks.report import bars, rates, save, surroundings, table
from benchmarks.rounds import machine, measure, turns
from benchmarks.workers import Work, Workers
from models import shipped
from models.artefact import load
from models.predictor import Advance, Predictor
from models.sentences import split
from training.datasets import SETS
from training.documents import Document
from training.splits import split as sides

NEAR: Final = 1e-5
BATCH: Final = 128
"""Documents that go through `Predictor.advance` together."""
TASKS: Final = {"aclimdb": "sentiment", "enron_spam": "spam"}
COLUMNS: Final = {
    "what": "", "documents/s": ",.0f", "lowest": ",.0f", "highest": ",.0f", "MB/s": ".1f", "of fastText": ".2f",
    "accuracy": ".2%", "on 2 cores": ",.0f", "of fastText on 2": ".2f",
}  # fmt: skip
STAGES: Final = ("segment", "tokenize", "model and answers")
_TOKEN: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[!?]")


def main() -> None:
    parser = argparse.ArgumentParser("python -m benchmarks.bulk", description=__doc__.partition("\n")[0])
    parser.add_argument("--data-dir", type=Path, required=True, help="where aclimdb and enron_spam are")
    parser.add_argument("--documents", type=int, default=2000, help="of each test, drawn by chance (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="how often everything is timed (%(default)s)")
    parser.add_argument("--json", type=Path, help="writes the figures there, too")
    parser.add_argument("--picture", type=Path, help="draws them there, as PNG")
    asked = parser.parse_args()
    threadpool_limits(1)
    around = surroundings(["numpy", "sentencex", "fasttext-numpy2", "scikit-learn"])
    print(*around.values(), sep="\n")
    print(f"medians of {asked.rounds} rounds in turn; seconds are of CPU")
    rows: list[dict[str, Any]] = []
    for name in TASKS:
        found = measured(name, asked.data_dir, asked.documents, asked.rounds)
        print(f"\n{name}, {found[0]['documents']:,} documents of its test, {found[0]['MB']:.1f} MB")
        print(*table(found, COLUMNS), sep="\n")
        print("where our time goes, µs of CPU a document:")
        print(
            *table([row for row in found if "segment" in row], dict.fromkeys(("what", *STAGES), ".0f") | {"what": ""}),
            sep="\n",
        )
        rows += found
    print(f"\n{machine()}")
    if asked.json:
        save(asked.json, around, rows)
    if asked.picture:
        groups = {
            n: [(r["what"], {**r, "rate": r["documents/s"]}) for r in rows if r["set"] == n and "lowest" in r]
            for n in TASKS
        }
        bars(asked.picture, f"From text to probability, one core ({around['date']})", "documents/s", groups)


def measured(name: str, data_dir: Path, number: int, rounds: int) -> list[dict[str, Any]]:
    """A row for each that scores the documents of a set."""
    parts = sides(SETS[name].read(data_dir))
    test = parts.tests[name]
    chosen = random.Random(0).sample(test, min(number, len(test)))
    texts = [document.text for document in chosen]
    size = sum(len(text.encode()) for text in texts) / 1e6
    works: dict[str, Work] = {"fastText": fast_text(parts.train), "tf-idf, LR": tf_idf(parts.train)}
    ours = {folder.name: Predictor(load(folder)) for folder in map(shipped.folder, shipped.names())}
    ours = {of: predictor for of, predictor in ours.items() if of.startswith(TASKS[name])}
    works |= {of: scoring(predictor) for of, predictor in ours.items()}
    cores = sorted(os.sched_getaffinity(0))[:2]
    rows = []
    with Workers(works, texts, cores) as workers:
        found = {of: workers.run(of, 1)[1] for of in works}
        wrong = {of: far for of, p in ours.items() if (far := difference(found[of], p, texts)) > NEAR}
        right = [of for of in works if of not in wrong]
        took = {
            n: turns({of: timed(workers, of, n) for of in right}, rounds, len(texts)) for n in range(1, 1 + len(cores))
        }
    labels = np.array([document.label for document in chosen])
    for of in works:
        row: dict[str, Any] = {"set": name, "documents": len(texts), "MB": size, "what": of}
        row["accuracy"] = float(((np.array(found[of]) >= 0.5) == labels).mean())
        if of in wrong:
            row["what"] += f": WRONG, differs by {wrong[of]:.1e} from one by one"
        else:
            one = rates(took[1][of])
            row |= {"documents/s": one.pop("rate"), **one, "of fastText": took[1][of].ratio}
            row["MB/s"] = row["documents/s"] * size / len(texts)
            if len(cores) > 1:
                row |= {"on 2 cores": rates(took[2][of])["rate"], "of fastText on 2": took[2][of].ratio}
        if of in ours:
            row |= stages(ours[of], texts, rounds)
        rows.append(row)
    return rows


def stages(predictor: Predictor, texts: Sequence[str], rounds: int) -> dict[str, float]:
    """What each part of the way takes, in µs a document."""
    cut = [[sentence.text for sentence in split(text, predictor.artefact.language)] for text in texts]
    batches = [cut[first : first + BATCH] for first in range(0, len(cut), BATCH)]
    together = [[sentence for text in batch for sentence in text] for batch in batches]
    works: dict[str, Callable[[], object]] = {
        "segment": lambda: [split(text, predictor.artefact.language) for text in texts],
        "tokenize": lambda: [predictor.artefact.vocabulary.batch(batch) for batch in together],
        "all": lambda: [predictor.advance([(None, text) for text in batch]) for batch in batches],
    }
    segment, tokenize, rest = (1e6 * times.each for times in measure(works, rounds, len(texts)).values())
    return dict(zip(STAGES, (segment, tokenize, rest - tokenize), strict=True))


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
    language = predictor.artefact.language
    answers = predictor.advance([(None, [sentence.text for sentence in split(text, language)]) for text in texts])
    return [answer.steps[-1].probabilities[-1] for answer in answers if isinstance(answer, Advance)]


def fast_text(train: Sequence[Document]) -> Work:
    """fastText as its tutorial has it: pairs, lower case, marks apart."""

    def line(text: str) -> str:
        return " ".join(_TOKEN.findall(text.lower()))

    order = np.random.default_rng(0).permutation(len(train))
    with NamedTemporaryFile("w", suffix=".txt") as file:
        file.writelines(f"__label__{train[i].label} {line(train[i].text)}\n" for i in order)
        file.flush()
        model: Any = fasttext.train_supervised(file.name, lr=0.5, wordNgrams=2, thread=1, seed=1, verbose=0)

    def work(texts: Sequence[str]) -> list[float]:
        labels, values = model.predict([line(text) for text in texts])
        return [float(p[0]) if of[0].endswith("1") else 1 - float(p[0]) for of, p in zip(labels, values, strict=True)]

    return work


def tf_idf(train: Sequence[Document]) -> Work:
    """scikit-learn's tf-idf of words and pairs, and logistic regression."""
    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True),
        LogisticRegression(C=10.0, solver="liblinear", random_state=0),
    )
    model.fit([document.text for document in train], [document.label for document in train])
    return lambda texts: np.asarray(model.predict_proba(texts)[:, 1]).tolist()


if __name__ == "__main__":
    main()
