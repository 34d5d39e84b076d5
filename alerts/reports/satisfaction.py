"""Satisfaction in five groups: what customers answered about product, before, during and after a sale, and their manager."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, tzinfo
from statistics import fmean, median

import msgspec

from alerts.reports.month import Month
from pipeline.events import CareKind, CareRecord

GROUPS = ("product", "pre_sale", "in_sale", "after_sale", "manager")
#: A score from 1 to 10: up to this it is a customer who may leave, from that on one who praises us.
LOW_UP_TO = 4
HIGH_FROM = 9
UNKNOWN = "unknown"


class Opinion(msgspec.Struct, frozen=True):
    """What so many answers come to; None without any."""

    answers: int
    score_mean: float | None
    score_median: float | None
    low_share: float | None
    high_share: float | None


class Answers(msgspec.Struct, frozen=True):
    """One day of one region, one group."""

    day: str
    region: str
    group: str
    answers: int
    score_mean: float | None


class Satisfaction(msgspec.Struct, frozen=True):
    """`total` counts every answer, also those that name no group."""

    month: str
    total: Opinion
    by_group: dict[str, Opinion]
    by_region: dict[str, Opinion]
    by_day: list[Answers]


def satisfaction(care: Iterable[CareRecord], regions: Mapping[str, str], month: Month, zone: tzinfo) -> Satisfaction:
    """The month's answers, each record id once. `regions`: account -> region.

    Contacts in `care` that are no satisfaction, or have no score, are passed over.
    """
    told = {
        record.record_id: record
        for record in care
        if record.kind is CareKind.SATISFACTION and record.score is not None and month.holds(record.ts_ms)
    }
    by_group: dict[str, list[float]] = {group: [] for group in GROUPS}
    by_region: dict[str, list[float]] = defaultdict(list)
    cells: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    for record in told.values():
        score, group = record.score or 0.0, record.group or UNKNOWN
        region = regions.get(record.account_id, UNKNOWN)
        by_group.setdefault(group, []).append(score)
        by_region[region].append(score)
        cells[_day(record.ts_ms, zone), region, group].append(score)
    return Satisfaction(
        month=month.name,
        total=_opinion([record.score or 0.0 for record in told.values()]),
        by_group={group: _opinion(scores) for group, scores in by_group.items()},
        by_region={region: _opinion(by_region[region]) for region in sorted(by_region)},
        by_day=[
            Answers(day, region, group, len(scores), round(fmean(scores), 2))
            for (day, region, group), scores in sorted(cells.items())
        ],
    )


def _opinion(scores: list[float]) -> Opinion:
    if not scores:
        return Opinion(0, None, None, None, None)
    return Opinion(
        answers=len(scores),
        score_mean=round(fmean(scores), 2),
        score_median=round(median(scores), 2),
        low_share=round(sum(score <= LOW_UP_TO for score in scores) / len(scores), 4),
        high_share=round(sum(score >= HIGH_FROM for score in scores) / len(scores), 4),
    )


def _day(ts_ms: int, zone: tzinfo) -> str:
    return datetime.fromtimestamp(ts_ms / 1000, zone).date().isoformat()
