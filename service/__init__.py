"""Serves the classifiers: wire format, sessions in Redis, micro-batching, metrics, settings."""
