"""608 real people over four weeks, through Kafka and the worker: each record once, and the silent ones on top."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from alerts.tasks import OUTBOUND
from churnwatch.clients import redis_client
from churnwatch.settings import Settings, read_settings
from churnwatch.task_store import task_store
from models.evaluation.ranking import roc_auc
from pipeline.features.facts import facts_of
from pipeline.signals.usage import silence
from pipeline.state.decay import DAY_MS
from tests.fakes.ingest_runs import ingest, ingest_and_be_killed, summary_of
from tests.fakes.saved_state import saved_states
from tests.fakes.worker_runs import running_worker

pytestmark = pytest.mark.long

COPENHAGEN = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "copenhagen" / "to_streams.py"
START_MS = 1_772_409_600_000
DAY_24_MS = START_MS + 24 * DAY_MS
WEEK_4_MS = START_MS + 21 * DAY_MS
TOP = 8
#: Warnings of people who were heard of again close by themselves; the inbox is read when nothing has changed for so long.
SETTLED_S = 8.0


@pytest.fixture
def environment(test_environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    return {
        **test_environment,
        "CHURNWATCH_INGEST__STATE_DIR": str(tmp_path / "ingest"),
        "CHURNWATCH_TASKS__CLOCK": "stream",
    }


@pytest.mark.skipif(not COPENHAGEN.exists(), reason=f"the Copenhagen set is not at {COPENHAGEN.parent}")
def test_every_record_counts_once_and_those_who_fell_silent_stand_on_top(
    environment: dict[str, str], tmp_path: Path
) -> None:
    settings = read_settings(environ=environment)
    whole = tmp_path / "whole"
    subprocess.run([sys.executable, str(COPENHAGEN), str(whole)], check=True)
    until_day_24, rest = tmp_path / "until-day-24", tmp_path / "rest"
    _split(whole, until_day_24, rest)
    ingest_and_be_killed(environment, 20_000, until_day_24)
    summary_of(ingest(environment, until_day_24, "--json"))
    with running_worker(environment, tmp_path) as run:
        run.wait_until_through()
        assert run.stop() == 0

    active, silent = _who_fell_silent(whole)
    assert (len(active), len(silent)) == (580, 146)
    strengths = _silence_on_day_24(settings)
    fell_silent = np.array([line in silent for line in active])
    assert roc_auc(fell_silent, np.array([strengths[line] for line in active])) >= 0.8

    summary_of(ingest(environment, rest, "--stream", "cdr", "--json"))
    with running_worker(environment, tmp_path) as run:
        run.wait_until_through()
        assert run.stop() == 0
    assert sum(int(state.lines["activity"].sum()) for state in saved_states(settings)) == 55_866
    on_top = _top_of_the_inbox(environment, settings)
    assert len(on_top) == TOP
    by_chance = len(silent) / len(active)
    assert sum(line in silent for line in on_top) / TOP >= 2 * by_chance


def _split(whole: Path, early: Path, late: Path) -> None:
    early.mkdir()
    late.mkdir()
    (early / "customers.jsonl").write_text((whole / "customers.jsonl").read_text())
    with (
        open(whole / "cdr.jsonl") as calls,
        open(early / "cdr.jsonl", "w") as first,
        open(late / "cdr.jsonl", "w") as then,
    ):
        for call in calls:
            (first if json.loads(call)["ts_ms"] < DAY_24_MS else then).write(call)


def _who_fell_silent(whole: Path) -> tuple[list[str], set[str]]:
    """Lines active in the first three weeks, and those of them without a record in the fourth."""
    early: set[str] = set()
    late: set[str] = set()
    for line in (whole / "cdr.jsonl").read_text().splitlines():
        call = json.loads(line)
        (early if call["ts_ms"] < WEEK_4_MS else late).add(call["line_id"])
    return sorted(early), early - late


def _silence_on_day_24(settings: Settings) -> dict[str, float]:
    strengths: dict[str, float] = {}
    for state in saved_states(settings):
        facts = facts_of(state.lines, state.live_rows(), DAY_24_MS, state.landmark.ms)
        strengths.update(zip(state.lines.ids, silence(facts).tolist(), strict=True))
    return strengths


def _top_of_the_inbox(environment: dict[str, str], settings: Settings) -> list[str]:
    """Lines of the first tasks of the outbound team, once the tasks process has made them."""
    store = task_store(settings, redis_client(settings))
    process = subprocess.Popen(
        [sys.executable, "-m", "churnwatch", "tasks"],
        env={**os.environ, **environment, "CHURNWATCH_METRICS__PORT": "0"},
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline, seen, since = time.monotonic() + 90.0, -1, 0.0
        while seen < TOP or time.monotonic() - since < SETTLED_S:
            assert process.poll() is None
            assert time.monotonic() < deadline, f"{store.count_open(OUTBOUND)} tasks"
            if (now := store.count_open(OUTBOUND)) != seen:
                seen, since = now, time.monotonic()
            time.sleep(0.2)
        tasks = store.open_tasks(OUTBOUND, limit=TOP)
    finally:
        process.terminate()
        process.wait(20)
    return [task.line_id or "" for task in tasks]
