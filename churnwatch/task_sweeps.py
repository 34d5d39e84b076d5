"""What the tasks process does by the clock: closing, escalating, planning the day, and telling how things stand."""

import time
from collections import deque
from collections.abc import Iterable, Sequence

import msgspec
import redis
import structlog

from alerts.queue import CallQueue, queue_depth
from alerts.store import TaskStore
from alerts.store.planning import Planner, PlanReport
from alerts.store.sweeps import Sweeps
from alerts.store.valuation import ExpiryAlarms
from alerts.tasks import OUTBOUND, TaskEvent, TaskEventKind
from churnwatch.console_desk import DayPlan
from churnwatch.task_log import owner_kind
from pipeline.metrics import Metrics

#: Tasks that may wait for the greedy step; of more only the latest are looked at, the day's plan has the others.
FRESH_MAX = 5000

log = structlog.get_logger()


class TaskSweeper:
    """Everything that is due without anybody asking, one round at a time."""

    def __init__(self, client: redis.Redis, store: TaskStore, queue: CallQueue, metrics: Metrics) -> None:
        self._redis = client
        self._store = store
        self._queue = queue
        self._metrics = metrics
        self._alarms = ExpiryAlarms(store)
        self._sweeps = Sweeps(client, store)
        self._planner = Planner(client, store)
        self._fresh: deque[str] = deque(maxlen=FRESH_MAX)

    def note(self, events: Iterable[TaskEvent]) -> None:
        """Remember tasks that are new or have become more urgent, for the step between two plans."""
        for event in events:
            if event.kind in {TaskEventKind.CREATED, TaskEventKind.EVIDENCE_ADDED} and event.task_id:
                self._fresh.append(event.task_id)

    def recovered(self) -> None:
        """The inbox may lack what was planned last."""
        self._planner.forget()

    def sweep(self) -> None:
        """One round. Raises RedisError; what was not done is done by the next."""
        done: dict[str, Sequence[object]] = {
            "tasks.recovered": self._store.close_recovered(),
            "tasks.expired": self._sweeps.expire(),
            "contacts.silent": self._sweeps.end_silent_contacts(),
            "contacts.missed": self._sweeps.release_missed(),
            "tasks.escalated": self._store.escalate_overdue(),
            "contracts.alarmed": self._alarms.ring(),
        }
        for event, found in done.items():
            if found:
                log.info(event, count=len(found))
        self._store.forget_old_warnings()
        self._sweeps.forget()
        self._plan()
        self._queue.move_due()
        self._report()

    def _plan(self) -> None:
        report = self._planner.plan_day()
        if report is not None:
            self._tell(report)
        fresh, self._fresh = list(self._fresh), deque(maxlen=FRESH_MAX)
        reserved = self._planner.plan_between(fresh)
        if reserved:
            self._metrics.counter("churnwatch_contacts_planned_total", step="between").inc(reserved)

    def _tell(self, report: PlanReport) -> None:
        told = DayPlan(report.day, report.hour_prices, report.gain, report.bound, report.broken_promises)
        self._redis.set(self._store.keys.day_plan, msgspec.json.encode(told))
        self._metrics.counter("churnwatch_contacts_planned_total", step="daily").inc(report.reserved)
        self._metrics.histogram("churnwatch_plan_seconds").observe(report.seconds)
        self._metrics.gauge("churnwatch_plan_gain_money").set(report.gain)
        self._metrics.gauge("churnwatch_plan_broken_promises_contacts").set(report.broken_promises)
        for kind in ("manager", "queue"):
            prices = [price for owner, price in report.hour_prices.items() if owner_kind(owner) == kind]
            self._metrics.gauge("churnwatch_hour_price_money", owner_kind=kind).set(max(prices, default=0.0))
        if report.candidates:
            log.info(
                "day.planned", day=report.day, candidates=report.candidates, reserved=report.reserved,
                promised=report.promised, broken_promises=report.broken_promises, handed_over=report.handed_over,
                gain=report.gain, seconds=round(report.seconds, 3),
            )  # fmt: skip

    def _report(self) -> None:
        depth = queue_depth(self._redis, self._store, time.time())
        outbound = self._store.count_open(OUTBOUND)
        gauges = {
            "churnwatch_queue_depth_tasks": depth.waiting + depth.scheduled,
            "churnwatch_queue_dead_tasks": depth.dead,
            "churnwatch_queue_oldest_age_seconds": depth.oldest_s,
            "churnwatch_task_outbox_records": self._store.outbox.depth(),
            "churnwatch_tasks_overdue": self._store.counts().overdue,
        }
        for name, value in gauges.items():
            self._metrics.gauge(name).set(value)
        self._metrics.gauge("churnwatch_tasks_open", owner_kind="queue").set(outbound)
        self._metrics.gauge("churnwatch_tasks_open", owner_kind="manager").set(self._store.count_open() - outbound)
