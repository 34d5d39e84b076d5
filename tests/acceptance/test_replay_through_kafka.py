"""The same days through files and through Kafka with two workers: the same warnings, to the last byte."""

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
import pytest
from kafka import TopicPartition

from churnwatch.backtest.directory import find_directory
from churnwatch.backtest.learning import Teacher
from churnwatch.backtest.model_file import freeze, write_model_file
from churnwatch.backtest.overrides import parts_with
from churnwatch.backtest.replay import in_order
from churnwatch.backtest.run import run_backtest
from churnwatch.clients import kafka_consumer, kafka_producer
from churnwatch.settings import Settings, read_settings
from churnwatch.topics import ensure_topics
from churnwatch.trainer_process import Trainer
from models.evaluation.alarms import warnings_hash
from models.evaluation.daily_lists import DailyList, Lists
from models.evaluation.report_figures import judge
from pipeline.events import ChurnWarning, Example, ModelMessage
from pipeline.metrics import Metrics
from pipeline.sources.operator.config import OperatorConfig, load_scenario
from pipeline.sources.operator.simulate import days
from pipeline.sources.operator.writing import write_directory
from tests.fakes.topic_filling import fill_topics
from tests.fakes.topic_reader import read_topic
from tests.fakes.worker_outcome import wait_for_shares
from tests.fakes.worker_runs import running_worker

pytestmark = pytest.mark.long

CUSTOMERS, DAYS = 200, 60
TIMEOUT_S = 240.0
LEARN_EARLY = "learning.minimum_positives=2"
#: Six ticks a day: what is compared does not depend on how many there are, and their number decides how long this takes.
TICK_S = "14400"
FEW_TICKS = f"engine.tick_s={TICK_S}"
#: As with ticks: each partition has its own.
PARTITIONS = 2


@pytest.fixture
def test_environment(test_environment: dict[str, str]) -> dict[str, str]:
    """As the replay of files is told."""
    return {
        **test_environment, "CHURNWATCH_ENGINE__TICK_S": TICK_S, "CHURNWATCH_KAFKA__PARTITIONS": str(PARTITIONS)
    }  # fmt: skip


@pytest.fixture(scope="module")
def operator() -> OperatorConfig:
    return load_scenario("calm", customers=CUSTOMERS, days=DAYS, seed=7)


