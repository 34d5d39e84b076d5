"""`churnwatch bench latency`: from a port-out order's arrival in Kafka to its warning, under half of the throughput."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import msgspec
import numpy as np
from confluent_kafka import Consumer, TopicPartition

from churnwatch.bench.filling import BenchProducer, fill
from churnwatch.bench.load import CallLoad, Pair, account_id, line_id
from churnwatch.bench.processes import START_TIMEOUT_S, WORKER, Subject, running
from churnwatch.bench.setting import Setting, bench_setting
from churnwatch.errors import UserError
from churnwatch.settings import Settings
from pipeline.events import ChurnWarning, OrderKind, OrderRecord, Origin

RECORDS = "churnwatch_records_total"
#: Records are sent in portions of so long.
PORTION_S = 0.01
LAST_WARNING_S = 15.0
SLOWEST_PER_S = 2_000.0


@dataclass(frozen=True, slots=True)
class LatencyFigures:
    """Milliseconds from the sending of an order to the reading of what came of it."""

    throughput_events_per_s: float
    load_events_per_s: float
    orders: int
    p50_ms: float
    p99_ms: float
    max_ms: float


class Reader(Protocol):
    """Notes when what came of each line's order was readable."""

    seen_s: dict[str, float]

    def expect(self, line: str, account: str) -> None:
        """An order of this line was sent."""

    def read(self, timeout_s: float) -> None:
        """Take what is there, waiting at most so long."""

    def close(self) -> None:
        """Nothing more is read."""


class WarningReader:
    """Reads `churn.warnings` and notes when the warning of each line with a port-out order was readable."""

    def __init__(self, settings: Settings) -> None:
        self._consumer = Consumer({
            "bootstrap.servers": settings.kafka.bootstrap, "group.id": "bench-latency", "fetch.wait.max.ms": 10,
            "enable.auto.commit": False,
        })  # fmt: skip
        self._consumer.assign([TopicPartition(settings.topic("warnings"), 0, 0)])
        self.seen_s: dict[str, float] = {}

    def expect(self, line: str, account: str) -> None:
        """Every warning is read anyway."""

    def read(self, timeout_s: float) -> None:
        """Take what is there, waiting so long for the first one."""
        for message in self._consumer.consume(500, timeout_s):
            value = message.value()
            if message.error() is None and value is not None:
                warning = msgspec.json.decode(value, type=ChurnWarning)
                if warning.line_id is not None and any(s.name == "port_out_order" for s in warning.signals):
                    self.seen_s.setdefault(warning.line_id, time.monotonic())

    def close(self) -> None:
        """Leave the broker."""
        self._consumer.close()


def bench_latency(lines: int, records: int, seconds: float, orders_per_s: float) -> LatencyFigures:
    """Measure the throughput over `records` preloaded ones, then send at half of it, with orders in between."""
    with (
        bench_setting({"CHURNWATCH_ENGINE__COMMIT_INTERVAL_S": "10"}) as setting,
        running("worker", WORKER, setting.environment, setting.folder) as subject,
    ):
        throughput = preloaded_throughput(setting, subject, lines, records)
        reader = WarningReader(setting.settings)
        found = latencies_under_load(setting, lines, records, throughput / 2, seconds, orders_per_s, reader)
        reader.close()
        subject.stop()
    return told(throughput, found)


def preloaded_throughput(setting: Setting, subject: Subject, lines: int, records: int) -> float:
    """Records a second of a worker that finds `records` of them."""
    fill(setting.settings, "cdr", CallLoad(lines, records, midnight_at=0.0).pairs())
    subject.wait_for(RECORDS, 1, START_TIMEOUT_S)
    started, first = time.monotonic(), subject.figure(RECORDS)
    through = subject.wait_for(RECORDS, records, START_TIMEOUT_S + records / SLOWEST_PER_S)
    return (records - first) / max(through - started, 1e-9)


def told(throughput: float, latencies_s: list[float]) -> LatencyFigures:
    """The figures of a run under half of this throughput."""
    p50, p99 = np.percentile(latencies_s, [50, 99])
    return LatencyFigures(
        throughput_events_per_s=round(throughput),
        load_events_per_s=round(throughput / 2),
        orders=len(latencies_s),
        p50_ms=round(p50 * 1000, 1),
        p99_ms=round(p99 * 1000, 1),
        max_ms=round(max(latencies_s) * 1000, 1),
    )


def latencies_under_load(
    setting: Setting, lines: int, first_record: int, rate: float, seconds: float, orders_per_s: float, reader: Reader
) -> list[float]:
    """Seconds from the sending of each order until the reader saw what came of it.

    Raises:
        UserError: nothing came of an order within `LAST_WARNING_S` after the load.
    """
    settings = setting.settings
    load = CallLoad(lines, int(rate * seconds), midnight_at=-first_record / (rate * seconds), first_record=first_record)
    calls = list(load.pairs())
    orders = list(_orders(load, int(orders_per_s * seconds)))
    producer = BenchProducer(settings)
    sent_s: dict[str, float] = {}
    started, call, order = time.monotonic(), 0, 0
    while (elapsed := time.monotonic() - started) < seconds:
        while call < min(len(calls), int(elapsed * rate)):
            producer.produce(settings.topic("cdr"), *calls[call])
            call += 1
        if order < min(len(orders), int(elapsed * orders_per_s)):
            line, pair = orders[order]
            sent_s[line] = time.monotonic()
            producer.produce(settings.topic("orders"), *pair)
            reader.expect(line, pair[0].decode())
            order += 1
        producer.poll()
        reader.read(PORTION_S)
    deadline = time.monotonic() + LAST_WARNING_S
    while len(reader.seen_s.keys() & sent_s.keys()) < len(sent_s) and time.monotonic() < deadline:
        reader.read(PORTION_S)
    missing = sent_s.keys() - reader.seen_s.keys()
    if missing:
        raise UserError(f"nothing came of {len(missing)} of {len(sent_s)} orders within {LAST_WARNING_S:g} s")
    return [reader.seen_s[line] - at for line, at in sent_s.items()]


def order_lines(lines: int, count: int) -> list[int]:
    """Numbers of the lines whose orders are sent, spread over all."""
    return [number * (lines // max(count, 1)) for number in range(count)]


def _orders(load: CallLoad, count: int) -> Iterator[tuple[str, Pair]]:
    """Port-out orders of lines spread over all, at the times of the calls they are sent with."""
    for number, line in enumerate(order_lines(load.lines, count)):
        ts_ms = load.start_ms + int(load.step_ms * load.records * number / count)
        record = OrderRecord(
            record_id=f"order-{number}", ts_ms=ts_ms, account_id=account_id(line), line_id=line_id(line),
            kind=OrderKind.PORT_OUT_ORDER, origin=Origin.WHOLESALE_PORTING,
        )  # fmt: skip
        yield line_id(line), (account_id(line).encode(), msgspec.json.encode(record))
