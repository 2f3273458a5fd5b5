"""A text as a picture: the running probability after every sentence.

text --Segmenter--> sentences --Predictor.advance--> steps --Figure--> PNG
"""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Final

from matplotlib.figure import Figure

from models.artefact import load
from models.errors import UndertoneError
from models.predictor import Predictor
from models.sentences import split

SHOWN: Final = "Shown"
"""A text in the picture's file: the model's digest, and the probabilities as they are drawn."""
CALM: Final = "#0072b2"
ALARM: Final = "#d55e00"
"""Blue and vermilion of Okabe and Ito's palette, which colour-blind people tell apart."""


def draw(text: str, artefact: Path, output: Path) -> None:
    """Writes the picture; every sentence is a bar beside its own words."""
    loaded = load(artefact)
    sentences = split(text, loaded.language)
    (advance,) = Predictor(loaded).advance([(None, [sentence.text for sentence in sentences])])
    if isinstance(advance, UndertoneError):
        raise advance
    running = [step.probabilities[-1] for step in advance.steps]
    lines = [textwrap.fill(" ".join(sentence.text.split()), 74, max_lines=2) for sentence in sentences]
    figure = Figure(figsize=(10, 0.62 * len(lines) + 0.9), layout="constrained")
    axes = figure.subplots()
    places = range(len(lines))
    labels = [f"{probability:.2f}" for probability in running]
    axes.barh(places, running, color=[ALARM if p >= 0.5 else CALM for p in running], height=0.7)
    for place, probability, label in zip(places, running, labels, strict=True):
        inside = probability > 0.9
        axes.text(
            probability + (-0.01 if inside else 0.01),
            place,
            label,
            va="center",
            ha="right" if inside else "left",
            color="white" if inside else "black",
            fontsize=9,
        )
    axes.axvline(0.5, color="black", linewidth=0.8, linestyle=":")
    axes.set(
        xlim=(0, 1), yticks=list(places), yticklabels=lines, xlabel=f"probability of {loaded.labels[-1]}, as it runs"
    )
    axes.tick_params(axis="y", labelsize=9, length=0)
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(output, dpi=110, metadata={"Software": None, SHOWN: " ".join([loaded.digest, *labels])})
