"""A partition's whole state as pages for a table, and back: atomic, incremental, of one schema version.

Every page has two slots. A snapshot writes the pages that changed since the last one into the slot that the last one does
not use, and then the manifest, which names the slot of every page. Until the manifest is there the old snapshot is whole;
a process that dies half way leaves nothing torn (docs/adr/0021-atomic-snapshots.md).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from pipeline.events import Stream
from pipeline.state.catalogue import ACCOUNT_COLUMNS, LINE_COLUMNS, schema_version
from pipeline.state.decay import Landmark
from pipeline.state.partition import PartitionState
from pipeline.state.seen import SeenIds
from pipeline.state.table import ColumnTable

MANIFEST = "manifest"
LINES, ACCOUNTS, SEEN, LABELS = "lines", "accounts", "seen", "labels"


class SnapshotError(ValueError):
    """Saved state that must not be used; the message says what to do."""


class Manifest(msgspec.Struct):
    """What one snapshot consists of. `pages` maps the name of a page to the slot (0 or 1) that holds it."""

    schema: str
    features: str
    epoch: int
    page_rows: int
    clock_ms: int
    newest_ms: int
    landmark_ms: int
    applied: dict[Stream, int]
    pages: dict[str, int]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What to write, in this order: all of `pages`, then `manifest`, and only when that is durable, the deletions.

    `applied`: the offsets that may be acknowledged when the manifest is durable.
    """

    pages: dict[bytes, bytes]
    manifest: tuple[bytes, bytes]
    deletions: list[bytes]
    applied: dict[Stream, int]


_ENCODE = msgspec.msgpack.Encoder(order="deterministic").encode
_DECODE = msgspec.msgpack.Decoder(Manifest).decode


def table_key(partition: int, name: str, slot: int = 0) -> bytes:
    """Key in the state table; the partition stands first, so that one table serves them all.

    >>> table_key(3, "lines/0", 1)
    b'3|lines/0|1'
    """
    return f"{partition}|{name}|{slot}".encode()


def partition_of_key(key: bytes) -> int:
    """Partition to which a key of the state table belongs.

    >>> partition_of_key(b'3|lines/0|1')
    3
    """
    return int(key.partition(b"|")[0])


class Snapshotter:
    """Writes snapshots of one partition; remembers which slot holds what."""

    def __init__(self, partition: int, feature_schema: str) -> None:
        self._partition = partition
        self._features = feature_schema
        self._slots: dict[str, int] = {}
        self._epoch = 0

    def take(self, state: PartitionState, labels: Mapping[str, bytes | None]) -> Snapshot:
        """The changes since the last snapshot; `labels` are the changed pages of the label keeper (None: gone)."""
        changed: dict[str, bytes | None] = {}
        for name, table in ((LINES, state.lines), (ACCOUNTS, state.accounts)):
            dirty = table.dirty_pages()
            changed.update({f"{name}/{page}": table.dump_page(page) for page in dirty})
            table.saved(dirty)
        changed.update({f"{SEEN}/{name}": data for name, data in state.seen.changed_pages().items()})
        changed.update({f"{LABELS}/{name}": data for name, data in labels.items()})
        writes, deletions = self._place(changed)
        self._epoch += 1
        manifest = Manifest(
            schema=schema_version(),
            features=self._features,
            epoch=self._epoch,
            page_rows=state.lines.page_rows,
            clock_ms=state.clock_ms,
            newest_ms=state.newest_ms,
            landmark_ms=state.landmark.ms,
            applied=dict(state.applied),
            pages=dict(self._slots),
        )
        return Snapshot(
            writes, (table_key(self._partition, MANIFEST), _ENCODE(manifest)), deletions, dict(state.applied)
        )

    def restore(self, stored: Mapping[bytes, bytes], page_rows: int) -> tuple[PartitionState, dict[str, bytes]] | None:
        """State and the label keeper's pages of the last whole snapshot; None when there is none.

        Raises:
            SnapshotError: the snapshot is of another schema or page size, or a page that it names is missing.
        """
        raw = stored.get(table_key(self._partition, MANIFEST))
        if raw is None:
            return None
        manifest = _DECODE(raw)
        self._check(manifest, page_rows)
        self._slots, self._epoch = dict(manifest.pages), manifest.epoch
        lines, accounts, seen = ColumnTable(LINE_COLUMNS, page_rows), ColumnTable(ACCOUNT_COLUMNS, page_rows), SeenIds()
        for name, table in ((LINES, lines), (ACCOUNTS, accounts)):
            for page in sorted(_numbers(manifest.pages, name)):
                table.load_page(self._page(stored, f"{name}/{page}"))
        seen.restore(self._group(stored, manifest, SEEN))
        state = PartitionState(
            self._partition,
            lines,
            accounts,
            seen,
            Landmark(manifest.landmark_ms),
            manifest.clock_ms,
            manifest.newest_ms,
        )
        state.applied = dict(manifest.applied)
        state.index_accounts()
        return state, self._group(stored, manifest, LABELS)

    def _place(self, changed: Mapping[str, bytes | None]) -> tuple[dict[bytes, bytes], list[bytes]]:
        """Slots for what changed, and keys to delete once the manifest is there."""
        writes: dict[bytes, bytes] = {}
        deletions: list[bytes] = []
        for name, data in changed.items():
            if data is None:
                self._slots.pop(name, None)
                deletions += [table_key(self._partition, name, slot) for slot in (0, 1)]
            else:
                slot = 1 - self._slots.get(name, 1)
                self._slots[name] = slot
                writes[table_key(self._partition, name, slot)] = data
        return writes, deletions

    def _check(self, manifest: Manifest, page_rows: int) -> None:
        problem = ""
        if manifest.schema != schema_version():
            problem = f"it has state schema {manifest.schema}, this program {schema_version()}"
        elif manifest.features != self._features:
            problem = f"it has feature schema {manifest.features}, this program {self._features}"
        elif manifest.page_rows != page_rows:
            problem = f"it has pages of {manifest.page_rows} lines, engine.page_lines says {page_rows}"
        if problem:
            raise SnapshotError(
                f"the saved state of partition {self._partition} cannot be used: {problem}. Start the release that wrote it, or "
                "rebuild: stop all workers, give worker.id a new name, and start; the state is built again from the input topics"
            )

    def _page(self, stored: Mapping[bytes, bytes], name: str) -> bytes:
        data = stored.get(table_key(self._partition, name, self._slots[name]))
        if data is None:
            raise SnapshotError(
                f"the saved state of partition {self._partition} lacks its page {name}: the changelog topic lost records. "
                "Rebuild: stop all workers, give worker.id a new name, and start"
            )
        return data

    def _group(self, stored: Mapping[bytes, bytes], manifest: Manifest, prefix: str) -> dict[str, bytes]:
        names = [name for name in manifest.pages if name.startswith(f"{prefix}/")]
        return {name.removeprefix(f"{prefix}/"): self._page(stored, name) for name in names}


def _numbers(names: Iterable[str], prefix: str) -> list[int]:
    return [int(name.rpartition("/")[2]) for name in names if name.startswith(f"{prefix}/")]
