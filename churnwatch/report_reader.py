"""Management reports from Kafka: reads the topics once, from their beginning to where they end now."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC
from typing import Any, TypeVar

import msgspec
import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from alerts.local_time import zone_of
from alerts.reports.days import days
from alerts.reports.departures import departures
from alerts.reports.ladder import LadderRules, ladder
from alerts.reports.lead_time import lead_times
from alerts.reports.month import Month, month_at, month_of
from alerts.reports.playbook_effect import playbook_effects
from alerts.reports.return_visits import promises, return_visits, visits
from alerts.reports.satisfaction import satisfaction
from alerts.rules import RULE_ERRORS, Rules, read_rules
from alerts.tasks import TaskEvent
from churnwatch.clients import kafka_consumer
from churnwatch.errors import UserError
from churnwatch.settings import Settings
from churnwatch.topics import ensure_topics
from pipeline.events import (
    BillingKind,
    BillingRecord,
    CareRecord,
    ChurnWarning,
    CustomerRecord,
    OrderRecord,
    OutcomeRecord,
    Stream,
)
from pipeline.refusals import UNREADABLE

POLL_MS = 500
POLL_RECORDS = 5000
READ_TIMEOUT_S = 120.0
#: A report asked for again within so many seconds is not made again.
KEPT_S = 30.0
KEPT_MAX = 64

Record = TypeVar("Record")

log = structlog.get_logger()


class TopicReader:
    """Reads whole topics; what cannot be decoded is counted and passed over (the worker dead-letters it)."""

    def __init__(self, settings: Settings, consumer: KafkaConsumer) -> None:
        self._settings = settings
        self._consumer = consumer

    def records(self, topic: str, record_type: type[Record]) -> list[Record]:
        """Every record that is there now, in the order of the partitions' offsets.

        Raises:
            KafkaError, UserError: the broker is away, or slower than `READ_TIMEOUT_S`.
        """
        name = self._settings.topic(topic)
        numbers = range(self._settings.kafka.partitions) if topic in set(Stream) else range(1)
        partitions = [TopicPartition(name, number) for number in numbers]
        self._consumer.assign(partitions)
        ends = self._consumer.end_offsets(partitions)
        self._consumer.seek_to_beginning(*partitions)
        decode = msgspec.json.Decoder(record_type).decode
        found: list[Record] = []
        refused = 0
        deadline = time.monotonic() + READ_TIMEOUT_S
        while any(self._consumer.position(partition) < end for partition, end in ends.items()):
            if time.monotonic() > deadline:
                raise UserError(f"{name} could not be read within {READ_TIMEOUT_S:g} s")
            for records in self._consumer.poll(timeout_ms=POLL_MS, max_records=POLL_RECORDS).values():
                for record in records:
                    try:
                        found.append(decode(record.value or b""))
                    except UNREADABLE:
                        refused += 1
        if refused:
            log.warning("report.records_refused", topic=topic, records=refused)
        return found


class ReportMaker:
    """Makes reports from what a reader brings.

    `now_ms`: of the report; the month without a name is that of now.
    """

    def __init__(self, reader: TopicReader, rules: Rules, now_ms: int) -> None:
        self._reader = reader
        self._rules = rules
        self._zone = zone_of(rules.law.timezone)
        self._now_ms = now_ms

    def make(self, name: str, month_name: str | None) -> msgspec.Struct:
        """A report by name.

        Raises:
            UserError: no such report or month.
        """
        makers: dict[str, Callable[[Month], msgspec.Struct]] = {
            "ladder": self.ladder,
            "lead-time": self.lead_times,
            "return-visits": self.return_visits,
            "playbooks": self.playbooks,
            "satisfaction": self.satisfaction,
            "days": self.days,
        }
        if name not in makers:
            raise UserError(f"there is no report {name!r}; there are {', '.join(makers)}")
        return makers[name](self._month(month_name))

    def ladder(self, month: Month) -> msgspec.Struct:
        read = self._reader.records
        invoiced: dict[str, float] = {}
        for bill in read(Stream.BILLING, BillingRecord):
            if bill.kind is BillingKind.INVOICE and month.holds(bill.ts_ms):
                invoiced[bill.account_id] = invoiced.get(bill.account_id, 0.0) + bill.amount
        rules = LadderRules(self._rules.value.segments, self._rules.value.replacement)
        return ladder(read(Stream.CUSTOMERS, CustomerRecord), self._departures(), invoiced, month, rules)

    def lead_times(self, month: Month) -> msgspec.Struct:
        warnings = self._reader.records("warnings", ChurnWarning)
        return lead_times(self._departures(), warnings, self._events(), month)

    def return_visits(self, month: Month) -> msgspec.Struct:
        read = self._reader.records
        made = promises(
            read(Stream.ORDERS, OrderRecord),
            read(Stream.CARE, CareRecord),
            {str(kind): days for kind, days in self._rules.tasks.visits.due_days.items()},
        )
        return return_visits(made, visits(self._events(), read(Stream.OUTCOMES, OutcomeRecord)), month, self._now_ms)

    def playbooks(self, month: Month) -> msgspec.Struct:
        return playbook_effects(self._rules.playbooks, self._events(), self._departures(), month)

    def satisfaction(self, month: Month) -> msgspec.Struct:
        read = self._reader.records
        customers = read(Stream.CUSTOMERS, CustomerRecord)
        regions = {record.account_id: record.region for record in customers}
        return satisfaction(read(Stream.CARE, CareRecord), regions, month, self._zone or UTC)

    def days(self, month: Month) -> msgspec.Struct:
        return days(self._events(), month, self._zone or UTC)

    def _departures(self) -> list[Any]:
        read = self._reader.records
        return departures(read(Stream.ORDERS, OrderRecord), read(Stream.OUTCOMES, OutcomeRecord))

    def _events(self) -> list[TaskEvent]:
        """Each event once: the log may hold exact repeats."""
        unique = {event.event_id: event for event in self._reader.records("task-events", TaskEvent)}
        return list(unique.values())

    def _month(self, name: str | None) -> Month:
        try:
            return month_of(name, self._zone) if name else month_at(self._now_ms, self._zone)  # type: ignore[arg-type]  # read_law_pack has checked the zone
        except ValueError as error:
            raise UserError(str(error)) from None


@contextmanager
def report_maker(settings: Settings, now_ms: int | None = None) -> Iterator[ReportMaker]:
    """Connected to Kafka. `now_ms` None: wall time.

    Raises:
        UserError: Kafka is away, or a policy is wrong.
    """
    try:
        rules = read_rules(settings.law.country, settings.law.holidays)
    except RULE_ERRORS as error:
        raise UserError(str(error)) from None
    ensure_topics(settings)
    consumer = kafka_consumer(settings)
    try:
        wall_ms = time.time_ns() // 1_000_000
        yield ReportMaker(TopicReader(settings, consumer), rules, wall_ms if now_ms is None else now_ms)
    except KafkaError as error:
        raise UserError(f"the report was interrupted: {error}; try again") from error
    finally:
        consumer.close()


class KafkaReports:
    """Reports for the API: one at a time, and the same one at most every half minute."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str | None], tuple[float, dict[str, Any]]] = {}

    def report(self, name: str, month: str | None) -> dict[str, Any]:
        """The report as a JSON object.

        Raises:
            UserError: Kafka is away.
        """
        with self._lock:
            made_s, found = self._kept.get((name, month), (float("-inf"), {}))
            if time.monotonic() - made_s < KEPT_S:
                return found
            with report_maker(self._settings) as maker:
                made: dict[str, Any] = msgspec.to_builtins(maker.make(name, month))
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            self._kept[name, month] = (time.monotonic(), made)
            return made
