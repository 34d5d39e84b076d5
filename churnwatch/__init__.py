"""Composition: the only place that builds things. Command line, Faust app, demo, embedded services."""

import os

__version__ = "0.1.0"

#: Before numpy is imported. Its matrix library would start a thread a core, each of which waits for the next product in a loop:
#: on matrices as small as ours that took a quarter of the learning (docs/adr/0068-matrices-take-one-thread.md).
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
