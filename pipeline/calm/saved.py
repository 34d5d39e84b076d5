"""The crowd as bytes, and back: one page of the partition's saved state."""

import msgspec
import numpy as np

from pipeline.calm.baseline import Baseline
from pipeline.calm.chart import Standing
from pipeline.calm.crowd import CELLS, Crowd, FeedRhythm, Floats
from pipeline.calm.incidents import Incident
from pipeline.calm.relative import CrowdNow
from pipeline.calm.rest_days import HOURS_OF_WEEK
from pipeline.features.facts import RHYTHM_DAYS
from pipeline.state.catalogue import QUANTITY_INDEX
from pipeline.state.habits import Habits

#: A page of another layout is not read.
LAYOUT = 2


class SavedBaseline(msgspec.Struct, array_like=True):
    total: bytes
    weight: bytes
    visits: bytes


class SavedCrowd(msgspec.Struct, array_like=True):
    layout: int
    regions: list[str]
    zones: list[str]
    accounts: list[int]
    lines: list[int]
    baseline: SavedBaseline
    feeds: dict[str, FeedRhythm]
    fault_rate: float
    standings: dict[str, Standing]
    incidents: dict[str, Incident]
    change: bytes
    chances: bytes
    habits: tuple[float, float, float, float]
    noted_faults: list[tuple[int, int]]
    noted_late: list[tuple[int, int]]
    noted_feeds: dict[str, int]
    lately: dict[str, Incident] = {}
    trades: list[str] = msgspec.field(default_factory=lambda: [""])


_ENCODE = msgspec.msgpack.Encoder(order="deterministic").encode
_DECODE = msgspec.msgpack.Decoder(SavedCrowd).decode


def dump_crowd(crowd: Crowd) -> bytes:
    """The crowd's page."""
    habits = crowd.habits
    return _ENCODE(
        SavedCrowd(
            LAYOUT, crowd.regions, crowd.zones, crowd.accounts.tolist(), crowd.lines.tolist(),
            _dump_baseline(crowd.baseline), crowd.feeds, crowd.fault_rate, crowd.standings,
            crowd.incidents, crowd.now.change.tobytes(), crowd.now.chances.tobytes(),
            (habits.alpha, habits.beta, habits.gamma, habits.delta),
            sorted(crowd.noted_faults.items()), sorted(crowd.noted_late.items()), crowd.noted_feeds, crowd.lately,
            crowd.trades,
        )
    )  # fmt: skip


def load_crowd(data: bytes) -> Crowd:
    """The crowd of a page that `dump_crowd` wrote.

    Raises:
        ValueError: another layout, or damaged.
    """
    saved = _DECODE(data)
    if saved.layout != LAYOUT:
        raise ValueError(f"crowd page of layout {saved.layout}, this program has {LAYOUT}")
    return Crowd(
        regions=saved.regions,
        zones=saved.zones,
        accounts=np.array(saved.accounts, np.int64),
        lines=np.array(saved.lines, np.int64),
        baseline=_load_baseline(saved.baseline, len(saved.regions), CELLS),
        feeds=saved.feeds,
        fault_rate=saved.fault_rate,
        standings=saved.standings,
        incidents=saved.incidents,
        now=CrowdNow(_floats(saved.change, len(QUANTITY_INDEX)), _floats(saved.chances, RHYTHM_DAYS + 1)),
        habits=Habits(*saved.habits),
        noted_faults=dict(saved.noted_faults),
        noted_late=dict(saved.noted_late),
        noted_feeds=saved.noted_feeds,
        lately=saved.lately,
        trades=saved.trades,
    )


def _dump_baseline(baseline: Baseline) -> SavedBaseline:
    return SavedBaseline(baseline.total.tobytes(), baseline.weight.tobytes(), baseline.visits.tobytes())


def _load_baseline(saved: SavedBaseline, channels: int, cells: int) -> Baseline:
    return Baseline(
        np.frombuffer(saved.total, np.float32).reshape(HOURS_OF_WEEK, channels, cells).copy(),
        np.frombuffer(saved.weight, np.float32).reshape(HOURS_OF_WEEK, channels).copy(),
        np.frombuffer(saved.visits, np.uint8).reshape(HOURS_OF_WEEK, channels).copy(),
    )


def _floats(data: bytes, width: int) -> Floats:
    return np.frombuffer(data, np.float64).reshape(-1, width).copy()
