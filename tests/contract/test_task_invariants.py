"""Whatever happens in whatever order, also in the midst of a change: no rule is broken, on a real Redis with the real scripts.

One long history of many accounts, TASK_STEPS steps of it; many short ones: test_interleavings_on_redis.py.
"""

import os

import msgspec
import pytest
import redis

from alerts.invariants import Auditor, findings
from alerts.tasks import RefusalReason, Slot, TaskEvent, TaskEventKind
from pipeline.events import Disposition
from tests.fakes.task_world import TaskWorld

STEPS = int(os.environ.get("TASK_STEPS", "700"))


@pytest.mark.timeout(120 + STEPS // 5)
def test_random_interleavings_break_no_rule_release_every_reservation_and_end_every_task(
    client: redis.Redis, topic_prefix: str
) -> None:
    world = TaskWorld(client, topic_prefix, seed=STEPS)
    world.interrupt()
    for _ in range(STEPS):
        world.step()
    world.finish()
    found = world.auditor.result()
    assert found.total == 0, found.examples
    assert world.store.open_tasks() == []
    assert world.created == world.ended
    assert world.capacity_left_over() == set()
    # The run met what it is about.
    assert found.contacts > STEPS // 50
    assert world.interrupted > STEPS // 50
    assert {RefusalReason.CAPACITY_FULL, RefusalReason.CONTACT_CAP, RefusalReason.OUTSIDE_WINDOW} <= set(world.refused)


def logged(world: TaskWorld) -> list[TaskEvent]:
    parcels = [parcel for parcel in world.store.outbox.pending(100_000) if parcel.topic == "task-events"]
    return [msgspec.json.decode(parcel.value, type=TaskEvent) for parcel in parcels]


def test_the_auditor_notices_each_rule_that_is_broken(client: redis.Redis, topic_prefix: str) -> None:
    world = TaskWorld(client, topic_prefix, seed=3)
    for _ in range(400):
        world._act()
        world.clock.advance(world.clock.now_ms() + 900_000)
    events = logged(world)
    assert findings(events, world.known, world.rules).total == 0
    dialled = next(event for event in events if event.kind is TaskEventKind.DIAL_STARTED)
    created = next(event for event in events if event.kind is TaskEventKind.CREATED)
    again = msgspec.structs.replace(dialled, event_id="again")
    assert broken(world, [dialled, again]) >= {"caps", "attempts", "chain"}
    assert "one_open" in broken(world, [created, msgspec.structs.replace(created, event_id="again")])
    night = msgspec.structs.replace(dialled, ts_ms=dialled.ts_ms + 14 * 3_600_000)
    assert "windows" in broken(world, [night])
    opted_out = msgspec.structs.replace(
        dialled, kind=TaskEventKind.DONE, disposition=Disposition.OPT_OUT, begun=True, event_id="out"
    )
    assert "do_not_call" in broken(world, [opted_out, dialled])
    assert dialled.task is not None
    slots = [Slot(dialled.task.owner, dialled.task.spent[-1].day, dialled.ts_ms, number) for number in range(9)]
    greedy = msgspec.structs.replace(dialled, task=msgspec.structs.replace(dialled.task, spent=slots))
    assert "capacity" in broken(world, [greedy])


def broken(world: TaskWorld, events: list[TaskEvent]) -> set[str]:
    auditor = Auditor(world.known, world.rules)
    for event in events:
        auditor.see(event)
    return {name for name, count in auditor.result().broken.items() if count}
