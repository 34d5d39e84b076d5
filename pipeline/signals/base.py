"""What a gradual signal is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.features.facts import Facts, Floats, Rows
from pipeline.state.table import ColumnTable


@dataclass(frozen=True, slots=True)
class SoftSignal:
    """A detector over many lines at once.

    Attributes:
        strength: facts of n lines -> strengths in [0, 1], shape (n,); 0 where nothing can be said.
        evidence: facts of n lines -> named columns of numbers a manager understands, each of shape (n,).
        may_speak: of rows of the line table, those of which its strength can be above 0. With it the signal is also looked at
            when a line had activity since the last tick, of those lines; without it only at the daily sweep.
        held_with: the feed it is about, when it speaks of something missing: it is held back while the crowd of the line's
            region, or the whole feed, is silent. Empty: it speaks of something that happened.
        benign: it explains others and warns of nothing.
    """

    name: str
    strength: Callable[[Facts], Floats]
    evidence: Callable[[Facts], Mapping[str, Floats]]
    may_speak: Callable[[ColumnTable, Rows], NDArray[np.bool_]] | None = None
    held_with: str = ""
    benign: bool = False


def unit(values: Floats) -> Floats:
    """Values cut to [0, 1], with NaN as 0: what cannot be computed is no signal."""
    result: Floats = np.minimum(np.maximum(np.where(np.isnan(values), 0.0, values), 0.0), 1.0)
    return result


def ratio(part: Floats, whole: Floats) -> Floats:
    """`part / whole`, 0 where the whole is 0."""
    result: Floats = np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
    return result
