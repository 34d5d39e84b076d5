"""A task's clock: due by level and star in working time, standing still for the customer, escalating when it runs out.

Pure: everything a clock needs stands on the task, so that the task log alone says what it showed.
"""

from datetime import UTC, tzinfo
from typing import NamedTuple

import msgspec

from alerts.business_time import BusinessTime, WorkDays
from alerts.clock_policy import ClockPolicy, Step
from alerts.local_time import zone_of
from alerts.moves import SYSTEM, Move, moved
from alerts.policy import HOUR_MS
from alerts.tasks import (
    OUTBOUND,
    UNASSIGNED,
    Purpose,
    Refusal,
    RefusalReason,
    Role,
    Task,
    TaskEvent,
    TaskEventKind,
    TaskState,
)
from pipeline.events import Level

#: Purposes whose tasks are due at a time of their own, not by level and star.
FIXED_DUE = (Purpose.RETURN_VISIT, Purpose.WIN_BACK)


class Hop(NamedTuple):
    """A step of a chain that can be taken: its number from 1, the new owner, and when (after the due time)."""

    number: int
    owner: str
    step: Step


class Clocks:
    """The clocks of one country.

    Args:
        policy: see `config/policies/clocks.toml`.
        holidays: calendar of working days (alerts/business_time.py).
        timezone: IANA name, of customers whose record has none.

    Raises:
        CalendarError: there is no such calendar.
    """

    def __init__(self, policy: ClockPolicy, holidays: str, timezone: str) -> None:
        self._policy = policy
        self._zone = zone_of(timezone) or UTC
        days = WorkDays(holidays)
        self._managers = BusinessTime(policy.managers.hours, None if policy.managers.every_day else days)
        self._outbound = BusinessTime(policy.outbound.hours, None if policy.outbound.every_day else days)

    def due_ms(self, task: Task, level: Level, now_ms: int) -> int:
        """When a task of its star and owner would be due, that has this level since now."""
        hours = self._policy.due_hours[level][min(max(task.star, 0), 5)]
        return self._time_of(task).after(now_ms, int(hours * HOUR_MS), self._zone_of(task))

    def works(self, owner: str, at_ms: int, zone: tzinfo) -> bool:
        """Whether this owner works at that moment."""
        time = self._outbound if owner == OUTBOUND else self._managers
        return time.between(at_ms, at_ms + 1, zone) > 0

    def started(self, task: Task, now_ms: int) -> Task:
        """The task with its clock begun now. What its purpose says of when it is due (a return visit) is left as it is."""
        if task.purpose in FIXED_DUE:
            return self._set(task, task.due_ms, None)
        return self._set(task, self.due_ms(task, task.level, now_ms), None)

    def hastened(self, task: Task, now_ms: int) -> Task:
        """The task after its level rose: due by the new level if that is sooner. A clock that stood still runs again."""
        due_ms = self.due_ms(task, task.level, now_ms)
        return self._set(task, min(due_ms, task.due_ms), None)

    def kept(self, before: Task, event: TaskEvent) -> TaskEvent:
        """The event with the clock of its task as the change leaves it: stopped, going on, begun anew, or over."""
        after = event.task
        if after is None:
            return event
        return msgspec.structs.replace(event, task=self._kept(before, after, event))

    def escalate(self, task: Task, now_ms: int) -> Move:
        """Take the next step of the chain, if its time has come. A call under way is let end first."""
        if not task.open:
            return Refusal(RefusalReason.ALREADY_CLOSED, task)
        hop = self._next_hop(task)
        due = task.escalate_ms is not None and task.escalate_ms <= now_ms
        if hop is None or not due or task.state is TaskState.IN_CONTACT:
            return Refusal(RefusalReason.WRONG_STATE, task)
        stays = task.owner == OUTBOUND
        owner = task.owner if stays else hop.owner
        passed_by = task.passed_by if stays else [*task.passed_by, task.owner]
        told = moved(
            task, TaskEventKind.ESCALATED, SYSTEM, now_ms, detail=hop.owner,
            owner=owner, passed_by=passed_by, escalation=hop.number,
        )  # fmt: skip
        return self.kept(task, told)

    def _kept(self, before: Task, after: Task, event: TaskEvent) -> Task:
        if not after.open:
            return self._set(after, after.due_ms, None)
        if event.kind is TaskEventKind.REASSIGNED and event.role is Role.SUPERVISOR:
            fresh = msgspec.structs.replace(after, escalation=0, passed_by=[])
            return self.started(fresh, event.ts_ms)
        same_wait = (before.state, before.not_before_ms) == (after.state, after.not_before_ms)
        if before.clock_left_ms is not None and same_wait:
            return self._set(after, after.due_ms, after.clock_left_ms)
        left_ms = self._left_ms(before, event.ts_ms)
        if self._waits(after) and not same_wait and after.not_before_ms is not None and left_ms > 0:
            due_ms = self._time_of(after).after(after.not_before_ms, left_ms, self._zone_of(after))
            return self._set(after, due_ms, left_ms)
        if before.clock_left_ms is None:
            return self._set(after, after.due_ms, None)
        goes_on_ms = self._time_of(after).after(event.ts_ms, left_ms, self._zone_of(after))
        return self._set(after, goes_on_ms, None)

    def _waits(self, task: Task) -> bool:
        """Whether it is the customer that the task waits for."""
        if task.state is TaskState.SNOOZED:
            return self._policy.pause.snoozed
        return task.state is TaskState.WAITING and task.disposition in self._policy.pause.dispositions

    def _left_ms(self, task: Task, now_ms: int) -> int:
        """Working time until the task is due; what was left when it was stopped, while it still stands."""
        if task.clock_left_ms is not None and task.not_before_ms is not None and now_ms < task.not_before_ms:
            return task.clock_left_ms
        return self._time_of(task).between(now_ms, task.due_ms, self._zone_of(task))

    def _set(self, task: Task, due_ms: int, left_ms: int | None) -> Task:
        placed = msgspec.structs.replace(task, due_ms=due_ms, clock_left_ms=left_ms)
        return msgspec.structs.replace(placed, escalate_ms=self._escalate_ms(placed))

    def _escalate_ms(self, task: Task) -> int | None:
        """When the next step is taken, were nothing to change; None: there is none."""
        hop = self._next_hop(task)
        if hop is None or not task.open:
            return None
        overdue_ms = int(hop.step.hours_overdue * HOUR_MS)
        return self._time_of(task).after(task.due_ms, overdue_ms, self._zone_of(task))

    def _next_hop(self, task: Task) -> Hop | None:
        """The next step that leads to somebody else. The outbound team has a supervisor and no deputy."""
        for number, step in enumerate(self._policy.escalation, start=1):
            if number <= task.escalation or (task.owner == OUTBOUND and step.to == "deputy"):
                continue
            owner = task.deputy if step.to == "deputy" else task.team or UNASSIGNED
            if owner and owner != task.owner and owner not in task.passed_by:
                return Hop(number, owner, step)
        return None

    def _time_of(self, task: Task) -> BusinessTime:
        return self._outbound if task.owner == OUTBOUND else self._managers

    def _zone_of(self, task: Task) -> tzinfo:
        return zone_of(task.timezone) or self._zone
