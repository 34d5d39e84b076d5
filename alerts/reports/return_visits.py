"""Return visits: was every opened service visited within 7 days and every closed fault within 3, and by whom."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from alerts.policy import DAY_MS
from alerts.reports.month import Month
from alerts.tasks import TaskEvent, TaskResult
from pipeline.events import CareKind, CareRecord, OrderKind, OrderRecord, OutcomeKind, OutcomeRecord

ORDER, CARE = "orders", "care"


class Promise(msgspec.Struct, frozen=True):
    """What has to be followed by a visit. `cause` as tasks name it: "orders:<record id>"."""

    cause: str
    kind: str
    account_id: str
    since_ms: int
    due_ms: int
    visited_ms: int | None = None
    visitor: str | None = None

    def state(self, now_ms: int) -> str:
        """in_time, late, missed (not yet, and overdue), or due."""
        if self.visited_ms is not None:
            return "in_time" if self.visited_ms <= self.due_ms else "late"
        return "missed" if now_ms > self.due_ms else "due"


class Compliance(msgspec.Struct, frozen=True):
    """One kind of promise. `share_in_time`: of those whose time is over; None when there are none."""

    promised: int
    in_time: int
    late: int
    missed: int
    due: int
    share_in_time: float | None
    days_median: float | None


class ReturnVisits(msgspec.Struct, frozen=True):
    month: str
    total: Compliance
    by_kind: dict[str, Compliance]
    by_visitor: dict[str, int]
    missed: list[Promise]


class Visit(msgspec.Struct, frozen=True):
    """A visit that was made. `causes` empty: it serves whatever was open."""

    account_id: str
    ts_ms: int
    visitor: str | None
    causes: list[str]


def promises(orders: Iterable[OrderRecord], care: Iterable[CareRecord], due_days: Mapping[str, float]) -> list[Promise]:
    """Everything that promises a visit, by its time. `due_days` by kind: provisioning_done, fault_closed."""
    made = [
        _promise(ORDER, OrderKind.PROVISIONING_DONE, order, due_days)
        for order in orders
        if order.kind is OrderKind.PROVISIONING_DONE
    ]
    made += [
        _promise(CARE, CareKind.FAULT_CLOSED, record, due_days)
        for record in care
        if record.kind is CareKind.FAULT_CLOSED
    ]
    unique = {promise.cause: promise for promise in made}
    return sorted(unique.values(), key=lambda promise: (promise.since_ms, promise.cause))


def visits(events: Iterable[TaskEvent], outcomes: Iterable[OutcomeRecord]) -> list[Visit]:
    """Every visit: recorded on a task of ours, or told by another system."""
    made = [
        Visit(event.account_id, event.ts_ms, event.actor, list(event.task.causes))
        for event in events
        if event.task is not None and event.task.result is TaskResult.VISITED and event.task.closed_ms == event.ts_ms
    ]
    ours = {(visit.account_id, visit.ts_ms) for visit in made}
    told = [
        Visit(outcome.account_id, outcome.ts_ms, None, [])
        for outcome in outcomes
        if outcome.kind is OutcomeKind.RETURN_VISIT and (outcome.account_id, outcome.ts_ms) not in ours
    ]
    return sorted([*made, *told], key=lambda visit: visit.ts_ms)


def return_visits(made: Iterable[Promise], visited: Sequence[Visit], month: Month, now_ms: int) -> ReturnVisits:
    """What became of the promises of this month, as it stands now."""
    by_account: dict[str, list[Visit]] = {}
    for visit in visited:
        by_account.setdefault(visit.account_id, []).append(visit)
    kept = [_kept(one, by_account.get(one.account_id, ())) for one in made if month.holds(one.since_ms)]
    kinds = sorted({one.kind for one in kept})
    visitors = [one.visitor or "elsewhere" for one in kept if one.visited_ms is not None]
    return ReturnVisits(
        month=month.name,
        total=_compliance(kept, now_ms),
        by_kind={kind: _compliance([one for one in kept if one.kind == kind], now_ms) for kind in kinds},
        by_visitor={name: visitors.count(name) for name in sorted(set(visitors))},
        missed=[one for one in kept if one.state(now_ms) == "missed"],
    )


def _promise(source: str, kind: str, record: OrderRecord | CareRecord, due_days: Mapping[str, float]) -> Promise:
    due_ms = record.ts_ms + int(due_days[kind] * DAY_MS)
    return Promise(f"{source}:{record.record_id}", kind, record.account_id, record.ts_ms, due_ms)


def _kept(promise: Promise, made: Sequence[Visit]) -> Promise:
    """The promise with the first visit after it that serves it."""
    serving = (
        visit
        for visit in made
        if visit.ts_ms >= promise.since_ms and (not visit.causes or promise.cause in visit.causes)
    )
    visit = next(serving, None)
    if visit is None:
        return promise
    return msgspec.structs.replace(promise, visited_ms=visit.ts_ms, visitor=visit.visitor)


def _compliance(kept: Sequence[Promise], now_ms: int) -> Compliance:
    states = [one.state(now_ms) for one in kept]
    over = len(states) - states.count("due")
    days = sorted((one.visited_ms - one.since_ms) / DAY_MS for one in kept if one.visited_ms is not None)
    middle = None if not days else round((days[(len(days) - 1) // 2] + days[len(days) // 2]) / 2, 2)
    return Compliance(
        promised=len(kept),
        in_time=states.count("in_time"),
        late=states.count("late"),
        missed=states.count("missed"),
        due=states.count("due"),
        share_in_time=round(states.count("in_time") / over, 4) if over else None,
        days_median=middle,
    )
