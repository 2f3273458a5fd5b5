"""Measures speed: every comparison in one run, A and B in turn, outputs compared equal before any speed is printed."""
