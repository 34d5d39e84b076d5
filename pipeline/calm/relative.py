"""The crowd's own change, from the same decayed sums as a line's: what a line is judged against.

No baseline to learn and nothing that a late record could spoil: the sums over all lines of a region and segment are as exact
as those of one line, and a festival, an outage or a quiet season is in them as it is in the line's.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from pipeline.features.facts import RHYTHM_DAYS, Facts
from pipeline.state.catalogue import FAST, HALF_LIVES_DAYS, QUANTITY_INDEX, SLOW

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

#: Lines that speak for the crowd: known long enough for a usual rate, and not gone already.
MIN_AGE_DAYS, MAX_GAP_DAYS = 14.0, 14.0
#: A busy line: 95 in 100 use less. A line's usual rate counts up to so many times as much as that of a busy one; its rate now
#: up to so many times its own usual one and a busy one's.
BUSY_SHARE, HEAVIEST, BUSIEST = 0.95, 1.5, 3.0
#: Events of the wider crowd that stand beside the cell's own, so that a few lines are no crowd.
SHRINK_EVENTS = 40.0
#: The crowd can excuse a drop down to this, and makes a missing rise a drop up to that.
LEAST_CHANGE, MOST_CHANGE = 0.05, 1.5
#: A day can be so much of a chance to call, against an ordinary one.
MOST_CHANCE = 1.3
SHRINK_LINES = 20.0
#: Not everyday usage: the crowd's change says nothing of it.
APART = ("hotline",)


@dataclass(slots=True)
class CrowdNow:
    """The crowd as of the last daily sweep, by cell (region and segment).

    `change`: rate now over usual rate by quantity, (n_cells, n_quantities). `chances`: how many ordinary days the last 0 to
    28 complete days were worth, (n_cells, 29).
    """

    change: Floats = field(default_factory=lambda: np.ones((0, len(QUANTITY_INDEX))))
    chances: Floats = field(default_factory=lambda: np.zeros((0, RHYTHM_DAYS + 1)))

    def beside(self, facts: Facts, cells: Ints) -> Facts:
        """The same facts with what the crowd of each line's cell tells; a cell not seen yet is ordinary."""
        known = np.flatnonzero(cells < len(self.change))
        change = np.ones((len(cells), len(QUANTITY_INDEX)))
        change[known] = self.change[cells[known]]
        gap = np.nan_to_num(np.floor(facts.gap_days), nan=0.0)
        chances = gap.copy()
        within = np.minimum(gap[known], RHYTHM_DAYS).astype(np.int64)
        chances[known] += self.chances[cells[known], within] - within
        return replace(facts, crowd_change=change, gap_chances=chances)


def crowd_now(facts: Facts, days: NDArray[np.uint16] | Floats, cells: Ints, n_cells: int, segments: int) -> CrowdNow:
    """What the crowd of each cell does now.

    Args:
        facts: of all live lines at a daily sweep.
        days: events of each line on each of the last 28 days, oldest first.
        cells: cell of each line; a cell is region * `segments` + segment.
        n_cells: how many cells there are.
        segments: lines of one segment everywhere are the wider crowd of each of its cells.
    """
    speaks = (facts.age_days >= MIN_AGE_DAYS) & (np.nan_to_num(facts.gap_days, nan=np.inf) <= MAX_GAP_DAYS)
    rows = np.flatnonzero(speaks)
    change = _change(facts.rates[rows], cells[rows], n_cells, segments)
    return CrowdNow(change, _chances(days[rows] > 0, cells[rows], n_cells, segments))


def _change(rates: Floats, cells: Ints, n_cells: int, segments: int) -> Floats:
    window_days = HALF_LIVES_DAYS[FAST] / np.log(2.0)
    slow = rates[:, :, SLOW]
    busy = np.quantile(slow, BUSY_SHARE, axis=0) if len(slow) else np.zeros(slow.shape[1])
    now = np.minimum(rates[:, :, FAST], BUSIEST * (slow + busy))
    share = np.minimum(1.0, np.divide(HEAVIEST * busy, slow, out=np.ones_like(slow), where=slow > 0))
    seen, usual = (_by_cell(part * share * window_days, cells, n_cells) for part in (now, slow))
    # A quantity that is no count (seconds, money) is worth as many events as the lines have of them.
    events = slow[:, [QUANTITY_INDEX[name] for name in ("voice_out", "voice_in", "messages", "data_sessions")]].sum()
    weight = SHRINK_EVENTS * np.divide(slow.sum(axis=0), events, out=np.ones(slow.shape[1]), where=events > 0) + 1e-12
    wide_seen, wide_usual = (_over_regions(part, segments) for part in (seen, usual))
    wide = (wide_seen + weight) / (wide_usual + weight)
    result = (seen + weight * wide) / (usual + weight)
    result[:, [QUANTITY_INDEX[name] for name in APART]] = 1.0
    change: Floats = np.clip(result, LEAST_CHANGE, MOST_CHANGE)
    return change


def _chances(active: NDArray[np.bool_], cells: Ints, n_cells: int, segments: int) -> Floats:
    """Sums from yesterday back of each day's share of active lines over the ordinary (median) day's."""
    counts = _by_cell(active.astype(np.float64), cells, n_cells)
    lines = np.bincount(cells, minlength=n_cells).astype(np.float64)[:, None]
    wide_counts, wide_lines = _over_regions(counts, segments), _over_regions(lines, segments)
    wide = _over_median(wide_counts / np.maximum(wide_lines, 1.0))
    usual = np.median(counts, axis=1, keepdims=True)
    own = (counts + SHRINK_LINES * wide) / (usual + SHRINK_LINES)
    worth = np.clip(own, 0.0, MOST_CHANCE)[:, ::-1]
    return np.concatenate([np.zeros((n_cells, 1)), np.cumsum(worth, axis=1)], axis=1)


def _over_median(shares: Floats) -> Floats:
    usual = np.median(shares, axis=1, keepdims=True)
    result: Floats = np.divide(shares, usual, out=np.ones_like(shares), where=usual > 0)
    return result


def _by_cell(values: Floats, cells: Ints, n_cells: int) -> Floats:
    columns = [np.bincount(cells, values[:, column], n_cells) for column in range(values.shape[1])]
    return np.column_stack(columns)


def _over_regions(values: Floats, segments: int) -> Floats:
    """The sum over all cells of a cell's segment, for each cell."""
    result = np.empty_like(values)
    for segment in range(segments):
        result[segment::segments] = values[segment::segments].sum(axis=0)
    return result
