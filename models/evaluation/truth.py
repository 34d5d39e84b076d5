"""When and why lines really left: `truth.jsonl`, which the engine never reads."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from pipeline.events import Truth
from pipeline.refusals import UNREADABLE

#: Cause of those who had to leave; they are no target (CONTRACT.md section 5).
INVOLUNTARY = "involuntary"
STAYED_MS = 1 << 62


class TruthError(ValueError):
    """A line of a truth file that is none; the message tells its number."""


@dataclass(frozen=True, slots=True)
class LineTruth:
    """Truth of n lines: `churn_ms` (n,) int64, `STAYED_MS` for a line that stayed; `voluntary` (n,); `cause` (n)."""

    churn_ms: NDArray[np.int64]
    voluntary: NDArray[np.bool_]
    cause: Sequence[str]


def read_truth(lines: Iterable[bytes]) -> dict[str, Truth]:
    """Truth by line id; of a line that left twice the first time.

    Raises:
        TruthError: a line is no record of the contract.
    """
    found: dict[str, Truth] = {}
    for number, raw in enumerate(lines, 1):
        if not raw.strip():
            continue
        try:
            truth = msgspec.json.decode(raw, type=Truth)
        except UNREADABLE as error:
            raise TruthError(f"line {number}: {error}") from None
        known = found.get(truth.line_id)
        if known is None or truth.churn_ms < known.churn_ms:
            found[truth.line_id] = truth
    return found


def truth_of(line_ids: Sequence[str], truths: dict[str, Truth]) -> LineTruth:
    """The truth of these lines, in their order."""
    known = [truths.get(line_id) for line_id in line_ids]
    return LineTruth(
        np.array([STAYED_MS if truth is None else truth.churn_ms for truth in known], np.int64),
        np.array([truth is not None and truth.cause != INVOLUNTARY for truth in known], np.bool_),
        ["" if truth is None else truth.cause for truth in known],
    )
