"""A partition's whole state as pages for a table, and back: atomic, incremental, of one schema version.

Every page has two slots. A snapshot writes the pages that changed since the last one into the slot that the last one does
not use, and then the manifest, which names the slot of every page. Until the manifest is there the old snapshot is whole;
a process that dies half way leaves nothing torn (docs/adr/0021-atomic-snapshots.md).

Slots and manifests belong to one writer, and every writer of a partition has a higher term than the one whose snapshot it
took over. So what a writer still sends after it lost the partition touches nothing that counts: its slots are its own, and
its manifest is of a lower term (docs/adr/0033-writers-and-terms.md).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import msgspec

from pipeline.calm.crowd import Crowd
from pipeline.calm.saved import dump_crowd, load_crowd
from pipeline.events import Stream
from pipeline.state.catalogue import ACCOUNT_COLUMNS, LINE_COLUMNS, schema_version
from pipeline.state.decay import Landmark
from pipeline.state.partition import PartitionState
from pipeline.state.seen import SeenIds
from pipeline.state.table import ColumnTable

MANIFEST = "manifest"
LINES, ACCOUNTS, SEEN, LABELS, CROWD = "lines", "accounts", "seen", "labels", "crowd"


class SnapshotError(ValueError):
    """Saved state that must not be used; the message says what to do."""


class Manifest(msgspec.Struct):
    """What one snapshot consists of. `pages` maps the name of a page to the slot that holds it.

    The manifest that counts is the one with the highest `term`, and `epoch` within it.
    """

    schema: str
    features: str
    term: int
    epoch: int
    page_rows: int
    clock_ms: int
    newest_ms: int
    landmark_ms: int
    applied: dict[Stream, int]
    pages: dict[str, str]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What to write, in this order: all of `pages`, then `manifest`, and only when that is durable, the deletions.

    The deletions must wait, too, until it is certain that the partition was still ours when the manifest was durable.

    `applied`: the offsets that may be acknowledged when the manifest is durable.
    """

    pages: dict[bytes, bytes]
    manifest: tuple[bytes, bytes]
    deletions: list[bytes]
    applied: dict[Stream, int]

    @property
    def size(self) -> int:
        """Bytes of the pages."""
        return sum(map(len, self.pages.values()))


_ENCODE = msgspec.msgpack.Encoder(order="deterministic").encode
_DECODE = msgspec.msgpack.Decoder(Manifest).decode


def table_key(partition: int, name: str, slot: str) -> bytes:
    """Key in the state table; the partition stands first, so that one table serves them all.

    >>> table_key(3, "lines/0", "5f0e.1")
    b'3|lines/0|5f0e.1'
    """
    return f"{partition}|{name}|{slot}".encode()


def partition_of_key(key: bytes) -> int:
    """Partition to which a key of the state table belongs.

    >>> partition_of_key(b'3|lines/0|5f0e.1')
    3
    """
    return int(key.partition(b"|")[0])


