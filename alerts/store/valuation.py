"""What an account is worth, from what the directory knows, and the alarms of contracts that end."""

from collections.abc import Iterator

from alerts.policy import DAY_MS
from alerts.store import TaskStore
from alerts.tasks import TaskEvent
from alerts.value.assess import Assessment, assess
from alerts.value.facts import gather
from alerts.value.firewall import expiry_warning
from pipeline.events import ChurnWarning

BATCH = 1000


def assessment_of(store: TaskStore, account_id: str) -> Assessment | None:
    """The assessment of an account, of what the law lets us use; None when the directory does not know it."""
    customer = store.customer(account_id)
    if customer is None:
        return None
    views = store.line_views(store.lines_of(account_id))
    counted = store.measured.of(account_id, store.now_ms())
    return assess(gather(customer, views.values(), store.rules.value, store.now_ms(), counted), store.rules.value)


class ExpiryAlarms:
    """Warns, once a day of the store's clock, of the contracts that will end. Asking again does no harm."""

    def __init__(self, store: TaskStore) -> None:
        self._store = store
        self._rung_on = -1

    def ring(self) -> list[TaskEvent]:
        """Admit the alarms that stand today; returns the events that they made. Nothing when today is done already."""
        now_ms = self._store.now_ms()
        if now_ms // DAY_MS == self._rung_on:
            return []
        events: list[TaskEvent] = []
        for warnings in self._standing(now_ms):
            events += self._store.admit_warnings(warnings)
        self._rung_on = now_ms // DAY_MS
        return events

    def _standing(self, now_ms: int) -> Iterator[list[ChurnWarning]]:
        rules = self._store.rules.value.firewall
        furthest_ms = now_ms + max(alarm.days for alarm in rules.alarms) * DAY_MS
        ending = self._store.directory.contracts_ending(now_ms, furthest_ms)
        for start in range(0, len(ending), BATCH):
            customers = self._store.customers(ending[start : start + BATCH])
            told = [expiry_warning(customer, now_ms, rules) for customer in customers.values()]
            warnings = [warning for warning in told if warning is not None]
            if warnings:
                yield warnings
