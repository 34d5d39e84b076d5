"""State of many lines as a long-lived deployment has it, in the changelog before a worker starts."""

from collections.abc import Iterable

import numpy as np
from kafka.admin import NewTopic

from churnwatch.bench.engine import EngineFeed
from churnwatch.bench.filling import BenchProducer
from churnwatch.bench.load import DAY_MS, MIDNIGHT_MS, CallLoad
from churnwatch.clients import kafka_admin
from churnwatch.settings import Settings
from pipeline.partition_task import PartitionTask
from pipeline.snapshot import Snapshot
from pipeline.state.seen import KEEP_DAYS, SeenIds

#: Ids put into the state at once.
IDS_AT_ONCE = 50_000


def prepared_feed(settings: Settings, lines: int, ids_per_line_day: float) -> EngineFeed:
    """Tasks that know every line, from one call record each, and the record ids of the last `KEEP_DAYS` days.

    The ids are put into the state as hashes, one for each record that these days would have brought. A day before them, which
    is then forgotten, tells how many a day has, as in a deployment that runs for longer than that.
    """
    feed = EngineFeed(settings)
    today = MIDNIGHT_MS // DAY_MS
    lines_of = feed.lines_by_partition(lines)
    for task, count in zip(feed.tasks, lines_of, strict=True):
        for day in range(today - KEEP_DAYS - 1, today + 1):
            if day != today - KEEP_DAYS:
                of_today = count if day == today else 0
                _see(task.engine.state.seen, day, int(count * ids_per_line_day) - of_today)
        task.engine.state.seen.expire(today)
    feed.take(feed.blocks(CallLoad(lines, lines, midnight_at=0.0, in_turn=True)))
    return feed


def _see(seen: SeenIds, day: int, ids: int) -> None:
    random = np.random.default_rng(day)
    while ids > 0:
        seen.first_time(random.integers(1, 1 << 63, min(ids, IDS_AT_ONCE), np.uint64) << np.uint64(1), day)
        ids -= IDS_AT_ONCE


def write_changelog(settings: Settings, worker_id: str, tasks: Iterable[PartitionTask]) -> int:
    """Save the tasks' state as the worker of this id would have; returns the bytes.

    The input topics count as unread: positions are set back to their beginning.
    """
    topic = f"{settings.kafka.topic_prefix}-{worker_id}-pages-changelog"
    admin = kafka_admin(settings)
    admin.create_topics([NewTopic(topic, settings.kafka.partitions, 1, topic_configs={"cleanup.policy": "compact"})])
    admin.close()
    producer = BenchProducer(settings)
    return sum(_write(producer, topic, task) for task in tasks)


def _write(producer: BenchProducer, topic: str, task: PartitionTask) -> int:
    for source in task.merger.inputs.values():
        source.position = 0
    snapshot: Snapshot = task.snapshot()
    partition = task.engine.state.partition
    producer.send(topic, snapshot.pages.items(), partition)
    producer.send(topic, [snapshot.manifest], partition)
    return sum(map(len, snapshot.pages.values()))