@pytest.fixture(scope="module")
def quarter(operator: OperatorConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("days")
    write_directory(operator, folder, "none", lambda _: None)
    return folder


@pytest.fixture(scope="module")
def model_file(quarter: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the learner knew at the end of these days."""
    rules = [LEARN_EARLY, FEW_TICKS, 'learning.contestants=["blend"]']  # the prior's scores would say that they are its
    learnt = run_backtest(find_directory(quarter), parts_with(rules, PARTITIONS), lambda _: None)
    path = tmp_path_factory.mktemp("model") / "model.json"
    write_model_file(learnt.replayed.model, path)
    return path


@pytest.mark.timeout(600)
def test_with_a_frozen_model_two_workers_give_the_warnings_of_the_file_replay(
    test_environment: dict[str, str], test_settings: Settings, operator: OperatorConfig, quarter: Path,
    model_file: Path, tmp_path: Path,
) -> None:  # fmt: skip
    parts = parts_with([FEW_TICKS], PARTITIONS)
    freeze(parts, model_file)
    replayed = run_backtest(find_directory(quarter), parts, lambda _: None)
    publish_from_the_start(test_settings, model_file)
    filling = fill_topics(test_settings, days(operator))

    with (
        running_worker(test_environment, tmp_path / "a") as first,
        running_worker(test_environment, tmp_path / "b") as second,
    ):
        wait_for_shares(PARTITIONS, first, second)
        first.wait_until_through(TIMEOUT_S)
        second.wait_until_through(TIMEOUT_S)
        records = first.figure("churnwatch_records_total") + second.figure("churnwatch_records_total")
        assert (first.stop(), second.stop()) == (0, 0)

    warnings = in_order(warnings_of(test_settings))
    assert records >= filling.records
    assert "model" in {warning.score_basis for warning in warnings}
    assert warnings_hash(warnings) == replayed.figures["warnings_hash"]


def publish_from_the_start(settings: Settings, model_file: Path) -> None:
    """The model on its topic, counting from the first tick on, as a frozen one does in a replay of files."""
    ensure_topics(settings)
    message = msgspec.json.decode(model_file.read_bytes(), type=ModelMessage)
    producer = kafka_producer(settings, max_request_size=4_000_000)
    frozen = msgspec.structs.replace(message, counts_from_ms=0)
    producer.send(settings.topic("models"), key=message.kind.encode(), value=msgspec.json.encode(frozen)).get(
        timeout=10
    )
    producer.close()


def warnings_of(settings: Settings) -> list[ChurnWarning]:
    return [msgspec.json.decode(record.value, type=ChurnWarning) for record in read_topic(settings, "warnings")]


@pytest.mark.timeout(600)
def test_with_learning_on_average_precision_through_kafka_is_that_of_the_file_replay(
    test_environment: dict[str, str], operator: OperatorConfig, quarter: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    known = count_labels(monkeypatch)
    replayed = run_backtest(find_directory(quarter), parts_with([LEARN_EARLY, FEW_TICKS], PARTITIONS), lambda _: None)
    environment = {
        **test_environment,
        "CHURNWATCH_LEARNING__MINIMUM_POSITIVES": LEARN_EARLY.partition("=")[2],
        "CHURNWATCH_LEARNING__PUBLISH_EVERY_S": "0.001",
        "CHURNWATCH_ENGINE__IDLE_MS": "400",
        "CHURNWATCH_WORKER__SCORES_DIR": str(tmp_path / "scores"),
    }
    settings = read_settings(environ=environment)

    with running_worker(environment, tmp_path) as worker, led_trainer(settings) as trainer:
        for number, day in enumerate(days(operator)):
            fill_topics(settings, [day])
            if number:
                wait_for_lists(tmp_path / "scores", day.day_ms, settings.kafka.partitions)
                trainer.learn_up_to(known.get(day.day_ms, 0))
                worker.wait_for("churnwatch_models_applied_total", trainer.published())

    lists = lists_from(tmp_path / "scores", replayed.lists)
    through_kafka = judge(lists, replayed.truths, [], {}).figures.as_dict()["average_precision"]
    assert replayed.replayed.models_published > 10
    assert through_kafka == pytest.approx(replayed.figures["average_precision"], rel=0.02)


def count_labels(monkeypatch: pytest.MonkeyPatch) -> dict[int, int]:
    """How many labels a replay knows by each midnight, as it goes."""
    known: dict[int, int] = {}
    learn = Teacher.learn

    def counted(teacher: Teacher, examples: Sequence[Example], now_ms: int) -> bytes:
        known[now_ms] = max(known.values(), default=0) + len(examples)
        return learn(teacher, examples, now_ms)

    monkeypatch.setattr(Teacher, "learn", counted)
    return known


class LedTrainer:
    """The real trainer, made to poll until it has read what it should."""

    def __init__(self, settings: Settings) -> None:
        self._metrics = Metrics()
        self._examples = TopicPartition(settings.topic("examples"), 0)
        self.consumer = kafka_consumer(settings, group_id=f"{settings.kafka.topic_prefix}-trainer")
        self.producer = kafka_producer(settings, max_request_size=4_000_000)
        self._trainer = Trainer(settings, self._metrics, self.consumer, self.producer)
        self.consumer.subscribe([self._examples.topic], listener=self._trainer)

    def learn_up_to(self, examples: int) -> None:
        """Poll until so many examples were read; publishes as it goes."""
        deadline = time.monotonic() + TIMEOUT_S
        while examples and (self._examples not in self.consumer.assignment() or self._position() < examples):
            assert time.monotonic() < deadline, f"waited for {examples} examples"
            self._trainer.step(50)

    def published(self) -> float:
        """Models so far."""
        return float(self._metrics.registry.get_sample_value("churnwatch_models_published_total") or 0.0)

    def _position(self) -> int:
        return int(self.consumer.position(self._examples) or 0)


@contextmanager
def led_trainer(settings: Settings) -> Iterator[LedTrainer]:
    ensure_topics(settings)
    led = LedTrainer(settings)
    try:
        yield led
    finally:
        led.consumer.close()
        led.producer.close()


def wait_for_lists(folder: Path, day_ms: int, partitions: int) -> None:
    """Wait until every partition has written the list of this day."""
    deadline = time.monotonic() + TIMEOUT_S
    marker = b'{"day_ms":%d,' % day_ms
    while sum(marker in path.read_bytes() for path in folder.glob("scores-*.jsonl")) < partitions:
        assert time.monotonic() < deadline, f"no lists of {day_ms} in {folder}"
        time.sleep(0.05)


def lists_from(folder: Path, like: Lists) -> Lists:
    """The daily lists that a worker wrote, over the lines of other lists; nobody is marked as declared."""
    number = {line_id: place for place, line_id in enumerate(like.line_ids)}
    rows: defaultdict[int, dict[int, float]] = defaultdict(dict)
    for path in folder.glob("scores-*.jsonl"):
        for row in map(msgspec.json.decode, path.read_bytes().splitlines()):
            rows[row["day_ms"]][number[row["line_id"]]] = row["score"]
    found = [
        DailyList(day_ms, np.array(list(scores)), np.array(list(scores.values())), np.zeros(len(scores), np.bool_))
        for day_ms, scores in sorted(rows.items())
    ]
    return Lists(like.line_ids, found, like.end_ms, like.horizon_ms)
