"""The worker's saved state, read from its changelog as another worker would."""

from collections.abc import Mapping

import numpy as np
from confluent_kafka import Consumer, TopicPartition
from msgspec import json, msgpack

from churnwatch.engine_parts import engine_parts
from churnwatch.settings import Settings
from pipeline.snapshot import MANIFEST, SEEN, Manifest, Snapshotter, table_key
from pipeline.state.partition import PartitionState

Tables = dict[int, dict[bytes, bytes]]


def saved_states(settings: Settings) -> list[PartitionState]:
    """The state of every partition that has a whole snapshot."""
    return [state for state, _ in _restored(settings, tables(settings)).values()]


def saved_pages(settings: Settings, stored: Tables | None = None) -> dict[str, bytes]:
    """Everything saved, by partition and page, in bytes that are equal only if the state is.

    Which slot and writer a page has, and the order of the ids seen within a day, are no part of it.
    """
    found: dict[str, bytes] = {}
    for partition, table in (tables(settings) if stored is None else stored).items():
        manifest = newest_manifest(table)
        if manifest is None:
            continue
        seen: dict[str, list[bytes]] = {}
        for name, slot in manifest.pages.items():
            page = table[table_key(partition, name, slot)]
            if name.startswith(f"{SEEN}/"):
                seen.setdefault(name.rpartition("/")[0], []).append(page)
            else:
                found[f"{partition}/{name}"] = page
        for name, pages in seen.items():
            found[f"{partition}/{name}"] = np.sort(np.frombuffer(b"".join(pages), np.uint64)).tobytes()
        found[f"{partition}/applied"] = json.encode(manifest.applied, order="sorted")
        found[f"{partition}/times"] = f"{manifest.clock_ms} {manifest.newest_ms} {manifest.landmark_ms}".encode()
    return found


def newest_manifest(table: Mapping[bytes, bytes]) -> Manifest | None:
    """The manifest that counts; None when there is none."""
    manifests = [msgpack.decode(page, type=Manifest) for key, page in table.items() if f"|{MANIFEST}|".encode() in key]
    return max(manifests, key=lambda manifest: (manifest.term, manifest.epoch), default=None)


def _restored(
    settings: Settings, stored: Mapping[int, Mapping[bytes, bytes]]
) -> dict[int, tuple[PartitionState, dict[str, bytes]]]:
    schema, page_lines = engine_parts(settings).schema, settings.engine.page_lines
    answers = {
        partition: Snapshotter(partition, schema, writer="looker").restore(table, page_lines)
        for partition, table in stored.items()
    }
    return {partition: answer for partition, answer in answers.items() if answer is not None}


def tables(settings: Settings) -> Tables:
    """What every partition's changelog holds now."""
    topic = f"{settings.kafka.topic_prefix}-{settings.worker.id}-pages-changelog"
    consumer = Consumer(
        {"bootstrap.servers": settings.kafka.bootstrap, "group.id": f"look-{topic}", "enable.partition.eof": True}
    )
    found: Tables = {partition: {} for partition in range(settings.kafka.partitions)}
    try:
        consumer.assign([TopicPartition(topic, partition, 0) for partition in found])
        ended = 0
        while ended < len(found):
            for message in consumer.consume(1000, 0.1):
                if message.error() is not None:
                    ended += 1
                    continue
                table, key, value = found[message.partition() or 0], message.key(), message.value()
                assert isinstance(key, bytes)
                if value is None:
                    table.pop(key, None)
                else:
                    table[key] = value
    finally:
        consumer.close()
    return found
