"""Single churners: the ledger of lead times, and the best and the worst cases as timelines."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from churnwatch.backtest.report.charts import timeline
from churnwatch.backtest.report.markup import day, number, table
from churnwatch.backtest.run import Backtest
from models.evaluation.daily_lists import DAY_MS
from models.evaluation.report_figures import Judgement

SHOWN = 10
DAYS_SHOWN = 60
LEDGER_MAX = 500
#: A missed case is only worth looking at when there was time to see it.
LISTED_DAYS_MIN = 14


def best_and_worst(result: Backtest, judgement: Judgement) -> tuple[list[int], list[int]]:
    """Places in the lead times: the longest ones, and undetected ones that stood lowest in their last list."""
    leads = judgement.leads
    best = sorted(np.flatnonzero(leads.days > 0).tolist(), key=lambda place: (-leads.days[place], leads.lines[place]))
    missed = np.flatnonzero(leads.days == 0).tolist()
    standing = _standing(result, judgement, [leads.lines[place] for place in missed])
    listed = [place for place in missed if len(standing[leads.lines[place]]) >= LISTED_DAYS_MIN]
    listed.sort(key=lambda place: (list(standing[leads.lines[place]].values())[-1], leads.lines[place]))
    return best[:SHOWN], listed[:SHOWN]


def case_table(result: Backtest, judgement: Judgement, places: Sequence[int]) -> str:
    """These churners with their places in the daily lists until they left."""
    lines = [judgement.leads.lines[place] for place in places]
    standing = _standing(result, judgement, lines)
    warned = _warned_days(result)
    rows = []
    for place, line in zip(places, lines, strict=True):
        line_id, churn_ms = result.lists.line_ids[line], int(judgement.truth.churn_ms[line])
        first = churn_ms // DAY_MS * DAY_MS - (DAYS_SHOWN - 1) * DAY_MS
        days = [first + number * DAY_MS for number in range(DAYS_SHOWN)]
        marks = [number for number, day_ms in enumerate(days) if day_ms in warned[line_id]]
        drawing = timeline(f"{line_id} until it left", [standing[line].get(one) for one in days], marks)
        rows.append(
            (
                line_id,
                judgement.leads.causes[place],
                day(churn_ms),
                number(float(judgement.leads.days[place]), 1),
                drawing,
            )
        )
    return table(
        ("line", "cause", "left on", "lead, days", f"place in the list, last {DAYS_SHOWN} days"), rows, raw_last=True
    )


def ledger(result: Backtest, judgement: Judgement) -> str:
    """Every churner (at most `LEDGER_MAX`) with the day from which the list held it."""
    leads, truth = judgement.leads, judgement.truth
    order = sorted(range(len(leads.lines)), key=lambda place: int(truth.churn_ms[leads.lines[place]]))
    rows = (
        (
            result.lists.line_ids[leads.lines[place]],
            leads.causes[place],
            day(int(truth.churn_ms[leads.lines[place]])),
            day(leads.first_ms[place]),
            number(float(leads.days[place]), 1),
        )
        for place in order[:LEDGER_MAX]
    )
    shown = f"first {LEDGER_MAX} of {len(order)} churners" if len(order) > LEDGER_MAX else f"all {len(order)} churners"
    listing = table(("line", "cause", "left on", "in the top 2 % since", "lead, days"), rows)
    return f"<details><summary>{shown}</summary>{listing}</details>"


def _standing(result: Backtest, judgement: Judgement, lines: Sequence[int]) -> dict[int, dict[int, float]]:
    """Share of the list that each of these lines stood above, by day."""
    found: dict[int, dict[int, float]] = {line: {} for line in lines}
    for listed in result.lists.days:
        ranked = result.lists.judge(listed, judgement.truth).lines
        for line, share in _shares(ranked.tolist(), found):
            found[line][listed.day_ms] = share
    return found


def _shares(ranked: Sequence[int], wanted: dict[int, dict[int, float]]) -> Iterator[tuple[int, float]]:
    for place, line in enumerate(ranked):
        if line in wanted:
            yield line, 1.0 - place / len(ranked)


def _warned_days(result: Backtest) -> defaultdict[str, set[int]]:
    days: defaultdict[str, set[int]] = defaultdict(set)
    for warning in result.replayed.warnings:
        lines = result.lines_of.get(warning.account_id, []) if warning.line_id is None else [warning.line_id]
        for line_id in lines:
            days[line_id].add(warning.ts_ms // DAY_MS * DAY_MS)
    return days
