"""Everything that determines a training, in one TOML file.

recipes/<task>-<family>.toml, key=value … --load--> Recipe (frozen; what it does not know, it refuses)
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Final, get_type_hints

from models.families import FAMILIES, check, size_types
from training import ranges
from training.datasets import SETS
from training.errors import RecipeError

LINEAR, TRANSFORMER = "linear", "transformer"
"""The teachers that are no artefacts: the linear path of the classifier itself, and that of beliefs.py."""
_CHOICES: Final = {"family": tuple(FAMILIES), "loss": ("sum", "mean", "rising", "last")}
_KINDS: Final = ("ratios", "idf")
_NUMBERS: Final = {"repeat": (int, float), "others": (int,)}


@dataclass(frozen=True)
class Recipe:
    """`task` and `family` give an artefact its name; `seed` is that of all chance in a training.

    `sets` are learnt from together; or `file`, a CSV or JSON-lines file of one's own (see table.py), from the
    folder that one stands in, with its `labels` in order, the positive one last (else those found, sorted).
    `sizes` are the family's own, as its class names them.

    `loss`: how the steps of a document are put together, see `loss.sequence_loss`. `words`: the most of the vocabulary.
    `most_sentences`: of a longer document only so many are learnt from, its first and its last ones (0: all); scoring
    always reads everything. `batch`: documents per update. `rate` falls to nothing over `epochs` along a half cosine,
    after a rise over `warmup` of them; `weight_decay` is AdamW's, and a gradient longer than `clip` is cut to it.
    `average`: the share of itself that a running mean of the weights keeps at every update, and that mean is what is
    learnt (0: the weights as they are). `patience`: epochs without a better running accuracy on validation before
    training ends. `held_out`, `fold`: see `splits.split`. `repeat`: how often an epoch meets the documents of a set
    that is small beside the others (once where it is not named), or large (0.25: a quarter of them, drawn anew).
    `teacher`: who tells, together, what to believe of the sets' documents without labels, "linear", "transformer" or
    folders of artefacts (see teacher.py); they are left out where none is named. `parts`: into how many parts, two and
    more, these are cut as well, for teachers to say something of each (see parts.py; 1: they stay whole).
    `calibrated_on`: the sets whose validation documents say what a logit is worth (all where none is named). A sentence
    that is all of a text says more than the first of many, so no calibration suits both.
    `vary`: the share of an epoch's documents that are met as another stretch of themselves, with other sentence ends.
    `dress`: the share of the documents of `few_writers` (of all sets, where none is named) that an epoch puts pieces
    around, such as headers and footers, see pieces.py; about one in nine of these draws none, see `augment.PLACES`. The
    linear path, which sees no epochs, learns from every document twice: as it is, and with pieces; where `few_writers`
    leaves its set out, as it is both times.
    `others`: how many passages of another task's sets are learnt from as the first label, such as reviews as ham.
    `linear`: the kinds of weights (ratios, idf) of the linear path beside the classifier, see `wide.fit`.
    `few_writers`: sets whose own names and places are left out of the vocabulary, see `corpus.vocabulary`.
    `minutes`: no epoch begins that would end after so long, on a CPU in processor time (0: whatever they take).
    """

    task: str
    family: str
    sets: tuple[str, ...] = ()
    file: str = ""
    labels: tuple[str, ...] = ()
    sizes: dict[str, float | int | str] = field(default_factory=dict)
    seed: int = 1
    words: int = 30_000
    most_sentences: int = 0
    loss: str = "mean"
    epochs: int = 10
    patience: int = 2
    batch: int = 32
    rate: float = 1e-3
    warmup: float = 0.25
    weight_decay: float = 0.0
    clip: float = 1.0
    average: float = 0.0
    minutes: float = 0.0
    held_out: tuple[str, ...] = ()
    fold: int = 0
    repeat: dict[str, float] = field(default_factory=dict)
    teacher: tuple[str, ...] = ()
    parts: int = 1
    calibrated_on: tuple[str, ...] = ()
    vary: float = 0.0
    dress: float = 0.0
    others: dict[str, int] = field(default_factory=dict)
    few_writers: tuple[str, ...] = ()
    linear: tuple[str, ...] = ("ratios",)

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            _known(getattr(self, name), choices, f"{name} =")
        for name in self.sets:
            _known(name, SETS, "sets:")
        for name in self.calibrated_on:
            _known(name, self.sets, "calibrated_on:")
        for name in self.linear:
            _known(name, _KINDS, "linear:")
        for name in self.few_writers:
            _known(name, self.sets, "few_writers:")
        for name in self.others:
            _known(name, SETS, "others:")
        for name in self.repeat:
            _known(name, self.sets or (Path(self.file).name,), "repeat:")
        self._check_labels()
        self._check_sizes()
        self._check_teacher()
        ranges.check(self.to_dict())

    @property
    def name(self) -> str:
        return f"{self.task}-{self.family}"

    def _check_labels(self) -> None:
        """Public sets bring their labels along, if they agree on them; a file's may be found later."""
        if bool(self.sets) == bool(self.file):
            raise RecipeError(f"sets = {list(self.sets)} and file = {self.file!r}: there are none or both, name one")
        if self.sets:
            labels = {SETS[name].labels for name in self.sets}
            if len(labels | {self.labels or min(labels)}) > 1:
                raise RecipeError(
                    f"sets: {list(self.sets)} have different labels, {sorted(labels)}: name sets of one task"
                )
            object.__setattr__(self, "labels", labels.pop())
        if len(set(self.labels)) != len(self.labels) or len(self.labels) == 1:
            raise RecipeError(f"labels = {list(self.labels)}, wanted two or more different ones")
        if unmeant := [label for label in self.labels if label != label.strip() or label in ("", "-1")]:
            raise RecipeError(f"labels: {unmeant[0]!r}, wanted a word or whole number without blanks around it, not -1")
        if len(self.labels) > 2 and self.sizes.get("wide"):
            raise RecipeError(f"sizes.wide is for two labels, these are {len(self.labels)}: leave it out")

    def _check_sizes(self) -> None:
        known = size_types(self.family, wide=bool(self.sizes.get("wide")))
        for name in self.sizes:
            _known(name, known, "sizes:")
        if "max_tokens" in known and self.dress:
            raise RecipeError(
                f"dress = {self.dress}: it makes texts longer, and {self.family} has room for sizes.max_tokens: "
                "leave it out"
            )
        try:
            check(self.family, self.sizes)
        except ValueError as error:
            raise RecipeError(f"sizes: {error}") from None

    def _check_teacher(self) -> None:
        if self.teacher and not any(SETS[name].unlabelled for name in self.sets):
            raise RecipeError(
                f"teacher = {list(self.teacher)}, but {' and '.join(self.sets) or 'a file'} has no documents without "
                "labels: leave it out"
            )
        if LINEAR in self.teacher and not self.sizes.get("wide"):
            raise RecipeError('teacher = "linear" is the linear path, and sizes.wide asks for none: set it to true')

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def told(self) -> dict[str, Any]:
        """What it says other than its defaults: the same still, when recipes get another field."""
        bare = Recipe(self.task, self.family, self.sets, self.file).to_dict()
        first = ("task", "family", "sets" if self.sets else "file")
        return {name: value for name, value in self.to_dict().items() if name in first or value != bare[name]}


