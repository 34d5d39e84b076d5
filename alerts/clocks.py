"""A task's clock: due by level and star in working time, standing still for the customer, escalating when it runs out.

Pure: everything a clock needs stands on the task, so that the task log alone says what it showed.
"""

from datetime import UTC, tzinfo
from typing import Any, NamedTuple

import msgspec

from alerts.business_time import BusinessTime, WorkDays
from alerts.clock_policy import ClockPolicy, Step
from alerts.local_time import zone_of
from alerts.moves import SYSTEM, Move, may_act, moved, noted
from alerts.policy import HOUR_MS
from alerts.tasks import (
    NOTE_LENGTH_MAX,
    OUTBOUND,
    UNASSIGNED,
    Actor,
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
        return self._taken(task, hop, SYSTEM, now_ms)

    def raise_now(self, task: Task, actor: Actor, why: str, now_ms: int) -> Move:
        """Somebody asks for a supervisor before the clock runs out: the step of the chain that leads there, once.

        Refused as `wrong_state` where the chain has no such step left: a supervisor has it already.
        """
        if not task.open:
            return Refusal(RefusalReason.ALREADY_CLOSED, task)
        if not may_act(task, actor):
            return Refusal(RefusalReason.NOT_YOURS, task)
        if len(why) > NOTE_LENGTH_MAX:
            return Refusal(RefusalReason.NOTE_TOO_LONG, task)
        hop = self._next_hop(task, "supervisor")
        if hop is None or task.state is TaskState.IN_CONTACT:
            return Refusal(RefusalReason.WRONG_STATE, task)
        return self._taken(task, hop, actor, now_ms, notes=noted(task, actor, why, now_ms), extra={"note": why})

    def _taken(self, task: Task, hop: Hop, actor: Actor, now_ms: int, **changes: Any) -> TaskEvent:
        """The outbound team keeps its task and its supervisor is told; a manager's goes on to the next owner."""
        stays = task.owner == OUTBOUND
        told = moved(
            task, TaskEventKind.ESCALATED, actor, now_ms, detail=hop.owner, escalation=hop.number,
            owner=task.owner if stays else hop.owner,
            passed_by=task.passed_by if stays else [*task.passed_by, task.owner], **changes,
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

    def _next_hop(self, task: Task, to: str = "") -> Hop | None:
        """The next step that leads to somebody else (`to`: this one). The outbound team has a supervisor and no deputy."""
        for number, step in enumerate(self._policy.escalation, start=1):
            skipped = (to and step.to != to) or (task.owner == OUTBOUND and step.to == "deputy")
            if number <= task.escalation or skipped:
                continue
            owner = task.deputy if step.to == "deputy" else task.team or UNASSIGNED
            if owner and owner != task.owner and owner not in task.passed_by:
                return Hop(number, owner, step)
        return None

    def _time_of(self, task: Task) -> BusinessTime:
        return self._outbound if task.owner == OUTBOUND else self._managers

    def _zone_of(self, task: Task) -> tzinfo:
        return zone_of(task.timezone) or self._zone
