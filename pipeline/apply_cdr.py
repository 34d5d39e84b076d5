"""Call records into the state, a stretch at a time, without a loop over records."""

import numpy as np
from numpy.typing import NDArray

from pipeline.columns import CdrColumns
from pipeline.kinds import KIND_FACTS, RIVAL_PLACES
from pipeline.state.catalogue import HALF_LIVES_DAYS, QUANTITIES, RING_DAYS, RIVAL_HALF_LIVES, SUMS_WIDTH
from pipeline.state.decay import DAY_MS, RATES_PER_MS, weights
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
ONE = np.uint16(1)
#: Bits of the column `touched`.
VOICE_BIT, MESSAGE_BIT, DATA_BIT = 1, 2, 4
#: A day's count stops here, at the limit of its 16 bits.
RING_MAX = 65_535


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
    _add_to_sums(state, _amounts(cdr, facts, counts_as_event.astype(np.float64)), cdr, rows)
    _add_to_rivals(state, cdr, rows, facts, counts_as_event)
    _cycle_charge(state, cdr, rows)
    _last_seen(state, cdr, rows, facts)
    _daily_activity(state, cdr, rows, counts_as_event)
    _touch(state, rows, facts)
    state.lines.touch(rows)


def _add_to_sums(state: PartitionState, amounts: NDArray[np.float64], cdr: CdrColumns, rows: NDArray[np.int64]) -> None:
    """Add what each record brings of each quantity, weighted, at every half-life.

    np.add.at adds to a sum in the order of the records, so that the sums do not depend on where blocks begin and end.
    """
    sums = state.lines["sums"].reshape(-1)
    found = np.flatnonzero(amounts)
    quantity = found // len(cdr)
    record = found - quantity * len(cdr)
    amount = amounts.reshape(-1)[found]
    cells = rows[record] * SUMS_WIDTH + quantity * len(HALF_LIVES_DAYS)
    for half_life, weight in enumerate(np.ascontiguousarray(weights(cdr.ts_ms, state.landmark.ms).T)):
        np.add.at(sums, cells + half_life, (amount * weight[record]).astype(np.float32))


def _add_to_rivals(
    state: PartitionState,
    cdr: CdrColumns,
    rows: NDArray[np.int64],
    facts: NDArray[np.int8],
    counts_as_event: NDArray[np.bool_],
) -> None:
    """Count calls and messages with each rival's customers, in the order of the records as all sums."""
    place = facts[:, _FACT["rival"]]
    found = np.flatnonzero((place > 0) & counts_as_event)
    if not len(found):
        return
    rivals = state.lines["rivals"].reshape(-1)
    kept = len(RIVAL_HALF_LIVES)
    cells = (rows[found] * RIVAL_PLACES + place[found] - 1) * kept
    weight = np.exp(np.outer(cdr.ts_ms[found] - state.landmark.ms, RATES_PER_MS[list(RIVAL_HALF_LIVES)]))
    for half_life in range(kept):
        np.add.at(rivals, cells + half_life, weight[:, half_life].astype(np.float32))


def _amounts(cdr: CdrColumns, facts: NDArray[np.int8], events: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each record brings of each quantity, shape (n_quantities, n)."""
    amounts = np.empty((len(QUANTITIES), len(cdr)))
    for column, (name, _, _) in enumerate(QUANTITIES):
        if name in _COUNTED:
            amounts[column] = facts[:, _FACT[_COUNTED[name]]] * events
        elif name == "seconds":
            amounts[column] = cdr.duration_s * (facts[:, _FACT["voice_out"]] + facts[:, _FACT["voice_in"]])
        elif name == "megabytes":
            amounts[column] = cdr.megabytes
        else:
            amounts[column] = cdr.charge
    return amounts


def _cycle_charge(state: PartitionState, cdr: CdrColumns, rows: NDArray[np.int64]) -> None:
    charged = np.flatnonzero(cdr.charge > 0)
    accounts = state.lines["account"][rows[charged]]
    np.add.at(state.accounts["cycle_charge"], accounts, cdr.charge[charged].astype(np.float32))
    state.accounts.touch(accounts)


def _last_seen(state: PartitionState, cdr: CdrColumns, rows: NDArray[np.int64], facts: NDArray[np.int8]) -> None:
    np.minimum.at(state.lines["first_ms"], rows, cdr.ts_ms)
    np.maximum.at(state.lines["last_ms"], rows, cdr.ts_ms)
    own = facts[:, _FACT["own_act"]] > 0
    np.maximum.at(state.lines["last_own_ms"], rows[own], cdr.ts_ms[own])
    for column, fact in (("forwarded_ms", "forwarded_off_net"), ("roaming_ms", "roaming")):
        these = np.flatnonzero(facts[:, _FACT[fact]])
        if len(these):
            np.maximum.at(state.lines[column], rows[these], cdr.ts_ms[these])


def _touch(state: PartitionState, rows: NDArray[np.int64], facts: NDArray[np.int8]) -> None:
    """Note by which services each line was heard of, for the next tick. A call that is forwarded counts as voice."""
    touched = state.lines["touched"]
    for bit, fact in ((MESSAGE_BIT, "sms"), (DATA_BIT, "data")):
        these = rows[facts[:, _FACT[fact]] > 0]
        touched[these] |= bit
    voice = rows[(facts[:, _FACT["sms"]] | facts[:, _FACT["data"]]) == 0]
    touched[voice] |= VOICE_BIT


def _daily_activity(
    state: PartitionState, cdr: CdrColumns, rows: NDArray[np.int64], counts_as_event: NDArray[np.bool_]
) -> None:
    day = cdr.ts_ms // DAY_MS
    today = state.clock_ms // DAY_MS
    in_ring = counts_as_event & (day > today - RING_DAYS + 1) & (day <= today + 1)
    _count_up(state.lines["activity"].reshape(-1), (rows * RING_DAYS + day % RING_DAYS)[in_ring])


def _count_up(ring: NDArray[np.uint16], places: NDArray[np.int64]) -> None:
    """Add one at each place, stopping at `RING_MAX`: the same counts whichever way the records are cut."""
    if len(places) + int(ring[places].max(initial=0)) <= RING_MAX:
        # A plain 1 would be an int64, and sixty times as slow.
        np.add.at(ring, places, ONE)
        return
    cells, counts = np.unique(places, return_counts=True)
    ring[cells] = np.minimum(ring[cells] + counts, RING_MAX)
