"""The ladder: how many customers each star level has (its width), what one brings (its height), who moved and who left.

A level is the star of the customer's record in force at that moment. Profit is what was invoiced in the month times the
share of margin, less the cost to serve (`config/policies/value.toml`).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from alerts.reports.departures import Departure
from alerts.reports.month import Month
from alerts.value.explain import equivalents
from alerts.value.policy import Replacement, SegmentRules
from pipeline.events import CustomerRecord

LEVELS = range(6)


class Rung(msgspec.Struct, frozen=True):
    """One level. `at_start` + new - lost + arrived - gone = `at_end`; profits in the operator's currency."""

    level: int
    at_start: int
    new: int
    lost: int
    upgraded_to: int
    downgraded_to: int
    moved_away: int
    at_end: int
    profit: float
    profit_per_customer: float | None


class Ladder(msgspec.Struct, frozen=True):
    """`flows`: "from>to" -> customers. `loss_equals`: lost key accounts as business or public customers needed instead."""

    month: str
    rungs: list[Rung]
    flows: dict[str, int]
    new: int
    lost: int
    upgraded: int
    downgraded: int
    lost_key_accounts: int
    loss_equals: dict[str, int]


class LadderRules(msgspec.Struct, frozen=True):
    """What the ladder needs of the value policy."""

    segments: SegmentRules
    replacement: Replacement


def ladder(
    records: Iterable[CustomerRecord],
    left: Iterable[Departure],
    invoiced: Mapping[str, float],
    month: Month,
    rules: LadderRules,
) -> Ladder:
    """The ladder of a month, from every known version of every customer in any order, all departures (an account is lost
    with its last line), and what was `invoiced` in the month by account.
    """
    versions = _versions(records)
    gone = _gone(versions, left)
    before = {account: _at(rows, month.start_ms, gone.get(account)) for account, rows in versions.items()}
    after = {account: _at(rows, month.end_ms, gone.get(account)) for account, rows in versions.items()}
    flows: Counter[tuple[int | None, int | None]] = Counter()
    for account in versions:
        start, end = before[account], after[account]
        if start is not None or end is not None:
            flows[start.star if start else None, end.star if end else None] += 1
    lost_keys = sum(1 for account, row in before.items() if row and not after[account] and row.segment == "key_account")
    return Ladder(
        month=month.name,
        rungs=[_rung(level, flows, _profits(level, after, invoiced, rules)) for level in LEVELS],
        flows={f"{_name(one)}>{_name(other)}": count for (one, other), count in sorted(flows.items(), key=str)},
        new=sum(count for (one, _), count in flows.items() if one is None),
        lost=sum(count for (_, other), count in flows.items() if other is None),
        upgraded=_moved(flows, up=True),
        downgraded=_moved(flows, up=False),
        lost_key_accounts=lost_keys,
        loss_equals=equivalents(lost_keys, rules.replacement) if lost_keys else {},
    )


def _versions(records: Iterable[CustomerRecord]) -> dict[str, list[CustomerRecord]]:
    by_account: dict[str, list[CustomerRecord]] = {}
    for record in records:
        by_account.setdefault(record.account_id, []).append(record)
    return {account: sorted(rows, key=lambda row: row.ts_ms) for account, rows in by_account.items()}


def _gone(versions: Mapping[str, Sequence[CustomerRecord]], left: Iterable[Departure]) -> dict[str, int]:
    """When each account was lost: it left as a whole, or its last line did."""
    lines: dict[str, dict[str | None, int]] = {}
    for one in left:
        lines.setdefault(one.account_id, {}).setdefault(one.line_id, one.churn_ms)
    gone = {}
    for account, times in lines.items():
        rows = versions.get(account)
        own = {line for row in rows for line in row.lines} if rows else set()
        if None in times:
            gone[account] = times[None]
        elif own and own <= times.keys():
            gone[account] = max(times[line] for line in own)
    return gone


def _at(rows: Sequence[CustomerRecord], at_ms: int, gone_ms: int | None) -> CustomerRecord | None:
    """The record in force just before that moment; None where the account was not there yet or any more.

    A customer is there from the start of its tenure; the first record known speaks for the time before it.
    """
    first = rows[0]
    began_ms = first.tenure_start_ms if first.tenure_start_ms is not None else first.ts_ms
    if began_ms >= at_ms or (gone_ms is not None and gone_ms < at_ms):
        return None
    return next((row for row in reversed(rows) if row.ts_ms < at_ms), first)


def _profits(
    level: int, after: Mapping[str, CustomerRecord | None], invoiced: Mapping[str, float], rules: LadderRules
) -> list[float]:
    segments = rules.segments
    return [
        invoiced.get(account, 0.0) * segments.margin_share - segments.cost_to_serve.get(row.segment, 0.0)
        for account, row in after.items()
        if row is not None and row.star == level
    ]


def _rung(level: int, flows: Mapping[tuple[int | None, int | None], int], profits: Sequence[float]) -> Rung:
    def total(start: Iterable[int | None], end: Iterable[int | None]) -> int:
        return sum(flows.get((one, other), 0) for one in start for other in end)

    everywhere = [None, *LEVELS]
    return Rung(
        level=level,
        at_start=total([level], everywhere),
        new=total([None], [level]),
        lost=total([level], [None]),
        upgraded_to=total(range(level), [level]),
        downgraded_to=total(range(level + 1, 6), [level]),
        moved_away=total([level], [other for other in LEVELS if other != level]),
        at_end=total(everywhere, [level]),
        profit=round(sum(profits), 2),
        profit_per_customer=round(sum(profits) / len(profits), 2) if profits else None,
    )


def _moved(flows: Mapping[tuple[int | None, int | None], int], *, up: bool) -> int:
    return sum(
        count
        for (one, other), count in flows.items()
        if one is not None and other is not None and one != other and (other > one) == up
    )


def _name(level: int | None) -> str:
    return "-" if level is None else str(level)
