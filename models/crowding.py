"""A company that leaves with a hundred lines is one decision, not a hundred."""

from collections.abc import Sequence

import numpy as np

from pipeline.events import Example
from pipeline.ports import FloatVector

ACCOUNTS_MAX = 100_000


class Crowding:
    """Weights of leavers: of an account's n-th line that leaves, each example counts 1/n.

    The learners learn with these, so that one account does not shape the model; the calibration, which tells how many *lines*
    leave, does without. A hundred lines weigh as five (the harmonic number); an account of one line weighs as ever.
    """

    def __init__(self) -> None:
        self._lines: dict[str, dict[str, int]] = {}

    def shares(self, examples: Sequence[Example]) -> FloatVector:
        """Shape (n,), told in the order of the log; 1 for a stayer, for a correction what the leaver counted."""
        return np.array([self._share(example) for example in examples])

    def _share(self, example: Example) -> float:
        if not example.churned:
            counted = self._lines.get(example.account_id, {}).get(example.line_id, 1)
            return 1.0 / counted if example.corrects is not None else 1.0
        lines = self._lines.setdefault(example.account_id, {})
        if len(self._lines) > ACCOUNTS_MAX:
            del self._lines[next(iter(self._lines))]
        return 1.0 / lines.setdefault(example.line_id, len(lines) + 1)
