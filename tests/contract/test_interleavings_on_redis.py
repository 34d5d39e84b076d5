"""Short random interleavings of two tasks processes, two dialers and people on the real Redis, halted before every round trip.

`INTERLEAVINGS=100000 pytest -n0 -m long tests/contract/test_interleavings_on_redis.py` runs so many, a process a core.
"""

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor

import pytest
import structlog

from alerts.store import ledger
from churnwatch.embedded import EmbeddedServices
from tests.fakes import interleavings
from tests.fakes.interleavings import MET, Tally, run_interleavings

FEW = 80
MANY = int(os.environ.get("INTERLEAVINGS", "1000"))
PROCESSES = os.cpu_count() or 1
#: Worlds of one piece of the long run; the pieces are shared out among processes.
PIECE = 250

log = structlog.get_logger()


def run_piece(url: str, first_seed: int, count: int) -> Tally:
    """In a process of its own."""
    tally = run_interleavings(url, f"long{first_seed}", first_seed, count)
    log.info("interleavings.ended", first_seed=first_seed, worlds=tally.worlds, broken=dict(tally.broken), **tally.met)
    return tally


def test_random_interleavings_break_no_rule_end_every_task_and_release_every_reservation(
    services: EmbeddedServices, topic_prefix: str
) -> None:
    tally = run_interleavings(services.redis_url, topic_prefix, 1_000_000, FEW)
    assert tally.worlds == FEW
    assert not tally.broken, tally.examples[:3]
    assert min(tally.met["tasks"], tally.met["contacts"], tally.met["refused_capacity_full"]) > 0


@pytest.mark.parametrize(
    ("line", "instead", "noticed"),
    [
        ("return -2", "local _ = 0", "capacity"),
        ("if seq ~= ARGV[1] then", "if false then", "chain"),
    ],
    ids=["room is not asked for", "an account that moved on is written over"],
)
def test_a_script_with_a_fault_is_noticed(
    services: EmbeddedServices,
    topic_prefix: str,
    monkeypatch: pytest.MonkeyPatch,
    line: str,
    instead: str,
    noticed: str,
) -> None:
    whole = ledger.lua

    def faulty(name: str) -> str:
        text = whole(name)
        assert name != "apply" or line in text
        return text.replace(line, instead)

    monkeypatch.setattr(ledger, "lua", faulty)
    monkeypatch.setattr(interleavings, "lua", faulty)
    tally = run_interleavings(services.redis_url, topic_prefix, 0, FEW)
    assert tally.broken[noticed] > 0


@pytest.mark.long
@pytest.mark.timeout(600 + MANY // 4)
def test_a_great_many_random_interleavings_break_no_rule() -> None:
    tally = Tally()
    context = multiprocessing.get_context("spawn")
    with (
        EmbeddedServices(kafka_bootstrap="none:0") as services,
        ProcessPoolExecutor(PROCESSES, mp_context=context) as pool,
    ):
        pieces = [(first, min(PIECE, MANY - first)) for first in range(0, MANY, PIECE)]
        for made in [pool.submit(run_piece, services.redis_url, first, count) for first, count in pieces]:
            tally.add(made.result())
    log.info("interleavings.all_ended", worlds=tally.worlds, broken=dict(tally.broken), **tally.met)
    assert tally.worlds == MANY
    assert not tally.broken, tally.examples[:5]
    assert {name for name in MET if not tally.met[name]} == set()
