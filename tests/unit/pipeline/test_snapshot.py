"""A snapshot is atomic: until its manifest is written the old state is whole, then the new one."""

import random

import msgspec
import pytest

from pipeline.events import Stream
from pipeline.snapshot import MANIFEST, Manifest, Snapshot, SnapshotError, Snapshotter, partition_of_key, table_key
from pipeline.state.partition import PartitionState
from tests.fakes.pipeline_runs import DAY_MS, MONDAY_MS, PAGE_LINES, Run, Topic, Topics, call, care, customer, topics_of

SCHEMA = "f1"


def history(days: int) -> Topics:
    """Some lines that call on and off, and complain."""
    dice = random.Random(4)
    calls, complaints = [], []
    for day in range(days):
        for number in range(60):
            line = dice.randrange(40)
            changes = {"account_id": f"a{line // 2}", "line_id": f"a{line // 2}-{line}"}
            ts_ms = MONDAY_MS + day * DAY_MS + number * 1_000_000
            calls.append(call(day * 100 + number, ts_ms, **changes))
            if number % 20 == 0:
                complaints.append(care("complaint", day * 100 + number, ts_ms, **changes))
    return topics_of(cdr=calls, care=complaints, customers=[customer(MONDAY_MS)])


def first_part(topic: Topic, records: int) -> Topic:
    return Topic(topic.keys[:records], topic.values[:records])


def pages_of(state: PartitionState) -> list[bytes]:
    tables = (state.lines, state.accounts)
    return [table.dump_page(page) for table in tables for page in range(table.page_count)]


def restored(
    stored: dict[bytes, bytes], page_rows: int = PAGE_LINES
) -> tuple[list[bytes], dict[Stream, int], list[int]]:
    """What a new process finds: pages, offsets, ids seen (sorted)."""
    found = Snapshotter(0, manifest_of(stored).features, "reader").restore(stored, page_rows)
    assert found is not None
    state = found[0]
    ids = sorted(number for table in state.seen.days.values() for number in table.fingerprints().tolist())
    return pages_of(state), state.applied, ids


def manifest_key(stored: dict[bytes, bytes]) -> bytes:
    """Key of the only manifest."""
    (key,) = [key for key in stored if key.startswith(table_key(0, MANIFEST, ""))]
    return key


def manifest_of(stored: dict[bytes, bytes]) -> Manifest:
    return msgspec.msgpack.decode(stored[manifest_key(stored)], type=Manifest)


def page_key(stored: dict[bytes, bytes], name: str) -> bytes:
    """Where a page stands now."""
    return table_key(0, name, manifest_of(stored).pages[name])


