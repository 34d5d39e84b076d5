"""The real worker on the real broker: every record once, whatever happens to the process."""

import json
from pathlib import Path

import msgspec
import pytest

from churnwatch.settings import Settings
from pipeline.events import DeadLetter, Stream
from pipeline.sources.operator.config import load_scenario
from pipeline.sources.operator.simulate import days
from tests.fakes.saved_state import saved_states
from tests.fakes.topic_filling import Filling, fill_topics
from tests.fakes.topic_reader import read_topic
from tests.fakes.worker_outcome import warnings_by_id
from tests.fakes.worker_runs import WorkerRun, running_worker

pytestmark = pytest.mark.long

CUSTOMERS, DAYS = 60, 30


@pytest.fixture
def test_environment(test_environment: dict[str, str]) -> dict[str, str]:
    """Eight ticks a day instead of 24: each costs the same however few lines there are."""
    return {**test_environment, "CHURNWATCH_ENGINE__TICK_S": "10800"}


@pytest.fixture
def filling(test_settings: Settings) -> Filling:
    """A small operator's forty days, all in the topics before a worker starts."""
    return fill_topics(test_settings, days(load_scenario("calm", customers=CUSTOMERS, days=DAYS, seed=11)))


def events_counted(settings: Settings) -> dict[str, int]:
    """Events of the last days by line, as the saved state has them."""
    counted: dict[str, int] = {}
    for state in saved_states(settings):
        counted.update(zip(state.lines.ids, state.lines["activity"].sum(axis=1).tolist(), strict=True))
    return counted


def test_records_become_warnings_state_and_dead_letters_and_a_term_signal_ends_the_worker_cleanly(
    test_environment: dict[str, str], test_settings: Settings, filling: Filling, tmp_path: Path
) -> None:
    with running_worker(test_environment, tmp_path) as run:
        run.wait_until_through()
        assert run.figure("churnwatch_records_total") == filling.records
        assert run.stop() == 0
    warnings = warnings_by_id(test_settings)
    letters = [
        msgspec.json.decode(record.value, type=DeadLetter) for record in read_topic(test_settings, "dead-letters")
    ]
    assert len({signal for contents in warnings.values() for signal in _signals(contents)}) >= 6
    assert all(len(contents) == 1 for contents in warnings.values())
    assert sorted(letter.reason.value for letter in letters) == sorted(filling.malformed.elements())
    assert sum(len(state.lines) for state in saved_states(test_settings)) >= CUSTOMERS


def test_a_worker_killed_again_and_again_decides_and_counts_what_an_undisturbed_one_does(
    test_environment: dict[str, str], test_settings: Settings, filling: Filling, tmp_path: Path
) -> None:
    undisturbed = {**test_environment, "CHURNWATCH_WORKER__ID": "undisturbed"}
    calm_settings = test_settings.model_copy(
        update={"worker": test_settings.worker.model_copy(update={"id": "undisturbed"})}
    )
    with running_worker(undisturbed, tmp_path) as run:
        run.wait_until_through()
        assert run.stop() == 0
    expected = warnings_by_id(test_settings)
    for kill_after_records in (filling.records // 10, filling.records // 3):
        with running_worker(test_environment, tmp_path) as run:
            run.wait_for("churnwatch_records_total", kill_after_records)
            run.kill()
    with running_worker(test_environment, tmp_path) as run:
        run.wait_until_through()
        assert run.stop() == 0
    again = warnings_by_id(test_settings)
    assert set(again) == set(expected)
    assert {name: contents for name, contents in again.items() if len(contents) > 1} == {}
    assert events_counted(test_settings) == events_counted(calm_settings)


def test_a_worker_that_is_started_again_goes_on_and_repeats_nothing(
    test_environment: dict[str, str], test_settings: Settings, filling: Filling, tmp_path: Path
) -> None:
    with running_worker(test_environment, tmp_path) as run:
        run.wait_until_through()
        assert run.stop() == 0
    before = len(read_topic(test_settings, "warnings"))
    with running_worker(test_environment, tmp_path) as run:
        run.wait_until_through()
        assert run.figure("churnwatch_records_total") == 0
        assert run.figure("churnwatch_lines") >= CUSTOMERS
        assert run.stop() == 0
    assert len(read_topic(test_settings, "warnings")) == before


def test_a_topic_full_of_garbage_stops_the_worker_with_a_message_instead_of_emptying_it(
    test_environment: dict[str, str], test_settings: Settings, tmp_path: Path
) -> None:
    fill_topics(test_settings, [], extra={Stream.CDR: [(b"a", b"garbage")] * 500})
    settings = {**test_environment, "CHURNWATCH_WORKER__DEAD_LETTER_WINDOW_RECORDS": "200"}
    run = WorkerRun(settings, tmp_path)
    try:
        assert run.process.wait(60) == 1
    finally:
        run.process.kill()
    assert "dead_letter_share_max" in run.log.read_text()


def _signals(contents: set[bytes]) -> set[str]:
    return {json.loads(content)["reasons"][0] for content in contents}
