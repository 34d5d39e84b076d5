"""The synthetic operator's records into Kafka, at a multiple of real time or at a rate of records."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from confluent_kafka import KafkaError, Message, Producer

from churnwatch.errors import UserError
from churnwatch.settings import Settings
from pipeline.events import Stream
from pipeline.sources.operator.config import OperatorConfig
from pipeline.sources.operator.contacts import Reached
from pipeline.sources.operator.simulate import OperatorDay, days

#: When a slice is due: stream milliseconds since the start and records sent so far -> seconds since the start.
Pace = Callable[[int, int], float]

SLICE_MS = 3_600_000
DAY_MS = 86_400_000
FLUSH_TIMEOUT_S = 30.0
HOLD_S_MAX = 20.0
HOLD_LOOK_S = 0.05


def at_speed(stream_s_per_s: float) -> Pace:
    """So many stream seconds a wall second.

    >>> at_speed(3600.0)(7_200_000, 5)
    2.0
    """
    return lambda stream_ms, _records: stream_ms / 1000.0 / stream_s_per_s


def at_rate(records_per_s: float) -> Pace:
    """So many records a wall second.

    >>> at_rate(1000.0)(7_200_000, 500)
    0.5
    """
    return lambda _stream_ms, records: records / records_per_s


class OperatorFeed(threading.Thread):
    """Produces the operator's days at a pace, hour by hour of stream time.

    Counters are written by this thread and read by others: `records` sent, `malformed` among them, `refused` by the broker,
    `contacted` lines by what contacts did to them.

    Args:
        reached: asked before each day for whom simulated staff spoke to; None: nobody.
        followed: whether those who read are far enough for the day that begins at this time (epoch ms) to be sent; None: the
            feed waits for nobody. It waits at most `HOLD_S_MAX` a day, so that a process that died does not end the stream.
    """

    def __init__(
        self,
        settings: Settings,
        operator: OperatorConfig,
        pace: Pace,
        reached: Callable[[], Iterable[Reached]] | None = None,
        followed: Callable[[int], bool] | None = None,
    ) -> None:
        super().__init__(name="operator-feed", daemon=True)
        self._topics = {stream: settings.topic(stream.value) for stream in Stream}
        self._operator = operator
        self._pace = pace
        self._reached = reached or tuple
        self._followed = followed
        self._stop_asked = threading.Event()
        self._producer = Producer(
            {
                "bootstrap.servers": settings.kafka.bootstrap,
                "partitioner": "murmur2_random",
                "linger.ms": 5,
                "queue.buffering.max.messages": 200_000,
                "logger": None,
            }
        )
        self.records = 0
        self.malformed: Counter[str] = Counter()
        self.contacted: Counter[str] = Counter()
        self.refused = 0
        self.day_ms = 0
        self.finished = False
        self.error = ""

    def stop(self) -> None:
        """Ask the thread to end."""
        self._stop_asked.set()

    def run(self) -> None:
        """Produce until the last day or until `stop`."""
        try:
            self._produce_days()
        except UserError as error:
            self.error = str(error)

    def _produce_days(self) -> None:
        start_s, first_ms = time.monotonic(), None
        for day in days(self._operator, self._reached):
            start_s += self._hold(day.day_ms)
            first_ms = day.day_ms if first_ms is None else first_ms
            self.day_ms = day.day_ms
            self.contacted.update(day.contacted)
            for until_ms, records in _slices(day):
                for stream, key, line in records:
                    self._send(self._topics[stream], key, line)
                ahead_s = self._pace(until_ms - first_ms, self.records) - (time.monotonic() - start_s)
                self._producer.poll(0)
                if self._stop_asked.wait(max(0.0, ahead_s)):
                    return
            self.malformed.update({reason.value: count for reason, count in day.malformed.items()})
        left = self._producer.flush(FLUSH_TIMEOUT_S)
        if left or self.refused:
            raise UserError(f"the broker did not take {left + self.refused} records of the synthetic operator")
        self.finished = True

    def _hold(self, day_ms: int) -> float:
        """Wait until this day may be sent; returns the seconds waited, by which all that comes is later."""
        began_s = time.monotonic()
        while self._followed is not None and not self._followed(day_ms) and time.monotonic() - began_s < HOLD_S_MAX:
            if self._stop_asked.wait(HOLD_LOOK_S):
                break
        return time.monotonic() - began_s

    def _send(self, topic: str, key: bytes, line: bytes) -> None:
        while True:
            try:
                self._producer.produce(topic, key=key, value=line, on_delivery=self._delivered)
                break
            except BufferError:
                self._producer.poll(0.05)
        self.records += 1

    def _delivered(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self.refused += 1


def _slices(day: OperatorDay) -> Iterator[tuple[int, list[tuple[Stream, bytes, bytes]]]]:
    """The day's records of all streams in slices of an hour, so that no stream runs ahead of the others."""
    places = dict.fromkeys(day.streams, 0)
    for until_ms in range(day.day_ms + SLICE_MS, day.day_ms + DAY_MS + SLICE_MS, SLICE_MS):
        last = until_ms > day.day_ms + DAY_MS - SLICE_MS
        records = []
        for stream, batch in day.streams.items():
            at = places[stream]
            while at < len(batch.received_ms) and (last or batch.received_ms[at] < until_ms):
                records.append((stream, batch.keys[at], batch.lines[at]))
                at += 1
            places[stream] = at
        yield until_ms, records
        if last:
            return
