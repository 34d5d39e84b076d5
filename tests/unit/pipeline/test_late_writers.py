"""A writer that lost its partition and writes on, or whose last writes arrive late, changes nothing that counts."""

from pipeline.events import Stream
from pipeline.snapshot import Snapshot, Snapshotter
from pipeline.state.partition import PartitionState

PAGE_ROWS = 16
Stored = dict[bytes, bytes]


class Writer:
    """A worker's writing of one partition whose offset in the calls is all its state, beside one page of labels."""

    def __init__(self, name: str, stored: Stored) -> None:
        self.snapshotter = Snapshotter(0, "features", writer=name)
        restored = self.snapshotter.restore(stored, PAGE_ROWS)
        self.state = PartitionState.empty(0, PAGE_ROWS) if restored is None else restored[0]
        claim = self.snapshotter.take(self.state, {})
        land(stored, claim)

    def snapshot(self, applied: int, label: bytes | None) -> Snapshot:
        self.state.applied[Stream.CDR] = applied
        return self.snapshotter.take(self.state, {"page": label})


def land(stored: Stored, snapshot: Snapshot, *, is_ours: bool = True) -> None:
    """A snapshot arrives in the changelog; deletions follow only when the broker confirmed the partition."""
    stored.update(snapshot.pages)
    stored.update([snapshot.manifest])
    for key in snapshot.deletions if is_ours else ():
        stored.pop(key, None)


def restored(stored: Stored) -> tuple[int, dict[str, bytes]]:
    answer = Snapshotter(0, "features", writer="looker").restore(stored, PAGE_ROWS)
    assert answer is not None
    return answer[0].applied.get(Stream.CDR, 0), answer[1]


def test_a_snapshot_that_arrives_after_the_partition_has_a_new_owner_does_not_count() -> None:
    stored: Stored = {}
    old = Writer("old", stored)
    land(stored, old.snapshot(10, b"ten"))
    late = old.snapshot(20, b"old twenty")
    new = Writer("new", stored)
    land(stored, new.snapshot(15, b"fifteen"))
    land(stored, late, is_ours=False)
    assert restored(stored) == (15, {"page": b"fifteen"})
    land(stored, new.snapshot(30, b"thirty"))
    assert restored(stored) == (30, {"page": b"thirty"})


def test_late_pages_leave_the_pages_that_a_new_owner_took_over_alone() -> None:
    stored: Stored = {}
    old = Writer("old", stored)
    for applied in range(1, 6):
        land(stored, old.snapshot(applied, b"%d" % applied))
    late = old.snapshot(6, b"late")
    Writer("new", stored)
    land(stored, late, is_ours=False)
    assert restored(stored) == (5, {"page": b"5"})


def test_a_claim_counts_even_when_its_writer_dies_at_once() -> None:
    stored: Stored = {}
    old = Writer("old", stored)
    late = old.snapshot(10, b"ten")
    Writer("short", stored)
    land(stored, late, is_ours=False)
    third = Writer("third", stored)
    assert third.state.applied.get(Stream.CDR, 0) == 0
    land(stored, third.snapshot(3, b"three"))
    assert restored(stored) == (3, {"page": b"three"})


def test_what_dead_writers_left_behind_is_deleted_by_those_that_follow() -> None:
    stored: Stored = {}
    for number in range(5):
        writer = Writer(f"writer{number}", stored)
        for applied in range(10 * number, 10 * number + 3):
            land(stored, writer.snapshot(applied, b"%d" % applied))
        stored.update(writer.snapshot(99, b"never whole").pages)
    # The last one's two slots, its page of the crowd and its manifest, and nobody else's.
    assert len(stored) == 4
    assert all(b"writer4" in key or b"writer4" in value for key, value in stored.items())
    assert restored(stored) == (42, {"page": b"42"})


def test_a_page_that_is_gone_and_comes_back_is_whole() -> None:
    stored: Stored = {}
    writer = Writer("writer", stored)
    for label in (b"one", None, b"two", b"three", None, b"four"):
        land(stored, writer.snapshot(1, label))
    assert restored(stored)[1] == {"page": b"four"}
