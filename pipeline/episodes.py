"""Signals going on and off: an episode begins at `on`, ends below `off`, and begins anew when its level rises."""

from collections import defaultdict
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pipeline.events import Level
from pipeline.state.cases import Case, Episode
from pipeline.state.table import ColumnTable

NOWHERE: list[int] = []

LEVEL_RANK: dict[Level, int] = {Level.WATCH: 0, Level.WARN: 1, Level.CRITICAL: 2}


def raise_episode(
    case: Case,
    name: str,
    now_ms: int,
    strength: float,
    level: Level,
    evidence: Mapping[str, float],
    started_by: str = "",
    *,
    told: bool = True,
) -> bool:
    """Note that a signal is on; returns whether this deserves a warning (it came on, or its level rose).

    `started_by`: id of the record that says so; empty at a tick. Not `told`: it is kept as evidence and deserves none.
    """
    episode = case.episodes.get(name)
    if episode is None:
        case.episodes[name] = Episode(now_ms, now_ms, level, strength, dict(evidence), started_by, told=told)
        return told
    episode.strength, episode.told = strength, told
    episode.evidence = dict(evidence)
    if LEVEL_RANK[level] <= LEVEL_RANK[episode.level]:
        return False
    episode.level, episode.level_ms, episode.started_by = level, now_ms, started_by
    return told


def end_episode(case: Case, name: str) -> bool:
    """Note that a signal is off; returns whether it was on."""
    return case.episodes.pop(name, None) is not None


def places_by_episode(table: ColumnTable, rows: NDArray[np.int64]) -> Mapping[str, list[int]]:
    """By signal the places among these rows of the lines or accounts of which it is on: one look at each case."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    places = np.flatnonzero(table.has_case(rows))
    for place, row in zip(places.tolist(), rows[places].tolist(), strict=True):
        for name in table.cases[row].episodes:
            found[name].append(place)
    return found
