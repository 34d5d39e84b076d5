"""Ids seen: a record that comes twice counts once, over three days, in bounded memory, and none is lost."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.state.seen import BUCKET, KEEP_DAYS, PAGE_IDS, DayTable, Hashes, SeenIds

DAY = 20_500


def hashes_of(*numbers: int) -> Hashes:
    """Small numbers spread over all 64 bits, as a hash would."""
    return np.array([number * 0x9E3779B97F4A7C15 % 2**64 for number in numbers], np.uint64)


def random_hashes(count: int, seed: int) -> Hashes:
    drawn = np.random.default_rng(seed).integers(1, 2**64, count, np.uint64)
    return np.unique(drawn)[np.random.default_rng(seed + 1).permutation(len(np.unique(drawn)))]


def saved(seen: SeenIds, store: dict[str, bytes]) -> None:
    for name, data in seen.changed_pages().items():
        if data is None:
            del store[name]
        else:
            store[name] = data


def restored(store: dict[str, bytes]) -> SeenIds:
    seen = SeenIds()
    seen.restore(store)
    return seen


def test_a_duplicate_within_a_block_and_across_blocks_is_dropped() -> None:
    seen = SeenIds()
    assert seen.first_time(hashes_of(5, 6, 5, 7), DAY).tolist() == [True, True, False, True]
    assert seen.first_time(hashes_of(7, 8, 5), DAY).tolist() == [False, True, False]
    assert seen.first_time(hashes_of(), DAY).tolist() == []


def test_a_duplicate_is_dropped_for_three_days_and_forgotten_after() -> None:
    seen = SeenIds()
    seen.first_time(hashes_of(5), DAY)
    for later in range(1, KEEP_DAYS + 1):
        seen.expire(DAY + later)
        assert seen.first_time(hashes_of(5, 100 + later), DAY + later).tolist() == [False, True]
    seen.expire(DAY + KEEP_DAYS + 1)
    assert seen.first_time(hashes_of(5), DAY + KEEP_DAYS + 1).tolist() == [True]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.lists(st.integers(0, 40), max_size=12)), max_size=15), st.data())
def test_it_agrees_with_a_set_whatever_comes_and_whenever_it_is_saved_and_restored(
    blocks: list[tuple[int, list[int]]], data: st.DataObject
) -> None:
    seen, store, known = SeenIds(), dict[str, bytes](), dict[int, set[int]]()
    day = DAY
    for days_later, numbers in blocks:
        day += days_later
        seen.expire(day)
        known = {past: ids for past, ids in known.items() if past >= day - KEEP_DAYS}
        expected = []
        for number in numbers:
            expected.append(not any(number in ids for ids in known.values()))
            if expected[-1]:
                known.setdefault(day, set()).add(number)
        assert seen.first_time(hashes_of(*numbers), day).tolist() == expected
        if data.draw(st.booleans()):
            saved(seen, store)
        if data.draw(st.booleans()):
            saved(seen, store)
            seen = restored(store)


def test_a_million_distinct_ids_are_all_taken() -> None:
    seen = SeenIds()
    hashes = random_hashes(1_000_000, 3)
    lost = 0
    for number, block in enumerate(np.array_split(hashes, 100)):
        lost += int((~seen.first_time(block, DAY + number // 30)).sum())
    assert lost == 0


def test_false_positives_are_rarer_than_one_in_a_million() -> None:
    seen = SeenIds()
    for day in range(4):
        seen.first_time(random_hashes(200_000, 10 + day), DAY + day)
    strangers = random_hashes(500_000, 77)
    false = sum(int(table.contains(strangers).sum()) for table in seen.days.values())
    assert false <= 1


def test_memory_is_bounded_by_the_records_of_four_days() -> None:
    seen = SeenIds()
    bytes_of_days = []
    for number in range(12):
        seen.expire(DAY + number)
        for block in np.array_split(random_hashes(30_000, number), 60):
            seen.first_time(block, DAY + number)
        seen.changed_pages()
        bytes_of_days.append(sum(table.nbytes for table in seen.days.values()))
    assert len(seen.days) == KEEP_DAYS + 1
    assert max(bytes_of_days[2 * KEEP_DAYS :]) < 1.1 * min(bytes_of_days[2 * KEEP_DAYS :])
    assert bytes_of_days[-1] / (30_000 * (KEEP_DAYS + 1)) < 10


def test_pages_are_small_and_as_many_as_the_ids_need_however_often_they_are_saved() -> None:
    seen, store = SeenIds(), dict[str, bytes]()
    for block in np.array_split(random_hashes(3 * PAGE_IDS + 100, 5), 50):
        seen.first_time(block, DAY)
        saved(seen, store)
    assert sorted(store) == [f"{DAY}/{number}" for number in range(4)]
    assert max(map(len, store.values())) == PAGE_IDS * 8


def test_pages_do_not_depend_on_when_they_were_saved() -> None:
    often, once, stores = SeenIds(), SeenIds(), (dict[str, bytes](), dict[str, bytes]())
    for block in np.array_split(random_hashes(2 * PAGE_IDS, 6), 37):
        often.first_time(block, DAY)
        once.first_time(block, DAY)
        saved(often, stores[0])
    saved(once, stores[1])
    assert stores[0] == stores[1]


def test_nothing_is_saved_twice_and_expired_pages_are_named() -> None:
    seen = SeenIds()
    seen.first_time(random_hashes(PAGE_IDS + 1, 8), DAY)
    assert list(seen.changed_pages()) == [f"{DAY}/0", f"{DAY}/1"]
    assert seen.changed_pages() == {}
    seen.expire(DAY + KEEP_DAYS + 1)
    assert seen.changed_pages() == {f"{DAY}/0": None, f"{DAY}/1": None}
    assert seen.changed_pages() == {}


def test_ids_that_crowd_in_one_place_are_still_told_apart() -> None:
    table = DayTable()
    crowd = np.array([(number << 32) | 7 for number in range(1, 200)], np.uint64)
    table.add(crowd)
    assert table.contains(crowd).all()
    assert not table.contains(np.array([(number << 32) | 7 for number in range(200, 300)], np.uint64)).any()
    assert len(table.segments) >= 199 // BUCKET


@pytest.mark.parametrize("fingerprint", [0, 1])
def test_a_fingerprint_of_zero_is_remembered(fingerprint: int) -> None:
    table, hashes = DayTable(), np.array([fingerprint << 32 | 5], np.uint64)
    table.add(hashes)
    assert table.contains(hashes).all()
