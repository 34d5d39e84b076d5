"""The topics of Churnwatch: how many partitions, what is compacted, and their creation."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from kafka import KafkaAdminClient, OffsetSpec, TopicPartition
from kafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from churnwatch.clients import kafka_admin
from churnwatch.errors import UserError
from churnwatch.settings import Settings
from pipeline.events import Stream

#: Topics whose newest record of a key is what counts.
COMPACTED = ("customers", "models", "rules", "line-views", "vault", "accounts")
#: Logs from whose beginning something is rebuilt; nothing in them may expire.
KEPT = ("examples", "task-events")
#: One ordered log each; `warnings` is keyed by account_id, `line-views` by line_id, the others by what they are about.
SINGLE = (
    "warnings", "examples", "models", "rules", "tasks", "task-events", "line-views", "vault", "accounts", "dead-letters",
)  # fmt: skip
#: Kept uncompacted for so long: reports tell who rose or fell in a month from the versions of a customer.
HISTORY_OF_CUSTOMERS_MS = 400 * 86_400_000
READY_TIMEOUT_S = 20.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class TopicPlan:
    """What one topic must look like."""

    name: str
    partitions: int
    replication: int
    compacted: bool
    kept: bool = False
    compacted_after_ms: int = 0

    def as_request(self) -> dict[str, Any]:
        """The topic as kafka-python's `create_topics` wants it."""
        configs = {"cleanup.policy": "compact" if self.compacted else "delete"}
        if self.kept:
            configs["retention.ms"] = "-1"
        if self.compacted_after_ms:
            configs["min.compaction.lag.ms"] = str(self.compacted_after_ms)
        return {
            "num_partitions": self.partitions,
            "replication_factor": self.replication,
            "configs": configs,
        }


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as the broker has it, beside what we want.

    `topic_id` tells a topic from one of the same name that was deleted; empty where the broker knows no ids.
    """

    plan: TopicPlan
    partitions: int | None
    topic_id: str = ""

    @property
    def problem(self) -> str | None:
        """What is wrong with it; None when it is as planned."""
        if self.partitions is None:
            return "missing"
        if self.partitions != self.plan.partitions:
            return f"has {self.partitions} partitions instead of {self.plan.partitions}"
        return None


def planned_topics(settings: Settings) -> list[TopicPlan]:
    """All topics in a fixed order: the six inputs with `kafka.partitions`, the others with one partition."""
    kafka = settings.kafka
    counts = dict.fromkeys(Stream, kafka.partitions) | dict.fromkeys(SINGLE, 1)
    return [
        TopicPlan(
            settings.topic(name),
            partitions,
            kafka.replication,
            name in COMPACTED,
            name in KEPT,
            HISTORY_OF_CUSTOMERS_MS if name == Stream.CUSTOMERS else 0,
        )
        for name, partitions in counts.items()
    ]


def ensure_topics(settings: Settings) -> list[TopicState]:
    """Create what is missing and wait until every topic has its leaders; several processes may do so at once.

    Raises:
        UserError: no broker, a refused topic, or one with another number of partitions (keys would move).
    """
    admin = kafka_admin(settings)
    try:
        missing = [state.plan for state in _states(admin, settings) if state.partitions is None]
        if missing:
            _create(admin, missing)
            admin.wait_for_topics([plan.name for plan in missing], timeout_ms=int(READY_TIMEOUT_S * 1000))
            log.info("topics.created", count=len(missing), prefix=settings.kafka.topic_prefix)
        states = _states(admin, settings)
    except KafkaError as error:
        raise UserError(f"cannot create the topics at {settings.kafka.bootstrap}: {error}") from error
    finally:
        admin.close()
    wrong = [f"{state.plan.name} {state.problem}" for state in states if state.problem]
    if wrong:
        raise UserError(
            f"{'; '.join(wrong)}: set kafka.partitions to what the topics have, or use another kafka.topic_prefix"
        )
    return states


def describe_topics(settings: Settings) -> list[TopicState]:
    """What the broker has, without creating anything."""
    admin = kafka_admin(settings)
    try:
        return _states(admin, settings)
    finally:
        admin.close()


def read_ends(admin: KafkaAdminClient, states: Iterable[TopicState]) -> dict[str, list[int]]:
    """The end offset of each partition of these topics (full name -> offsets), asked from the broker.

    The embedded broker answers with an offset that is too low by up to one batch; a fetch tells the true one.
    """
    partitions = [TopicPartition(state.plan.name, at) for state in states for at in range(state.plan.partitions)]
    answers = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
    ends: dict[str, list[int]] = {}
    for partition in partitions:
        ends.setdefault(partition.topic, []).append(answers[partition].offset)
    return ends


def _states(admin: KafkaAdminClient, settings: Settings) -> list[TopicState]:
    plans = planned_topics(settings)
    existing = _existing(admin, {plan.name for plan in plans})
    return [TopicState(plan, *existing.get(plan.name, (None, ""))) for plan in plans]


def _existing(admin: KafkaAdminClient, names: set[str]) -> Mapping[str, tuple[int, str]]:
    # Asked by name, a broker may create an unknown topic: so list first.
    present = sorted(names.intersection(admin.list_topics()))
    described = admin.describe_topics(present) if present else []
    return {topic["name"]: (len(topic["partitions"]), str(topic.get("topic_id") or "")) for topic in described}


def _create(admin: KafkaAdminClient, plans: list[TopicPlan]) -> None:
    answer = admin.create_topics({plan.name: plan.as_request() for plan in plans}, raise_errors=False)
    for topic in answer["topics"]:
        error = for_code(topic["error_code"])
        if topic["error_code"] and error is not TopicAlreadyExistsError:
            raise UserError(f"the broker refused the topic {topic['name']}: {topic['error_message'] or error.__name__}")
