"""The everyday of customer care: faults, complaints, questions and satisfaction, and outages that hit a region."""

import numpy as np
from numpy.typing import NDArray

from pipeline.events import CareKind, Stream
from pipeline.sources.operator.causes import in_region
from pipeline.sources.operator.clock import DAY_MS, HOUR_MS, MINUTE_MS, day_start_ms
from pipeline.sources.operator.config import Shock
from pipeline.sources.operator.population import KEY
from pipeline.sources.operator.scripts import Stage

DAILY = {
    CareKind.FAULT: 0.0006,
    CareKind.COMPLAINT: 0.0003,
    CareKind.PRICE_INQUIRY: 0.0004,
    CareKind.SATISFACTION: 0.0008,
}
OUTAGE_REPORTS = 0.04
OUTAGE_HURT = 0.35
OUTAGE_START_HOUR = 2
GROUPS = ("product", "pre_sale", "in_sale", "after_sale", "manager")


def everyday_care(rng: np.random.Generator, stage: Stage, day: int) -> None:
    """Records that tell little about churn, at a steady low rate."""
    live = np.flatnonzero(stage.state.live(day_start_ms(day)))
    for kind, rate in DAILY.items():
        for line in rng.choice(live, min(len(live), rng.poisson(rate * len(live)))).tolist():
            _report(rng, stage, line, kind, stage.daytime(rng, day))


def _report(rng: np.random.Generator, stage: Stage, line: int, kind: CareKind, at: int) -> None:
    account = int(stage.population.account_of[line])
    if kind is CareKind.SATISFACTION:
        score = float(np.clip(round(rng.normal(7.5, 1.5), 1), 1, 10))
        group = GROUPS[int(rng.integers(len(GROUPS)))]
        stage.agenda.add(
            Stream.CARE, at, account, line, kind=kind, severity=1, channel="survey", group=group, score=score
        )
        return
    severity = int(rng.integers(1, 5))
    stage.agenda.add(
        Stream.CARE, at, account, line, kind=kind, severity=severity, channel="hotline" if rng.random() < 0.7 else "app"
    )
    if kind is CareKind.FAULT:
        _repair(rng, stage, line, at)


def _repair(rng: np.random.Generator, stage: Stage, line: int, at: int) -> None:
    account = int(stage.population.account_of[line])
    hours = rng.gamma(2, 5)
    stage.state.fault_day[line] = (at - day_start_ms(0)) // DAY_MS
    stage.agenda.add(
        Stream.CARE,
        at + round(hours * HOUR_MS),
        account,
        line,
        kind=CareKind.FAULT_CLOSED,
        severity=1,
        channel="network",
    )
    if hours > 8 and stage.population.segment[account] == KEY:
        stage.agenda.add(
            Stream.CARE, at + 8 * HOUR_MS, account, line, kind=CareKind.SLA_BREACH, severity=4, channel="network"
        )


def outages(rng: np.random.Generator, stage: Stage, day: int) -> list[tuple[NDArray[np.bool_], int, int]]:
    """Outages that start on this day: the lines they hit and from when to when; faults are reported and remembered."""
    starting = (shock for shock in stage.config.shocks if shock.kind == "outage" and shock.day == day)
    return [_outage(rng, stage, shock, day) for shock in starting]


def _outage(rng: np.random.Generator, stage: Stage, shock: Shock, day: int) -> tuple[NDArray[np.bool_], int, int]:
    lines = in_region(stage.population, shock)
    start = day_start_ms(day) + OUTAGE_START_HOUR * HOUR_MS
    stop = start + round(shock.days * DAY_MS)
    live = np.flatnonzero(lines & stage.state.live(start))
    hurt = live[rng.random(len(live)) < OUTAGE_HURT]
    stage.state.fault_day[hurt] = day
    for line in live[rng.random(len(live)) < OUTAGE_REPORTS].tolist():
        _report(rng, stage, line, CareKind.FAULT, start + int(rng.integers(10, 300)) * MINUTE_MS)
        if rng.random() < 0.4:
            _report(rng, stage, line, CareKind.COMPLAINT, stop + int(rng.integers(10, 900)) * MINUTE_MS)
    return lines, start, stop
