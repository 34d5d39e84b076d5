"""Call records into the state, a stretch at a time, without a loop over records."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.columns import CdrColumns
from pipeline.compiled import compiled
from pipeline.kinds import KIND_FACTS
from pipeline.state.catalogue import QUANTITIES, QUANTITY_INDEX, RING_DAYS, RIVAL_HALF_LIVES
from pipeline.state.decay import DAY_MS, weights
from pipeline.state.partition import PartitionState

_FACT = {name: index for index, name in enumerate(KIND_FACTS)}
#: Quantities counted from a fact of the record's kind; the others carry an amount.
_COUNTED = {
    "voice_out": "voice_out",
    "voice_in": "voice_in",
    "messages": "sms",
    "data_sessions": "data",
    "to_rival": "to_rival",
    "to_own_network": "to_own_network",
    "hotline": "hotline",
}
#: The fact from which each quantity is counted, -1 for those with an amount.
COUNTED = np.array([_FACT[_COUNTED[name]] if name in _COUNTED else -1 for name, _, _ in QUANTITIES])
SECONDS, MEGABYTES, CHARGE = (QUANTITY_INDEX[name] for name in ("seconds", "megabytes", "charge"))
VOICE_OUT, VOICE_IN, SMS, DATA, OWN_ACT, ROAMING, FORWARDED, RIVAL = (
    _FACT[name] for name in ("voice_out", "voice_in", "sms", "data", "own_act", "roaming", "forwarded_off_net", "rival")
)
#: Bits of the column `touched`.
VOICE_BIT, MESSAGE_BIT, DATA_BIT = 1, 2, 4
#: A day's count stops here, at the limit of its 16 bits.
RING_MAX = 65_535
LINE_COLUMNS_OF_CALLS = (
    "sums", "first_ms", "last_ms", "last_own_ms", "forwarded_ms", "roaming_ms", "touched", "activity",
    "rivals"
)  # fmt: skip
#: Line, time, seconds, megabytes, charge, facts of the kind, whether it counts as an event: an entry a record.
Records = tuple[NDArray[Any], ...]
#: Columns of the lines, as named above, and account of each line with the charges of each account's cycle.
Columns = tuple[NDArray[Any], ...]
Charges = tuple[NDArray[Any], ...]


def apply_cdr(
    state: PartitionState,
    cdr: CdrColumns,
    rows: NDArray[np.int64],
    facts: NDArray[np.int8],
    counts_as_event: NDArray[np.bool_],
) -> None:
    """Add call records to their lines.

    Args:
        state: of the records' partition.
        cdr: the records, in merge order.
        rows: line of each record.
        facts: kind facts of each record, shape (n, len(KIND_FACTS)).
        counts_as_event: False for the later parts of a session, whose amounts count but which are no event of their own.
    """
    lines, accounts = state.lines, state.accounts
    records = (rows, cdr.ts_ms, cdr.duration_s, cdr.megabytes, cdr.charge, facts, counts_as_event)
    columns = tuple(lines[name] for name in LINE_COLUMNS_OF_CALLS)
    charges = (lines["account"], accounts["cycle_charge"])
    _apply(records, weights(cdr.ts_ms, state.landmark.ms), columns, charges, state.clock_ms // DAY_MS)
    lines.touch(rows)
    accounts.touch(lines["account"][rows[cdr.charge > 0]])


@compiled
def _apply(records: Records, weight: NDArray[np.float64], columns: Columns, charges: Charges, today: int) -> None:
    """Record after record, so that sums do not depend on where blocks begin and end; `weight`: at each half-life."""
    rows, ts_ms, seconds, megabytes, charge, facts, counts_as_event = records
    sums, first, last, last_own, forwarded, roaming, touched, activity, rivals = columns
    account_of, cycle_charge = charges
    amounts = np.zeros(len(COUNTED))
    for number in range(len(rows)):
        row, ts, fact, is_event = rows[number], ts_ms[number], facts[number], counts_as_event[number]
        for quantity in range(len(COUNTED)):
            if COUNTED[quantity] >= 0:
                amounts[quantity] = fact[COUNTED[quantity]] * is_event
        amounts[SECONDS] = seconds[number] * (fact[VOICE_OUT] + fact[VOICE_IN])
        amounts[MEGABYTES], amounts[CHARGE] = megabytes[number], charge[number]
        _add(sums[row], amounts, weight[number])
        if is_event and fact[RIVAL] > 0:
            _add_to_rival(rivals[row], fact[RIVAL] - 1, weight[number])
        if charge[number] > 0:
            cycle_charge[account_of[row]] += np.float32(charge[number])
        first[row], last[row] = min(first[row], ts), max(last[row], ts)
        for times, what in ((last_own, OWN_ACT), (forwarded, FORWARDED), (roaming, ROAMING)):
            if fact[what]:
                times[row] = max(times[row], ts)
        # A call that is forwarded counts as voice.
        touched[row] |= MESSAGE_BIT * fact[SMS] | DATA_BIT * fact[DATA] | VOICE_BIT * (not (fact[SMS] or fact[DATA]))
        _count(activity[row], ts // DAY_MS, today, is_event)


@compiled
def _add_to_rival(rivals: NDArray[np.float32], place: int, weight: NDArray[np.float64]) -> None:
    """Count a call or message with a customer of the rival at this place, at the half-lives that are kept of rivals."""
    for number, half_life in enumerate(RIVAL_HALF_LIVES):
        rivals[place * len(RIVAL_HALF_LIVES) + number] += np.float32(weight[half_life])


@compiled
def _add(sums: NDArray[np.float32], amounts: NDArray[np.float64], weight: NDArray[np.float64]) -> None:
    """What one record brings of each quantity, at every half-life."""
    for quantity in range(len(amounts)):
        if amounts[quantity] != 0.0:
            for half_life in range(len(weight)):
                sums[quantity * len(weight) + half_life] += np.float32(amounts[quantity] * weight[half_life])


@compiled
def _count(ring: NDArray[np.uint16], day: int, today: int, is_event: bool) -> None:
    """One event more on its day, stopping at `RING_MAX`, if the day is in the ring."""
    if is_event and today - RING_DAYS + 1 < day <= today + 1:
        ring[day % RING_DAYS] = min(ring[day % RING_DAYS] + 1, RING_MAX)
