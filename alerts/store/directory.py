"""Customers and line views as the topics tell them: the latest of each, with the offsets up to which they were read."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import redis

from alerts.store.keys import Keys
from alerts.store.replies import fields, text_set, texts
from alerts.tasks import Customer
from pipeline.events import CustomerRecord
from pipeline.line_views import LineView

_customers = msgspec.json.Decoder(CustomerRecord)
_views = msgspec.json.Decoder(LineView)


class Directory:
    """Reference data for the inbox; all of it can be read again from Kafka."""

    def __init__(self, client: redis.Redis, keys: Keys) -> None:
        self._redis = client
        self._keys = keys

    def customers(self, account_ids: Sequence[str]) -> dict[str, Customer]:
        """The customers of these accounts, as far as they are known."""
        if not account_ids:
            return {}
        rows = self._redis.mget([self._keys.customer(account_id) for account_id in account_ids])
        records = [_customers.decode(row) for row in rows if row is not None]
        return {record.account_id: customer_of(record) for record in records}

    def line_views(self, line_ids: Sequence[str]) -> dict[str, LineView]:
        if not line_ids:
            return {}
        rows = self._redis.mget([self._keys.line_view(line_id) for line_id in line_ids])
        views = [_views.decode(row) for row in rows if row is not None]
        return {view.line_id: view for view in views}

    def lines_of(self, account_id: str) -> list[str]:
        """All lines known of an account: those of its record, in that order, then others that a view named."""
        customer = self.customers([account_id]).get(account_id)
        named = list(customer.lines) if customer else []
        viewed = text_set(self._redis.smembers(self._keys.lines_of(account_id)))
        return named + sorted(viewed.difference(named))

    def contracts_ending(self, from_ms: int, to_ms: int) -> list[str]:
        """Accounts whose contract ends after `from_ms` and not after `to_ms`, the earliest first."""
        return texts(self._redis.zrangebyscore(self._keys.contract_ends, f"({from_ms}", to_ms))

    def put(self, customers: Iterable[CustomerRecord], views: Iterable[LineView], positions: Mapping[str, int]) -> None:
        """Take in what was read, in order of reading, and where to read on, in one transaction."""
        pipe = self._redis.pipeline(transaction=True)
        for record in customers:
            pipe.set(self._keys.customer(record.account_id), msgspec.json.encode(record))
            if record.contract_end_ms is None:
                pipe.zrem(self._keys.contract_ends, record.account_id)
            else:
                pipe.zadd(self._keys.contract_ends, {record.account_id: record.contract_end_ms})
        for view in views:
            pipe.set(self._keys.line_view(view.line_id), msgspec.json.encode(view))
            pipe.sadd(self._keys.lines_of(view.account_id), view.line_id)
        if positions:
            pipe.hset(self._keys.positions, mapping={name: str(offset) for name, offset in positions.items()})
        pipe.execute()

    def positions(self) -> dict[str, int]:
        """Next offset to read, by "topic:partition"."""
        stored = fields(self._redis.hgetall(self._keys.positions))
        return {name: int(offset) for name, offset in stored.items()}


def customer_of(record: CustomerRecord) -> Customer:
    """What the alerts need of a customer's record. `opted_out` comes from the account's book, not from here."""
    return Customer(
        account_id=record.account_id,
        segment=record.segment,
        star=record.star,
        region=record.region,
        lines=record.lines,
        manager_id=record.manager_id,
        deputy_id=record.deputy_id,
        team_id=record.team_id,
        may_call=record.consent.call,
        may_sms=record.consent.sms,
        may_profile=record.consent.profiling,
        timezone=record.timezone,
        contact_window=record.contact_window,
        language=record.language,
        ts_ms=record.ts_ms,
        tenure_start_ms=record.tenure_start_ms,
        contract_end_ms=record.contract_end_ms,
        brand=record.brand,
        grid=record.grid,
        payment=record.payment,
        category=record.category,
        indicators=record.indicators or {},
    )
