"""Many short worlds on one real Redis: in each, two tasks processes, two dialers and people halt before every round trip, and
dice choose who goes on. At the end of each world every rule is asked for.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import partial

import redis

from alerts.rules import Rules
from alerts.store.ledger import lua
from alerts.store.replies import texts
from alerts.tasks import RefusalReason
from tests.fakes.stepping_redis import Halted, SteppingRedis, send
from tests.fakes.task_world import TaskWorld, tight_rules

#: Worlds that travel together.
BATCH = 200
ACCOUNTS = 3
SCRIPTS = ("apply", "move_due", "put_back")


class Tally:
    """What all worlds came to. `broken`: by rule, with the seeds of the worlds in `examples`; `met`: what happened how often."""

    def __init__(self) -> None:
        self.worlds = 0
        self.broken: Counter[str] = Counter()
        self.examples: list[str] = []
        self.met: Counter[str] = Counter()

    def add(self, other: "Tally") -> None:
        self.worlds += other.worlds
        self.broken += other.broken
        self.examples += other.examples
        self.met += other.met

    def judge(self, world: TaskWorld, seed: int, left_over: int, unlike: bool) -> None:
        """Take in a world that is over."""
        found = world.auditor.result()
        wrong = Counter({name: count for name, count in found.broken.items() if count})
        wrong["open_at_the_end"] += len(world.created - world.ended)
        wrong["reservations_left"] += left_over
        wrong["open_in_the_index"] += unlike
        self.worlds += 1
        self.broken += +wrong
        if +wrong:
            self.examples.append(f"world {seed}: {dict(+wrong)} {found.examples[:3]}")
        self.met += Counter({"tasks": len(world.created), "contacts": found.contacts, "events": world.events})
        self.met += Counter({f"refused_{reason}": count for reason, count in world.refused.items()})


def run_interleavings(url: str, prefix: str, first_seed: int, count: int) -> Tally:
    """Run worlds `first_seed` ... on the Redis at `url`; each is the same for the same seed, whatever runs beside it."""
    client = redis.Redis.from_url(url, decode_responses=True)
    for name in SCRIPTS:
        client.script_load(lua(name))
    rules, tally = tight_rules(contacts_of_manager=1, contacts_of_outbound=1), Tally()
    for first in range(first_seed, first_seed + count, BATCH):
        _run_batch(client, url, prefix, range(first, min(first + BATCH, first_seed + count)), rules, tally)
    client.close()
    return tally


def _run_batch(client: redis.Redis, url: str, prefix: str, seeds: Sequence[int], rules: Rules, tally: Tally) -> None:
    stepping = SteppingRedis.from_url(url, decode_responses=True)
    worlds: dict[int, TaskWorld] = {}

    def build(seed: int) -> None:
        # Without a region no crisis is looked for, which is most of what an admission reads.
        world = worlds[seed] = TaskWorld(stepping, f"{prefix}:{seed}", seed, ACCOUNTS, rules, region="")
        world.warn(world.store)

    _each(client, [partial(build, seed) for seed in seeds])
    _interleave(client, list(worlds.values()))
    _each(client, [world.finish for world in worlds.values()])
    opened: dict[int, int] = {}

    def count_open(seed: int) -> None:
        opened[seed] = worlds[seed].store.count_open()

    _each(client, [partial(count_open, seed) for seed in seeds])
    left = _reservations_left(client, prefix, worlds)
    for seed, world in worlds.items():
        tally.judge(world, seed, left[seed], bool(opened[seed]))
    doomed = texts(client.scan_iter(match=f"{prefix}:*", count=5000))
    for at in range(0, len(doomed), 5000):
        client.unlink(*doomed[at : at + 5000])


def _each(client: redis.Redis, works: Sequence[Callable[[], object]]) -> None:
    """Let all of these run to their end, side by side."""
    running = [Halted(work) for work in works]
    while running := [one for one in running if one.waiting is not None]:
        send(client, running)


def _interleave(client: redis.Redis, worlds: Sequence[TaskWorld]) -> None:
    """In every world, one of those at work goes a round trip further at a time."""
    at_work = {number: [Halted(work) for work in _works(world)] for number, world in enumerate(worlds)}
    while at_work := {number: left for number, halted in at_work.items() if (left := [h for h in halted if h.waiting])}:
        send(client, [worlds[number].dice.choice(halted) for number, halted in at_work.items()])
        for number in at_work:
            worlds[number].tick()


def _works(world: TaskWorld) -> list[Callable[[], None]]:
    """Five at work. Those who contact customers begin with that, so that they meet; the rest is drawn while it is done."""
    acts: list[tuple[list[Callable[[], object]], Callable[[], object]]] = [
        ([], partial(world.act_as_process, 0)),
        ([], partial(world.act_as_process, 1)),
        ([partial(world.lease, 0)], partial(world.act_as_dialer, 0)),
        ([partial(world.lease, 1)], partial(world.act_as_dialer, 1)),
        ([world.contact], world.act_as_people),
    ]
    return [partial(_all_of, [*first, *[more] * (1 + world.dice.randrange(3))]) for first, more in acts]


def _all_of(acts: Sequence[Callable[[], object]]) -> None:
    for act in acts:
        act()


def _reservations_left(client: redis.Redis, prefix: str, worlds: dict[int, TaskWorld]) -> Counter[int]:
    """By world: room that is taken although the log knows of no contact made by that owner on that day for that attempt."""
    keys = texts(client.scan_iter(match=f"{prefix}:*:capacity:*", count=5000))
    pipe = client.pipeline(transaction=False)
    for key in keys:
        pipe.zrange(key, 0, -1)
    spent: dict[int, set[str]] = defaultdict(set)
    for seed, world in worlds.items():
        spent[seed] = {f"{task_id}:{attempt}" for task_id, attempt in world.spent}
    left: Counter[int] = Counter()
    for key, members in zip(keys, pipe.execute(), strict=True):
        seed = int(key.removeprefix(f"{prefix}:").partition(":")[0])
        left[seed] += sum(member not in spent[seed] for member in members)
    return left


#: What a run of some hundred worlds must have met, or it proved nothing.
MET = (
    "tasks", "contacts", f"refused_{RefusalReason.CAPACITY_FULL}", f"refused_{RefusalReason.CONTACT_CAP}",
    f"refused_{RefusalReason.OUTSIDE_WINDOW}", f"refused_{RefusalReason.STALE_ATTEMPT}",
    f"refused_{RefusalReason.ALREADY_CLOSED}", f"refused_{RefusalReason.LINE_BUSY}",
)  # fmt: skip
