"""Serves the classifiers: wire format, sessions in Redis, micro-batching, metrics, settings."""

from typing import Final

VERSION: Final = "0.1.0"
"""As pyproject.toml has it, which an image does not carry."""
