"""The single facts of accounts in Redis, as the streams told them; all of them can be read again from Kafka."""

from collections.abc import Iterable

import redis

from alerts.store.keys import Keys
from alerts.store.replies import texts
from alerts.value.measures import YEAR_MS, Measure, MeasureKind
from alerts.value.policy import Indicator


class Measured:
    """Facts by account and kind: sorted sets by when they happened.

    `bandwidth`: beginnings of the names of products that are bandwidth services.
    """

    def __init__(self, client: redis.Redis, keys: Keys, bandwidth: Iterable[str] = ()) -> None:
        self._redis = client
        self._keys = keys
        self._bandwidth = tuple(bandwidth)

    def note(self, measures: Iterable[Measure]) -> None:
        """Take facts in; the same again changes nothing."""
        pipe = self._redis.pipeline(transaction=False)
        for measure in measures:
            member = f"{measure.days}:{measure.member}" if measure.kind is MeasureKind.OVERDUE else measure.member
            pipe.zadd(self._keys.measured(measure.kind, measure.account_id), {member: measure.ts_ms})
        pipe.execute()

    def of(self, account_id: str, now_ms: int) -> dict[Indicator, float]:
        """The indicators that these facts tell; what nothing was ever told of is left to the customer's record."""
        found: dict[Indicator, float] = {}
        moved, services, overdue = (self._keys.measured(kind, account_id) for kind in MeasureKind)
        year_ago_ms = now_ms - YEAR_MS
        with self._redis.pipeline(transaction=False) as pipe:
            for key in (moved, services, overdue):
                pipe.exists(key)
            has_moved, has_services, has_overdue = pipe.execute()
        if has_moved:
            found[Indicator.LINES_MOVED] = float(self._redis.zcount(moved, year_ago_ms, now_ms))
        if has_services:
            products = texts(self._redis.zrange(services, 0, -1))
            found[Indicator.NEW_SERVICES] = float(len(products))
            broad = sum(product.startswith(self._bandwidth) for product in products)
            found[Indicator.BANDWIDTH_SHARE] = round(broad / len(products), 4)
        if has_overdue:
            told = texts(self._redis.zrangebyscore(overdue, year_ago_ms, now_ms))
            found[Indicator.OVERDUE_DAYS] = _overdue_days(told)
        return found


def _overdue_days(notices: Iterable[str]) -> float:
    """Days over all bills, each by the latest of its notices ("days:bill")."""
    bills: dict[str, float] = {}
    for notice in notices:
        days, _, bill = notice.partition(":")
        bills[bill] = max(bills.get(bill, 0.0), float(days))
    return round(sum(bills.values()), 2)