@pytest.fixture
def two_snapshots() -> tuple[dict[bytes, bytes], Snapshot, Run]:
    """A store after one snapshot, the second snapshot that is not written yet, and the run that made both."""
    run, topics = Run(), history(days=9)
    run.fetch_all({stream: first_part(topic, len(topic.values) // 2) for stream, topic in topics.items()})
    run.save()
    run.fetch_all(topics)
    return dict(run.stored), run.task.snapshot(), run


def test_any_part_of_the_pages_without_the_manifest_leaves_the_old_state(
    two_snapshots: tuple[dict[bytes, bytes], Snapshot, Run],
) -> None:
    stored, snapshot, _ = two_snapshots
    old = restored(stored)
    assert len(snapshot.pages) > 5
    for written in range(len(snapshot.pages) + 1):
        torn = stored | dict(list(snapshot.pages.items())[:written])
        assert restored(torn) == old


def test_with_the_manifest_the_new_state_is_there_before_and_after_the_deletions(
    two_snapshots: tuple[dict[bytes, bytes], Snapshot, Run],
) -> None:
    stored, snapshot, run = two_snapshots
    whole = stored | snapshot.pages | dict([snapshot.manifest])
    pages, applied, ids = restored(whole)
    assert pages == pages_of(run.state)
    assert applied == snapshot.applied == run.task.merger.applied()
    assert ids == sorted(number for table in run.state.seen.days.values() for number in table.fingerprints().tolist())
    assert snapshot.deletions
    for deleted in range(len(snapshot.deletions) + 1):
        gone = snapshot.deletions[:deleted]
        assert restored({key: value for key, value in whole.items() if key not in gone}) == (pages, applied, ids)


def test_nothing_is_deleted_that_the_old_state_needs_before_the_new_one_is_there(
    two_snapshots: tuple[dict[bytes, bytes], Snapshot, Run],
) -> None:
    stored, snapshot, _ = two_snapshots
    needed = {table_key(0, name, slot) for name, slot in manifest_of(stored).pages.items()}
    assert not needed & set(snapshot.pages)


def test_a_snapshot_without_changes_writes_the_manifest_only() -> None:
    run, topics = Run(), history(days=2)
    run.fetch_all(topics)
    run.save()
    snapshot = run.task.snapshot()
    assert snapshot.pages == {}
    assert snapshot.deletions == []


def test_hundreds_of_snapshots_leave_at_most_two_slots_a_page() -> None:
    run, topics = Run(), history(days=12)
    while run.position(Stream.CDR) < len(topics[Stream.CDR].values):
        for stream in Stream:
            run.fetch(topics, stream, 7)
        run.poll(topics)
        run.save()
    manifest = manifest_of(run.stored)
    assert manifest.epoch > 80
    assert {key.decode().split("|")[1] for key in run.stored} == {MANIFEST, *manifest.pages}
    assert len(run.stored) <= 2 * len(manifest.pages) + 1


def test_no_manifest_is_no_state() -> None:
    assert Snapshotter(0, SCHEMA, "w").restore({}, PAGE_LINES) is None
    assert Snapshotter(0, SCHEMA, "w").restore({table_key(0, "lines/0", "v.0"): b"torn"}, PAGE_LINES) is None


def saved_state() -> dict[bytes, bytes]:
    run, topics = Run(), history(days=2)
    run.fetch_all(topics)
    run.save()
    return dict(run.stored)


def refusal(stored: dict[bytes, bytes], page_rows: int = PAGE_LINES, features: str = "") -> str:
    with pytest.raises(SnapshotError) as caught:
        Snapshotter(0, features or manifest_of(stored).features, "reader").restore(stored, page_rows)
    return str(caught.value)


def test_state_of_another_schema_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = saved_state()
    assert "feature schema" in refusal(stored, features="other")
    assert "pages of 16 lines, engine.page_lines says 32" in refusal(stored, page_rows=32)
    monkeypatch.setattr("pipeline.snapshot.schema_version", lambda: "other")
    message = refusal(stored)
    assert "state schema" in message
    assert "Start the release that wrote it, or rebuild: stop all workers, give worker.id a new name" in message


@pytest.mark.parametrize("prefix", ["lines/1", "accounts/0", "seen/", "labels/"])
def test_a_missing_page_is_named_with_what_to_do(prefix: str) -> None:
    stored = saved_state()
    name = next(page for page in manifest_of(stored).pages if page.startswith(prefix))
    del stored[page_key(stored, name)]
    message = refusal(stored)
    assert f"lacks its page {name}" in message
    assert "Rebuild: stop all workers" in message


@pytest.mark.parametrize("damage", [b"", b"\x00", b"not msgpack"])
def test_a_damaged_manifest_or_page_is_refused_with_what_to_do(damage: bytes) -> None:
    stored = saved_state()
    schema = manifest_of(stored).features
    for key in (manifest_key(stored), page_key(stored, "lines/0")):
        message = refusal(stored | {key: damage}, features=schema)
        assert "cannot be used" in message
        assert "worker.id" in message


def test_a_page_that_lost_its_end_is_refused() -> None:
    stored = saved_state()
    key = page_key(stored, "lines/0")
    assert "damaged" in refusal(stored | {key: stored[key][:-10]})


def test_keys_tell_their_partition() -> None:
    assert partition_of_key(table_key(17, "labels/days/3", "writer1.0")) == 17


def test_what_a_writer_sends_after_it_lost_the_partition_counts_for_nothing() -> None:
    run, topics = Run(), history(days=4)
    run.fetch_all({stream: first_part(topic, 100) for stream, topic in topics.items()})
    run.save()
    run.fetch(topics, Stream.CDR, 50)
    run.settle({stream: first_part(topic, 100) for stream, topic in topics.items()})
    zombie = run.task
    run.restart()
    run.fetch_all(topics)
    run.save()
    expected = restored(run.stored)
    late = zombie.snapshot()
    for written in range(len(late.pages) + 1):
        assert restored(run.stored | dict(list(late.pages.items())[:written])) == expected
