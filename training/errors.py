"""What can go wrong in training, beside the errors of the models.

TrainingError      the root: what, got, wanted, and the way out in one message
├── DataError      a data set that is missing, damaged or not what its publisher published
├── RecipeError    a recipe that asks for something that does not exist
└── ExportError    a model that a graph cannot hold, or does not hold as it is
"""

from __future__ import annotations


class TrainingError(Exception):
    """Shown by the command line without a traceback."""


class DataError(TrainingError):
    pass


class RecipeError(TrainingError):
    pass


class ExportError(TrainingError):
    pass
