"""A long history that lies in Kafka before a worker starts is decided as if each record had come by itself, in its turn.

A year of invoices is fetched in one gulp, months of calls in many: nothing may be decided from what came later, however
fast it is read and by however many workers.
"""

from collections.abc import Iterable
from pathlib import Path

import pytest
from msgspec import json

from churnwatch.settings import read_settings
from pipeline.events import Stream
from pipeline.sources.operator.config import load_scenario
from pipeline.sources.operator.simulate import OperatorDay, days
from tests.fakes.memory_replay import replay_one_by_one
from tests.fakes.saved_state import saved_pages
from tests.fakes.topic_filling import fill_topics
from tests.fakes.topic_reader import read_topic
from tests.fakes.worker_outcome import differing_pages, wait_for_shares, warnings_by_id
from tests.fakes.worker_runs import running_worker

pytestmark = pytest.mark.long

CUSTOMERS, DAYS = 30, 120
#: Six ticks a day: what is compared does not depend on how many there are, and their number decides how long this takes.
TICK_S = "14400"
NOON_MS = 43_200_000


def departures_reported(history: Iterable[OperatorDay]) -> list[tuple[bytes, bytes]]:
    """Every departure as an outcome, at noon of the day on which it became certain."""
    reported = [
        {
            "record_id": f"out-{truth.line_id}-{truth.churn_ms}", "ts_ms": day.day_ms + NOON_MS, "kind": "churn",
            "account_id": truth.account_id, "line_id": truth.line_id, "churn_ms": truth.churn_ms,
        }
        for day in history for truth in day.truth
    ]  # fmt: skip
    return [(str(record["account_id"]).encode(), json.encode(record)) for record in reported]


def test_six_topics_of_120_days_read_at_full_speed_decide_what_one_record_at_a_time_decides(
    test_environment: dict[str, str], tmp_path: Path
) -> None:
    test_environment["CHURNWATCH_ENGINE__TICK_S"] = TICK_S
    test_settings = read_settings(environ=test_environment)
    history = list(days(load_scenario("calm", customers=CUSTOMERS, days=DAYS, seed=15)))
    fill_topics(test_settings, history, {Stream.OUTCOMES: departures_reported(history)})
    assert all(read_topic(test_settings, stream.value) for stream in Stream)
    expected = replay_one_by_one(test_settings)
    contents = {name: {content} for name, content in expected.warnings.items()}
    with running_worker(test_environment, tmp_path / "alone") as run:
        run.wait_until_through()
        assert run.stop() == 0
    assert warnings_by_id(test_settings) == contents
    assert differing_pages(saved_pages(test_settings), expected.pages) == []

    pair = {**test_environment, "CHURNWATCH_WORKER__ID": "pair"}
    with running_worker(pair, tmp_path / "one") as one, running_worker(pair, tmp_path / "two") as two:
        wait_for_shares(test_settings.kafka.partitions, one, two)
        for run in (one, two):
            run.wait_until_through()
            assert run.stop() == 0
    as_pair = test_settings.model_copy(update={"worker": test_settings.worker.model_copy(update={"id": "pair"})})
    assert warnings_by_id(test_settings) == contents
    assert differing_pages(saved_pages(as_pair), expected.pages) == []
