"""Tests of models/arrays."""