def load(path: Path, overrides: Iterable[str] = ()) -> Recipe:
    """Reads a recipe; `overrides` are `key=value`, the value as TOML writes it or a bare word."""
    if not path.is_file():
        raise RecipeError(f"{path} does not exist: name a TOML file such as training/recipes/sentiment-gru.toml")
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{path} is not TOML: {error}") from None
    for override in overrides:
        name, equals, text = override.partition("=")
        if not equals:
            raise RecipeError(f"got {override!r}, wanted key=value, such as epochs=3 or sizes.hidden=64")
        target, _, inner = name.partition(".")
        if inner:
            if not isinstance(table.setdefault(target, {}), dict):
                raise RecipeError(f"got {override!r}, but {target} is no table: give {target}=value")
            table[target][inner] = _value(text)
        else:
            table[target] = _value(text)
    return from_dict(table)


def from_dict(table: dict[str, Any]) -> Recipe:
    """A recipe from a table of plain values, each checked by name and type."""
    hints = get_type_hints(Recipe)
    values: dict[str, Any] = {}
    for name, value in table.items():
        _known(name, hints, "recipe:")
        values[name] = _typed(name, value, hints[name])
    if missing := [f.name for f in fields(Recipe)[:2] if f.name not in values]:
        raise RecipeError(f"the recipe lacks {', '.join(missing)}: add them")
    return Recipe(**values)


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _typed(name: str, value: Any, wanted: Any) -> Any:
    if wanted is float and type(value) is int:
        return float(value)
    if wanted == tuple[str, ...] and isinstance(value, Sequence) and all(isinstance(v, str) for v in value):
        return (value,) if isinstance(value, str) else tuple(value)
    if wanted in (int, float, str) and type(value) is not wanted:
        raise RecipeError(f"{name} = {value!r} is of type {type(value).__name__}, wanted {wanted.__name__}")
    if name == "sizes" and not isinstance(value, dict):
        raise RecipeError(f"sizes = {value!r}, wanted a table: [sizes] and lines such as hidden = 64")
    if name in _NUMBERS and not (isinstance(value, dict) and all(type(v) in _NUMBERS[name] for v in value.values())):
        whole = "whole " if float not in _NUMBERS[name] else ""
        raise RecipeError(
            f"{name} = {value!r}, wanted a table of {whole}numbers: [{name}] and lines such as youtube_spam = 6"
        )
    return value


def _known(name: str, known: Iterable[str], where: str) -> None:
    known = sorted(known)
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.0)
        raise RecipeError(f"{where} {name!r} is unknown, the nearest is {near[0]!r}; known are {', '.join(known)}")
