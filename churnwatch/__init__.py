"""Composition: the only place that builds things. Command line, Faust app, demo, embedded services."""

__version__ = "0.1.0"
