"""The trainer against a real broker: examples in, models out, rebuilt from the log."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import numpy as np
import pytest

from churnwatch.clients import kafka_consumer, kafka_producer
from churnwatch.embedded import free_port
from churnwatch.engine_parts import engine_parts
from churnwatch.errors import UserError
from churnwatch.model_log import find_model, published_models, summary
from churnwatch.model_orders import give_order, put_back
from churnwatch.settings import Settings
from churnwatch.topics import ensure_topics
from churnwatch.trainer_process import Trainer, run_trainer
from models.exchange import ReceivedModel, read_model
from models.label_rules import DAY_MS
from models.orders import OrderKind
from pipeline.events import Example, ModelMessage
from pipeline.metrics import Metrics

WAIT_S = 60.0
SCHEMA = engine_parts(Settings()).schema


def made_up_examples(count: int) -> list[Example]:
    random = np.random.default_rng(7)
    return [
        Example(
            example_id=f"example-{number}",
            line_id=f"line-{number}",
            account_id=f"account-{number}",
            snapshot_ms=number * 1000,
            known_ms=30 * DAY_MS + number * 1000,
            churned=bool(row[0] > 1.0),
            weight=1.0,
            features=row.tolist(),
            feature_schema=SCHEMA,
        )
        for number, row in enumerate(random.normal(size=(count, 4)))
    ]


def send(settings: Settings, values: list[bytes]) -> None:
    producer = kafka_producer(settings)
    for value in values:
        producer.send(settings.topic("examples"), value=value)
    producer.flush()
    producer.close()


def published(settings: Settings, until: Callable[[list[ModelMessage]], bool]) -> list[ModelMessage]:
    """All models on the topic, once `until` holds for them."""
    consumer = kafka_consumer(settings, settings.topic("models"))
    messages: list[ModelMessage] = []
    deadline = time.monotonic() + WAIT_S
    while not until(messages):
        assert time.monotonic() < deadline, f"waited {WAIT_S} s, saw {[message.version for message in messages]}"
        for records in consumer.poll(timeout_ms=200).values():
            messages.extend(msgspec.json.decode(record.value, type=ModelMessage) for record in records)
    consumer.close()
    return messages


@contextmanager
def running(settings: Settings, metrics: Metrics) -> Iterator[Trainer]:
    """A trainer in a thread; left cleanly at the end."""
    ready: list[Trainer] = []
    started = threading.Event()

    def on_ready(trainer: Trainer) -> None:
        ready.append(trainer)
        started.set()

    thread = threading.Thread(target=run_trainer, args=(settings, metrics, on_ready))
    thread.start()
    assert started.wait(WAIT_S)
    try:
        yield ready[0]
    finally:
        ready[0].stop()
        thread.join(WAIT_S)
        assert not thread.is_alive()


@pytest.fixture
def trainer_settings(test_settings: Settings) -> Settings:
    ensure_topics(test_settings)
    quick = test_settings.learning.model_copy(
        update={
            "publish_every_labels": 200,
            "publish_every_s": 0.2,
            "minimum_positives": 20,
            "contestants": ["blend", "logistic"],
        }
    )
    kafka = test_settings.kafka.model_copy(update={"session_timeout_s": 6.0})
    return test_settings.model_copy(update={"learning": quick, "kafka": kafka})


def test_examples_become_models_and_a_restarted_trainer_comes_to_the_same_model(trainer_settings: Settings) -> None:
    examples = made_up_examples(448)
    encoded = [msgspec.json.encode(example) for example in examples]
    metrics = Metrics()
    with running(trainer_settings, metrics):
        send(trainer_settings, [*encoded[:300], b"no example", b'{"example_id":"\xff"}', *encoded[250:]])
        first = published(trainer_settings, lambda seen: any(model.labels_learned == 448 for model in seen))
    listed = published_models(trainer_settings)
    assert find_model(listed, "") == first[-1]
    assert summary(find_model(listed, "blend-4"))["intact"]
    with pytest.raises(UserError, match=r"no model 'oracle' on the topic; the newest are: .*blend-448"):
        find_model(listed, "oracle")
    learnt = metrics.registry.get_sample_value("churnwatch_labels_learned_total", {"label": "1"})
    assert learnt == sum(example.churned for example in examples)
    for reason, count in {"unreadable": 2.0, "duplicate": 50.0}.items():
        told = metrics.registry.get_sample_value("churnwatch_examples_refused_total", {"reason": reason})
        assert told == count
    assert {model.counts_from_ms % 3_600_000 for model in first} == {0}
    assert first[-1].metrics["auc"] > 0.7

    with running(trainer_settings, Metrics()):
        again = published(trainer_settings, lambda seen: len(seen) > len(first))

    assert again[-1].version == first[-1].version
    assert again[-1].counts_from_ms == first[-1].counts_from_ms
    assert isinstance(read_model(msgspec.json.encode(again[-1]), SCHEMA, 4), ReceivedModel)


def test_a_standby_takes_over_and_learns_from_the_whole_log(trainer_settings: Settings) -> None:
    encoded = [msgspec.json.encode(example) for example in made_up_examples(640)]
    metrics = Metrics(), Metrics()
    with running(trainer_settings, metrics[0]) as first, running(trainer_settings, metrics[1]) as second:
        send(trainer_settings, encoded[:320])
        published(trainer_settings, lambda seen: any(model.labels_learned == 320 for model in seen))
        # The embedded broker never settles a group that is left while it forms (docs/adr/0001).
        wait_until(lambda: {first.leads, second.leads} == {True, False})
        leader, standby = (0, 1) if first.leads else (1, 0)
        wait_until(lambda: [leads(of) for of in metrics] == [leader == 0, leader == 1])
        (first, second)[leader].stop()
        send(trainer_settings, encoded[320:])
        models = published(trainer_settings, lambda seen: any(model.labels_learned == 640 for model in seen))
        wait_until(lambda: leads(metrics[standby]) == 1.0)

    assert models[-1].labels_learned == 640


def leads(metrics: Metrics) -> float | None:
    return metrics.registry.get_sample_value("churnwatch_trainer_leads")


def until_learnt(labels: int) -> Callable[[list[ModelMessage]], bool]:
    return lambda seen: any(model.labels_learned == labels for model in seen)


def test_a_rollback_scores_with_the_earlier_model_until_a_promotion(trainer_settings: Settings) -> None:
    encoded = [msgspec.json.encode(example) for example in made_up_examples(896)]
    with running(trainer_settings, Metrics()):
        for start in (0, 224):
            send(trainer_settings, encoded[start : start + 224])
            published(trainer_settings, until_learnt(start + 224))
        earlier, newest = published_models(trainer_settings)[0], published_models(trainer_settings)[-1]

        put_back(trainer_settings, earlier.version)

        send(trainer_settings, encoded[448:])
        give_order(trainer_settings, OrderKind.PROMOTE, contestant="logistic")
        models = published(trainer_settings, lambda seen: any(model.labels_learned == 896 for model in seen))
    again = next(model for model in models[1:] if model.version == earlier.version)
    assert again.body == earlier.body
    assert again.counts_from_ms == newest.counts_from_ms
    assert [model.kind for model in models if model.labels_learned == 896] == ["logistic"]


def test_flipped_labels_freeze_the_trainer_until_a_person_ends_it(trainer_settings: Settings) -> None:
    examples = made_up_examples(2560)
    flipped = [msgspec.structs.replace(example, churned=not example.churned) for example in examples[1280:1920]]
    metrics = Metrics()

    def gauge(name: str) -> float | None:
        return metrics.registry.get_sample_value(name)

    with running(trainer_settings, metrics):
        send(trainer_settings, [msgspec.json.encode(example) for example in (*examples[:1280], *flipped)])
        wait_until(lambda: gauge("churnwatch_learning_frozen") == 1.0)
        give_order(trainer_settings, OrderKind.UNFREEZE)
        send(trainer_settings, [msgspec.json.encode(example) for example in examples[1920:]])
        models = published(trainer_settings, lambda seen: any(model.labels_learned >= 1280 + 576 for model in seen))
    assert gauge("churnwatch_learning_frozen") == 0.0
    assert models[-1].metrics["auc"] > 0.8


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_command_leaves_cleanly_when_it_is_told_to(
    test_environment: dict[str, str], trainer_settings: Settings
) -> None:
    environment = {**os.environ, **test_environment, "CHURNWATCH_METRICS__PORT": str(free_port())}
    command = [sys.executable, "-m", "churnwatch", "trainer"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "trainer.assigned" in line:
                break
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT_S) == 0


def test_a_broker_that_is_away_ends_in_a_message() -> None:
    environment = {
        **os.environ,
        "KAFKA_BOOTSTRAP": f"127.0.0.1:{free_port()}",
        "CHURNWATCH_KAFKA__CONNECT_TIMEOUT_S": "1",
        "CHURNWATCH_METRICS__PORT": str(free_port()),
    }
    command = [sys.executable, "-m", "churnwatch", "trainer"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=WAIT_S, check=False)

    assert done.returncode == 1
    assert "cannot reach Kafka" in done.stderr
    assert "Traceback" not in done.stderr
