"""Engines as production builds them: policy, features, labels. The worker and the replay of files use the same."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from churnwatch.country_policy import policy_of_country
from churnwatch.settings import CONFIG_DIR, Settings
from models.label_rules import LabelRules
from models.labels import DelayedLabels
from pipeline.columns import DAY_MS, Accept
from pipeline.engine import Engine, EngineConfig
from pipeline.events import Stream
from pipeline.features.catalogue import Feature, feature_schema, features_for
from pipeline.kinds import KindTable
from pipeline.merge import Merger
from pipeline.partition_task import PartitionTask
from pipeline.policy import SignalPolicy, read_policy
from pipeline.ports import Scorer
from pipeline.signals.registry import SOFT_SIGNAL_NAMES
from pipeline.snapshot import Snapshotter
from pipeline.state.partition import PartitionState

POLICY_FILE = CONFIG_DIR / "policies" / "signals.toml"
#: Newest models that stay on the compacted topic, and in a worker for partitions that come to it.
KEPT_MODELS = 50


@dataclass(slots=True)
class EngineParts:
    """What the engines of one process share; makes their partition tasks."""

    settings: Settings
    policy: SignalPolicy
    features: tuple[Feature, ...]
    kinds: KindTable = field(default_factory=KindTable)
    models: list[tuple[Scorer, int]] = field(default_factory=list)
    policies: list[tuple[SignalPolicy, int]] = field(default_factory=list)

    @property
    def schema(self) -> str:
        """Feature schema of examples and models."""
        return feature_schema(self.features)

    def add_model(self, scorer: Scorer, counts_from_ms: int) -> None:
        """A published model, for the tasks that are made from now on."""
        self.models.append((scorer, counts_from_ms))
        del self.models[:-KEPT_MODELS]

    def make_task(self, partition: int, stored: Mapping[bytes, bytes], earliest: Mapping[Stream, int]) -> PartitionTask:
        """A task that goes on where the saved pages left off, or begins with the first offsets the topics hold."""
        settings = self.settings
        labels = DelayedLabels(self.schema, self._label_rules(), waits_for_silence=True)
        snapshotter = Snapshotter(partition, self.schema, writer=secrets.token_hex(4))
        restored = snapshotter.restore(stored, settings.engine.page_lines)
        if restored is None:
            state = PartitionState.empty(partition, settings.engine.page_lines)
        else:
            state, label_pages = restored
            labels.restore(label_pages)
        config = EngineConfig(settings.engine.tick_s * 1000, settings.engine.page_lines)
        engine = Engine(state, self.policy, config, self.kinds, labels)
        for scorer, counts_from_ms in self.models:
            engine.use_model(scorer, counts_from_ms)
        for policy, counts_from_ms in self.policies:
            engine.use_policy(policy, counts_from_ms)
        positions = {stream: max(state.applied.get(stream, 0), earliest.get(stream, 0)) for stream in Stream}
        merger = Merger(positions, settings.engine.idle_ms / 1000.0, settings.engine.merge_buffer_records)
        return PartitionTask(engine, merger, snapshotter, labels, self.kinds, self.accept())

    def accept(self) -> Accept:
        """What times and sizes a record may have."""
        engine = self.settings.engine
        return Accept(
            retention_ms=engine.retention_days * DAY_MS,
            future_ms=engine.future_tolerance_s * 1000,
            clock_ms=engine.clock_tolerance_s * 1000,
            max_bytes=engine.max_record_bytes,
        )

    def _label_rules(self) -> LabelRules:
        return LabelRules(
            horizon_ms=self.settings.engine.horizon_days * DAY_MS,
            snapshot_every_days=self.settings.learning.snapshot_every_days,
            treated_weight=self.settings.learning.treated_weight,
        )


def engine_parts(settings: Settings, policy_file: Path = POLICY_FILE) -> EngineParts:
    """Parts by the settings and the signal policy.

    Raises:
        PolicyError: the policy file cannot be used.
    """
    policy = policy_of_country(read_policy(policy_file, SOFT_SIGNAL_NAMES), settings.law.country)
    return EngineParts(settings, policy, features_for(list(policy.hard)))
