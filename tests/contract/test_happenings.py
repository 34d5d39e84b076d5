"""What happened to an account lately, on the real Redis."""

import redis

from alerts.store import TaskStore
from alerts.store.happenings import KEPT_MAX, Happened, happening
from pipeline.events import CareKind, CareRecord, OrderKind, OrderRecord, Origin
from tests.fakes.alert_records import DAY_MS, NOON_MS


def order(number: int, days_ago: float = 1.0) -> OrderRecord:
    at_ms = int(NOON_MS - days_ago * DAY_MS)
    return OrderRecord(f"o-{number}", at_ms, "a-1", OrderKind.DOWNGRADE, Origin.CUSTOMER_TO_US, line_id="l-1")


def test_orders_and_tickets_come_back_in_time_without_what_was_said(store: TaskStore, client: redis.Redis) -> None:
    told = CareRecord("c-1", NOON_MS - 2 * DAY_MS, "a-1", CareKind.COMPLAINT, 4, "phone", text="my number is 5550001")
    store.happenings.note([order(1), told])
    store.happenings.note([told, order(1)])
    assert store.happenings.of("a-1", NOON_MS - 28 * DAY_MS, NOON_MS) == [
        Happened(told.ts_ms, happening(told)), Happened(order(1).ts_ms, happening(order(1))),
    ]  # fmt: skip
    assert [(one.code, one.line_id, one.severity) for one in (happening(told), happening(order(1)))] == [
        ("complaint", None, 4), ("downgrade", "l-1", 0),
    ]  # fmt: skip
    assert "5550001" not in str(client.zrange(store.keys.happened("a-1"), 0, -1))


def test_only_so_many_are_kept_the_latest_and_not_for_ever(store: TaskStore, client: redis.Redis) -> None:
    store.happenings.note([order(number, days_ago=number / 10) for number in range(KEPT_MAX + 40)])
    kept = store.happenings.of("a-1", 0, NOON_MS)
    assert len(kept) == KEPT_MAX
    assert kept[-1].what == happening(order(0))
    assert 0 < int(client.pttl(store.keys.happened("a-1"))) <= 190 * DAY_MS


def test_what_is_still_to_come_is_not_told(store: TaskStore) -> None:
    store.happenings.note([order(1, days_ago=-1)])
    assert store.happenings.of("a-1", 0, NOON_MS) == []