class Snapshotter:
    """Writes snapshots of one partition; remembers which slot holds what.

    Args:
        writer: names this writer in its keys; nobody else may ever have written this partition under the same name.
    """

    def __init__(self, partition: int, feature_schema: str, writer: str) -> None:
        self._partition = partition
        self._features = feature_schema
        self._writer = writer
        self._slots: dict[str, str] = {}
        self._term = 1
        self._epoch = 0
        self._left_behind: list[bytes] = []
        self._crowd = b""

    def take(self, state: PartitionState, labels: Mapping[str, bytes | None]) -> Snapshot:
        """The changes since the last snapshot; `labels` are the changed pages of the label keeper (None: gone)."""
        changed: dict[str, bytes | None] = {}
        for name, table in ((LINES, state.lines), (ACCOUNTS, state.accounts)):
            dirty = table.dirty_pages()
            changed.update({f"{name}/{page}": table.dump_page(page) for page in dirty})
            table.saved(dirty)
        changed.update({f"{SEEN}/{name}": data for name, data in state.seen.changed_pages().items()})
        changed.update({f"{LABELS}/{name}": data for name, data in labels.items()})
        crowd = dump_crowd(state.crowd)
        if crowd != self._crowd:
            changed[f"{CROWD}/all"] = self._crowd = crowd
        writes, deletions = self._place(changed)
        deletions += self._left_behind
        self._left_behind = []
        self._epoch += 1
        manifest = Manifest(
            schema=schema_version(),
            features=self._features,
            term=self._term,
            epoch=self._epoch,
            page_rows=state.lines.page_rows,
            clock_ms=state.clock_ms,
            newest_ms=state.newest_ms,
            landmark_ms=state.landmark.ms,
            applied=dict(state.applied),
            pages=dict(self._slots),
        )
        key = table_key(self._partition, MANIFEST, self._writer)
        return Snapshot(writes, (key, _ENCODE(manifest)), deletions, dict(state.applied))

    def restore(self, stored: Mapping[bytes, bytes], page_rows: int) -> tuple[PartitionState, dict[str, bytes]] | None:
        """State and the label keeper's pages of the last whole snapshot; None when there is none.

        The first snapshot after it raises the term: take one, and make it durable, before anything else is written.

        Raises:
            SnapshotError: the snapshot is of another schema or page size, or a page that it names is missing.
        """
        manifest = self._newest_manifest(stored)
        if manifest is None:
            self._left_behind = list(stored)
            return None
        self._check(manifest, page_rows)
        self._slots, self._term, self._epoch = dict(manifest.pages), manifest.term + 1, manifest.epoch
        named = {table_key(self._partition, name, slot) for name, slot in manifest.pages.items()}
        self._left_behind = [key for key in stored if key not in named]
        lines, accounts, seen = ColumnTable(LINE_COLUMNS, page_rows), ColumnTable(ACCOUNT_COLUMNS, page_rows), SeenIds()
        for name, table in ((LINES, lines), (ACCOUNTS, accounts)):
            numbers = sorted(_numbers(manifest.pages, name))
            table.reserve(len(numbers) * page_rows)
            for page in numbers:
                self._load(table, f"{name}/{page}", stored)
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
        state.crowd = self._load_crowd(stored)
        state.applied = dict(manifest.applied)
        state.index_accounts()
        return state, self._group(stored, manifest, LABELS)

    def _place(self, changed: Mapping[str, bytes | None]) -> tuple[dict[bytes, bytes], list[bytes]]:
        """Slots for what changed, and keys to delete once the manifest is there."""
        writes: dict[bytes, bytes] = {}
        deletions: list[bytes] = []
        for name, data in changed.items():
            before = self._slots.pop(name, None)
            if data is not None:
                self._slots[name] = self._other_slot(before)
                writes[table_key(self._partition, name, self._slots[name])] = data
            elif before is not None:
                deletions += [table_key(self._partition, name, slot) for slot in (before, self._other_slot(before))]
            if data is not None and before is not None and not self._is_own(before):
                deletions.append(table_key(self._partition, name, before))
        return writes, deletions

    def _other_slot(self, slot: str | None) -> str:
        """The slot of ours that is not this one."""
        return f"{self._writer}.{int(slot == f'{self._writer}.0')}"

    def _is_own(self, slot: str) -> bool:
        return slot.rpartition(".")[0] == self._writer

    def _newest_manifest(self, stored: Mapping[bytes, bytes]) -> Manifest | None:
        prefix = table_key(self._partition, MANIFEST, "")
        try:
            manifests = [_DECODE(raw) for key, raw in stored.items() if key.startswith(prefix)]
        except msgspec.MsgspecError as error:
            raise self._unusable(f"its manifest cannot be read ({error})") from None
        return max(manifests, key=lambda manifest: (manifest.term, manifest.epoch), default=None)

    def _check(self, manifest: Manifest, page_rows: int) -> None:
        problem = ""
        if manifest.schema != schema_version():
            problem = f"it has state schema {manifest.schema}, this program {schema_version()}"
        elif manifest.features != self._features:
            problem = f"it has feature schema {manifest.features}, this program {self._features}"
        elif manifest.page_rows != page_rows:
            problem = f"it has pages of {manifest.page_rows} lines, engine.page_lines says {page_rows}"
        if problem:
            raise self._unusable(problem)

    def _unusable(self, problem: str) -> SnapshotError:
        return SnapshotError(
            f"the saved state of partition {self._partition} cannot be used: {problem}. Start the release that wrote it, or "
            "rebuild: stop all workers, give worker.id a new name, and start; the state is built again from the input topics"
        )

    def _load(self, table: ColumnTable, name: str, stored: Mapping[bytes, bytes]) -> None:
        try:
            table.load_page(self._page(stored, name))
        except (msgspec.MsgspecError, ValueError) as error:
            if isinstance(error, SnapshotError):
                raise
            raise self._unusable(f"its page {name} is damaged ({error})") from None

    def _load_crowd(self, stored: Mapping[bytes, bytes]) -> Crowd:
        name = f"{CROWD}/all"
        try:
            return load_crowd(self._page(stored, name))
        except (msgspec.MsgspecError, ValueError) as error:
            if isinstance(error, SnapshotError):
                raise
            raise self._unusable(f"its page {name} is damaged ({error})") from None

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
