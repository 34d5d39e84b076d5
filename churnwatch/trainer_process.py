"""The trainer: examples in, models out. A thin shell around `models.training`.

The log of examples is the truth: after a start, or when a standby takes over, everything is learnt again from its
beginning.
"""

import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict

import msgspec
import structlog
from kafka import ConsumerRebalanceListener, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from churnwatch.clients import kafka_consumer, kafka_producer
from churnwatch.engine_parts import KEPT_MODELS, engine_parts
from churnwatch.learning_rules import new_training
from churnwatch.model_log import published_models, versions
from churnwatch.settings import Settings
from models.contest import ChangeOfChampion
from models.guard import Finding
from models.orders import TrainerOrder
from models.training import ExampleRefusal, Notice, Training
from pipeline.events import Example, ModelMessage
from pipeline.metrics import Metrics
from pipeline.refusals import UNREADABLE

POLL_MS = 500
POLL_RECORDS_MAX = 2000
SEND_TIMEOUT_S = 10.0
GROUP = "trainer"
FIGURE_GAUGES = {
    "log_loss": "churnwatch_model_log_loss_nats",
    "auc": "churnwatch_model_auc_ratio",
    "average_precision": "churnwatch_model_average_precision_ratio",
    "ece": "churnwatch_model_calibration_error_ratio",
    "base_rate": "churnwatch_model_base_rate_ratio",
}

log = structlog.get_logger()


