"""What the console's reports, audit and rules read: Kafka, where there is one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alerts.console.context import Office
from alerts.console.ports import ReportsAwayError
from alerts.store import TaskStore
from churnwatch.audit_reader import followed_trail
from churnwatch.errors import UserError
from churnwatch.report_reader import KafkaReports
from churnwatch.rule_book import CONNECT_S, KafkaRuleBook
from churnwatch.settings import Settings


class ConsoleReports:
    """Reports for pages: a broker that is away becomes `ReportsAwayError`."""

    def __init__(self, settings: Settings) -> None:
        # A person waits for the page, so the broker is not waited for as patiently as at a start.
        patience = settings.kafka.model_copy(update={"connect_timeout_s": CONNECT_S})
        self._made = KafkaReports(settings.model_copy(update={"kafka": patience}))

    def report(self, name: str, month: str | None) -> dict[str, Any]:
        """One report as a JSON object."""
        try:
            return self._made.report(name, month)
        except UserError as error:
            raise ReportsAwayError(str(error)) from error


@contextmanager
def console_office(settings: Settings, store: TaskStore) -> Iterator[Office]:
    """Reports, the audit trail and live rules while the block runs; none of them without Kafka."""
    if not settings.kafka.bootstrap:
        yield Office()
        return
    book = KafkaRuleBook(settings, store)
    with followed_trail(settings) as trail:
        try:
            yield Office(ConsoleReports(settings), trail, book)
        finally:
            book.close()
