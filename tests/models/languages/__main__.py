"""Prints how often texts are warned about, by language and by set: `python -m tests.models.languages [DATA_DIR]`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from models import shipped
from models.artefact import load
from models.predictor import Predictor
from models.verdict import NOT_ENGLISH
from tests.models.languages import LANGUAGES, documents, share, texts, warned
from training import sources
from training.documents import Document
from training.measure import recipe_of
from training.splits import split

MODELS = ("spam-gru", "sentiment-gru")
"""Those of Conv1D have the vocabularies of these."""
UNKNOWN = "mostly_unknown_words"


def line(name: str, predictor: Predictor, of: Sequence[Document]) -> None:
    found = warned(predictor, of)
    print(f"{name:36} {len(of):7,} {share(found, UNKNOWN):21.2%} {share(found, NOT_ENGLISH):12.2%}", flush=True)


for model in MODELS:
    artefact = load(shipped.folder(model))
    predictor = Predictor(artefact)
    print(f"\n{model:36} {'texts':>7} {UNKNOWN:>21} {NOT_ENGLISH:>12}")
    for language, found in LANGUAGES.items():
        line(language, predictor, documents(found))
    for half, name in enumerate(("all, what the rule was chosen by", "all, what it is judged by")):
        line(name, predictor, documents(texts(half)))
    if len(sys.argv) > 1:
        recipe = recipe_of(artefact)
        sides = split(sources.documents(recipe, Path(sys.argv[1])), fold=recipe.fold)
        for name in recipe.sets:
            chosen = [document for document in sides.validation if document.set == name]
            line(f"{name}, validation", predictor, chosen)
            line(f"{name}, test", predictor, sides.tests[name])
