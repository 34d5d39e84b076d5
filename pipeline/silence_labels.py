"""Silence as a label: a prepaid line that was last active 40 days ago counts as gone (proxy), after 90 days for good.

Source: CONTRACT.md section 3. The churn's time is the last activity. New activity takes it back. While the calls of a line's
region are missing its silence says nothing: nobody becomes a leaver by it until they are back.
"""

import numpy as np
from numpy.typing import NDArray

from pipeline.calm.sample import regions_of
from pipeline.events import ChurnKind
from pipeline.ports import LabelKeeper
from pipeline.state.decay import DAY_MS
from pipeline.state.partition import PartitionState

PROXY_DAYS, FINAL_DAYS = 40, 90
ACTIVE, PROXY, FINAL = 0, 1, 2


def label_silence(state: PartitionState, rows: NDArray[np.int64], now_ms: int, labels: LabelKeeper) -> None:
    """Tell the keeper which of these live lines fell silent or came back since the last sweep."""
    lines = state.lines
    last = lines["last_ms"][rows]
    prepaid = state.accounts["prepaid"][lines["account"][rows]] == 1
    quiet_days = np.where((last > 0) & prepaid, (now_ms - last) // DAY_MS, 0)
    stage = np.select([quiet_days >= FINAL_DAYS, quiet_days >= PROXY_DAYS], [FINAL, PROXY], ACTIVE)
    before = lines["silence_stage"][rows]
    missing = state.crowd.is_held(regions_of(state, rows))
    stage = np.where(missing & (stage > before), before, stage)
    for place in np.flatnonzero(stage != before).tolist():
        row = int(rows[place])
        lines["silence_stage"][row] = stage[place]
        if stage[place] > before[place]:
            labels.churned(lines.ids[row], int(last[place]), now_ms, ChurnKind.SILENCE)
        else:
            labels.returned(lines.ids[row], int(last[place]))
        lines.touch(row)
