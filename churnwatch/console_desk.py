"""What the console asks beyond tasks: what a customer is worth, a number on purpose, the team's capacity today."""

from collections.abc import Sequence

import msgspec
import redis
import structlog

from alerts.console.ports import Room
from alerts.store import TaskStore
from alerts.store.happenings import Happened
from alerts.store.ledger import InboxNotReady
from alerts.store.valuation import assessment_of
from alerts.tasks import Actor, Task, TaskEvent, TaskEventKind
from alerts.value.assess import Assessment
from alerts.value.policy import ValuePolicy
from alerts.vault import ReadFor, Vault, write_down
from alerts.visit_counts import VisitsBy, by_person, month_begins_ms, month_name

SEEN_AGAIN_S = 3600

log = structlog.get_logger()


class DayPlan(msgspec.Struct, frozen=True):
    """The latest daily plan, as the tasks process leaves it in Redis. `hour_prices`: by owner, in the operator's currency."""

    day: str
    hour_prices: dict[str, float] = {}
    gain: float = 0.0
    bound: float = 0.0
    broken_promises: int = 0


class ConsoleDesk:
    """See `alerts.console.ports.CustomerDesk`."""

    def __init__(self, client: redis.Redis, store: TaskStore, vault: Vault) -> None:
        self._redis = client
        self._store = store
        self._vault = vault

    @property
    def value_policy(self) -> ValuePolicy:
        return self._store.rules.value

    def assessment(self, account_id: str) -> Assessment | None:
        return assessment_of(self._store, account_id)

    def number(self, account_id: str, line_id: str, actor: Actor, why: str) -> str | None:
        return self._vault.number(account_id, line_id, actor, ReadFor.REVEAL, why)

    def seen(self, account_id: str, actor: Actor) -> None:
        looked = self._store.keys.looked(actor.name, account_id)
        if not self._redis.set(looked, 1, nx=True, ex=SEEN_AGAIN_S):
            return
        told = TaskEvent(
            account_id=account_id, ts_ms=self._store.now_ms(), kind=TaskEventKind.CUSTOMER_SEEN, actor=actor.name,
            role=actor.role,
        )  # fmt: skip
        try:
            write_down(self._store, told)
        except InboxNotReady:
            # Nothing on the page is a number: it is shown, and written down at the next look.
            self._redis.delete(looked)
            log.warning("customer.look_not_written")

    def happened(self, account_id: str, since_ms: int, until_ms: int) -> list[Happened]:
        return self._store.happenings.of(account_id, since_ms, until_ms)

    def incidents(self, region: str) -> list[Task]:
        return self._store.incidents_of(region)

    def visits(self, opened: Sequence[Task]) -> dict[str, VisitsBy]:
        now_ms, keys = self._store.now_ms(), self._store.keys
        this_month = month_name(now_ms)
        last_month = month_name(month_begins_ms(now_ms) - 1)
        with self._redis.pipeline(transaction=False) as pipe:
            for month in (last_month, this_month):
                pipe.hgetall(keys.visits(month))
            counts = [{field: int(number) for field, number in month.items()} for month in pipe.execute()]
        return by_person(counts, opened, self._store.policy, now_ms)

    def room(self, owners: Sequence[str]) -> dict[str, Room]:
        today = self._store.day_of(self._store.now_ms())
        capacity = self._store.rules.capacity
        with self._redis.pipeline(transaction=False) as pipe:
            for owner in owners:
                pipe.zcard(self._store.keys.capacity(today, owner))
            taken = pipe.execute()
        prices = self._prices(today)
        return {
            owner: Room(
                planned=int(used),
                possible=0 if capacity.is_away(owner, today) else capacity.contacts_per_day(owner),
                hour_price=prices.get(owner),
            )
            for owner, used in zip(owners, taken, strict=True)
        }

    def _prices(self, today: str) -> dict[str, float]:
        stored = self._redis.get(self._store.keys.day_plan)
        plan = DayPlan("") if stored is None else msgspec.json.decode(str(stored), type=DayPlan)
        return plan.hour_prices if plan.day == today else {}
