"""A worker that is killed again and again over one history, at any moment, decides and saves what an undisturbed one does.

CRASH_ROUNDS=20 runs the full bar; three rounds otherwise, one of each kind.
"""

import os
import random
import time
from pathlib import Path

import pytest

from churnwatch.embedded import EmbeddedServices
from tests.fakes.proxied_worker import History, proxied_history
from tests.fakes.tcp_proxy import TcpProxy
from tests.fakes.worker_runs import WorkerRun

pytestmark = pytest.mark.long

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "3"))
BYTES_PER_S = 120_000
SEED = 20261122
#: Longer than a snapshot takes, so that kills fall into every part of it.
MOMENT_S_MAX = 1.5
AWAY_S_MAX = 8.0


def killed(history: History, run: WorkerRun, chance: random.Random, folder: Path) -> None:
    """At a random moment."""
    time.sleep(chance.uniform(0.0, MOMENT_S_MAX))
    run.kill()


def killed_in_a_rebalance(history: History, run: WorkerRun, chance: random.Random, folder: Path) -> None:
    """While a second worker joins, and that one soon after."""
    rebalances = run.figure("churnwatch_rebalances_total")
    with history.worker(folder / "second") as second:
        run.wait_for("churnwatch_rebalances_total", rebalances + 1)
        first_to_die, survivor = (run, second) if chance.random() < 0.5 else (second, run)
        time.sleep(chance.uniform(0.0, MOMENT_S_MAX))
        first_to_die.kill()
        time.sleep(chance.uniform(0.0, MOMENT_S_MAX))
        survivor.kill()


def killed_while_cut_off(history: History, run: WorkerRun, chance: random.Random, folder: Path) -> None:
    """While the broker is out of reach, or just after it came back, perhaps as a stranger to the group."""
    history.proxy.cut()
    time.sleep(chance.uniform(0.0, AWAY_S_MAX))
    if chance.random() < 0.5:
        run.kill()
    history.proxy.heal()
    if run.process.poll() is None:
        time.sleep(chance.uniform(0.0, MOMENT_S_MAX))
        run.kill()


DEATHS = (killed, killed_in_a_rebalance, killed_while_cut_off)


@pytest.mark.timeout(60 + 45 * ROUNDS)
def test_a_history_read_through_many_crashes_is_decided_and_saved_as_if_there_had_been_none(
    proxied_services: tuple[EmbeddedServices, TcpProxy], topic_prefix: str, tmp_path: Path
) -> None:
    history = proxied_history(proxied_services, topic_prefix, customers=25, days_count=20 + 5 * ROUNDS, seed=14)
    chance = random.Random(SEED)
    for number in range(ROUNDS):
        with history.worker(tmp_path / str(number)) as run:
            run.wait_for("churnwatch_partitions", 1)
            # Slow from here on: the changelog grows from round to round, and reading it is not what is to be caught half done.
            with history.proxy.slow(BYTES_PER_S):
                run.wait_for_records(chance.randrange(1, history.records // (ROUNDS + 1)))
                DEATHS[number % len(DEATHS)](history, run, chance, tmp_path / str(number))
    with history.worker(tmp_path / "last") as run:
        run.wait_until_through()
        assert run.stop() == 0
    history.assert_decided_and_saved_as_undisturbed()