class Trainer(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no type hints
    """Consumes churn.examples in a group: the topic has one partition, so that a second trainer waits as a standby."""

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        consumer: KafkaConsumer,
        producer: KafkaProducer,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._metrics = metrics
        self._consumer = consumer
        self._producer = producer
        self._now_s = now_s
        self._decoder = msgspec.json.Decoder(Example)
        self._orders = msgspec.json.Decoder(TrainerOrder)
        self._features = engine_parts(settings).features
        self._training = self._new_training()
        self._rebuild_until: dict[TopicPartition, int] = {}
        self._newly_assigned: list[TopicPartition] = []
        self._was_revoked = False
        self._last_publish_s = now_s()
        self._last_version = ""
        self._kept_versions: deque[str] = deque()
        self._stopping = False
        self._leads: bool | None = None
        metrics.gauge("churnwatch_model_finite").set(1)

    @property
    def leads(self) -> bool | None:
        """Whether this trainer learns (True) or stands by (False); None until its group has decided."""
        return self._leads

    def stop(self) -> None:
        """Ask the loop to end after the poll under way."""
        self._stopping = True

    def run(self) -> None:
        """Learn and publish until `stop`; ends with a last model if there is anything new."""
        self._consumer.subscribe([self._settings.topic("examples")], listener=self)
        while not self._stopping:
            self.step(POLL_MS)
        self._publish_if(self._training.has_news)

    def step(self, timeout_ms: int) -> None:
        """One poll: learn what came, publish what is due."""
        batches = self._consumer.poll(timeout_ms=timeout_ms, max_records=POLL_RECORDS_MAX)
        if self._was_revoked:
            self._was_revoked = False
            self._training, self._rebuild_until = self._new_training(), {}
            log.info("trainer.revoked")
        if self._newly_assigned:
            partitions, self._newly_assigned = self._newly_assigned, []
            self._begin_again(partitions)
        for partition, records in batches.items():
            self._learn(record.value for record in records)
            self._note_rebuild(partition, records[-1].offset + 1)
        waited_s = self._now_s() - self._last_publish_s
        self._publish_if(self._training.has_news and waited_s >= self._settings.learning.publish_every_s)
        self._report()

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Only noted: kafka-python calls this in its network thread, which must not block."""
        self._newly_assigned = list(assigned)
        self._leads = bool(self._newly_assigned)

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Another trainer leads. Only noted, as above."""
        self._was_revoked = self._was_revoked or bool(list(revoked))
        self._leads = None

    def _begin_again(self, partitions: Sequence[TopicPartition]) -> None:
        """We lead now. Offsets are never committed, so the log comes from its beginning; its past is not published."""
        self._training = self._new_training()
        self._rebuild_until = {part: end for part, end in self._consumer.end_offsets(partitions).items() if end > 0}
        self._kept_versions = deque(versions(published_models(self._settings)))
        log.info("trainer.assigned", examples_to_learn_again=sum(self._rebuild_until.values()))

    def _new_training(self) -> Training:
        self._reported: dict[str, int] = {}
        return new_training(self._settings, self._features, self._settings.engine.tick_s * 1000)

    def _learn(self, values: Iterable[bytes | None]) -> None:
        examples: list[Example] = []
        for value in values:
            record = self._decode(value or b"")
            if isinstance(record, Example):
                examples.append(record)
            elif record is not None:
                self._take(examples)
                examples = []
                self._training.obey(record)
                log.warning("trainer.order_obeyed", **msgspec.to_builtins(record))
        self._take(examples)

    def _take(self, examples: list[Example]) -> None:
        while examples:
            part = self._training.labels_until_due
            self._training.take(examples[:part])
            examples = examples[part:]
            self._publish_if(self._training.is_due)

    def _decode(self, value: bytes) -> Example | TrainerOrder | None:
        try:
            return self._decoder.decode(value)
        except UNREADABLE as error:
            problem = str(error)
        try:
            return self._orders.decode(value)
        except UNREADABLE:
            self._training.counts[ExampleRefusal.UNREADABLE] += 1
            log.warning("example.refused", reason=ExampleRefusal.UNREADABLE, detail=problem)
            return None

    def _note_rebuild(self, partition: TopicPartition, next_offset: int) -> None:
        if next_offset >= self._rebuild_until.get(partition, next_offset + 1):
            del self._rebuild_until[partition]
            log.info("trainer.caught_up", labels_learned=self._training.labels_learned)

    def _publish_if(self, wanted: bool) -> None:
        if not wanted or self._rebuild_until:
            return
        finite = self._training.is_finite
        self._metrics.gauge("churnwatch_model_finite").set(finite)
        if not finite:
            log.error("model.held_back", reason="a weight is no finite number", version=self._last_version)
            return
        message = self._training.message(int(self._now_s() * 1000))
        self._last_publish_s = self._now_s()
        if self._send(message):
            self._training.mark_published()
            self._last_version = message.version
            self._tell(message)

    def _send(self, message: ModelMessage) -> bool:
        """False when Kafka did not take it; the next model carries the same labels and more."""
        topic = self._settings.topic("models")
        future = self._producer.send(topic, key=message.version.encode(), value=msgspec.json.encode(message))
        try:
            future.get(timeout=SEND_TIMEOUT_S)
        except KafkaError as error:
            log.warning("model.not_published", version=message.version, problem=str(error))
            return False
        self._kept_versions.append(message.version)
        while len(self._kept_versions) > KEPT_MODELS:
            self._producer.send(topic, key=self._kept_versions.popleft().encode(), value=None)
        return True

    def _tell(self, message: ModelMessage) -> None:
        self._metrics.counter("churnwatch_models_published_total").inc()
        for figure, gauge in FIGURE_GAUGES.items():
            if figure in message.metrics:
                self._metrics.gauge(gauge).set(message.metrics[figure])
        log.info("model.published", version=message.version, counts_from_ms=message.counts_from_ms, **message.metrics)

    def _tell_notice(self, notice: Notice) -> None:
        """What is replayed from the log at a start is told again, marked as such."""
        told = {"rebuilding": bool(self._rebuild_until), **asdict(notice)}
        if isinstance(notice, Finding):
            self._metrics.counter("churnwatch_learning_alarms_total", alarm=notice.alarm).inc()
            log.error("learning.frozen", unfreeze="churnwatch model unfreeze", **told)
        elif isinstance(notice, ChangeOfChampion):
            log.warning("champion.changed", **told)
        else:
            self._metrics.counter("churnwatch_drift_alarms_total", group=notice.what).inc()
            log.warning("drift.found", **told)

    def _report(self) -> None:
        training = self._training
        self._metrics.gauge("churnwatch_trainer_leads").set(self._leads is True)
        self._metrics.gauge("churnwatch_learning_frozen").set(training.frozen is not None)
        for notice in training.notices():
            self._tell_notice(notice)
        for group, index in training.stability().items():
            self._metrics.gauge("churnwatch_drift_index", group=group).set(index)
        counts = self._training.counts
        for name, count in counts.items():
            increase = count - self._reported.get(name, 0)
            if increase == 0:
                continue
            self._reported[name] = count
            if name.startswith("champion_"):
                self._metrics.counter("churnwatch_champion_changes_total", change=name.removeprefix("champion_")).inc(
                    increase
                )
            elif name.startswith("learned_"):
                label = name.removeprefix("learned_")
                self._metrics.counter("churnwatch_labels_learned_total", label=label).inc(increase)
            else:
                self._metrics.counter("churnwatch_examples_refused_total", reason=name).inc(increase)


def run_trainer(settings: Settings, metrics: Metrics, on_ready: Callable[[Trainer], None]) -> None:
    """Connect, hand the trainer to `on_ready` (for signals), and run it until it is stopped.

    Raises:
        UserError: Kafka cannot be reached within the configured time.
    """
    producer = kafka_producer(settings, max_request_size=4_000_000)
    consumer = kafka_consumer(settings, group_id=f"{settings.kafka.topic_prefix}-{GROUP}")
    try:
        trainer = Trainer(settings, metrics, consumer, producer)
        on_ready(trainer)
        trainer.run()
    finally:
        consumer.close()
        producer.close(timeout=SEND_TIMEOUT_S)
