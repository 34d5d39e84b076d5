"""What the console's reports and audit read: Kafka, where there is one."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from alerts.audit_trail import AuditTrail
from alerts.console.ports import Reports, ReportsAwayError
from churnwatch.audit_reader import followed_trail
from churnwatch.errors import UserError
from churnwatch.report_reader import KafkaReports
from churnwatch.settings import Settings


class ConsoleReports:
    """Reports for pages: a broker that is away becomes `ReportsAwayError`."""

    def __init__(self, settings: Settings) -> None:
        self._made = KafkaReports(settings)

    def report(self, name: str, month: str | None) -> dict[str, Any]:
        """One report as a JSON object."""
        try:
            return self._made.report(name, month)
        except UserError as error:
            raise ReportsAwayError(str(error)) from error


@contextmanager
def console_office(settings: Settings) -> Iterator[tuple[Reports | None, AuditTrail | None]]:
    """Reports and the audit trail while the block runs; both None without Kafka."""
    if not settings.kafka.bootstrap:
        yield None, None
        return
    with followed_trail(settings) as trail:
        yield ConsoleReports(settings), trail
