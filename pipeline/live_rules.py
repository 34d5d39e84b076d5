"""Rules changed while everything runs: thresholds and switches, as they cross processes (topic `churn.rules`, compacted).

Each edition says all that differs from the shipped files, so that one alone is enough to decide by, and names the tick of
stream time from which it counts: a replay that reads the same editions decides the same (docs/adr/0083-live-rules.md).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

import msgspec
from msgspec.structs import replace

from pipeline.events import EpochMs
from pipeline.policy import HardPolicy, PolicyError, SignalPolicy, SoftPolicy, check_order

RuleValue = float | bool | str
Kind = TypeVar("Kind", SoftPolicy, HardPolicy)
#: What may be changed of each kind of signal. Weights may not: what the models learnt rests on them.
SOFT_FIELDS = ("enabled", "on", "off", "warn_at", "critical_at")
HARD_FIELDS = ("enabled", "level", "warn_at", "critical_at")
SCORE_FIELDS = ("on", "off", "critical")
#: Keys that begin like this are about tasks; the workers pass over them.
TASKS = "tasks"


class RulesMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """One edition of the rules.

    Attributes:
        version: counts from 1; of two with the same number the first one on the topic counts, the other never did.
        counts_from_ms: the tick of stream time from which it decides.
        made_ms: wall time of the change. `author`, `role`, `why`: who changed it, as what, for what reason.
        changes: key -> value of everything that is not as in the files ("soft.silence.on", "tasks.create_from").
        restores: the earlier edition that this one puts back; None: it is a new one.
    """

    version: Annotated[int, msgspec.Meta(ge=1)]
    counts_from_ms: EpochMs
    made_ms: EpochMs
    author: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    role: str
    why: Annotated[str, msgspec.Meta(max_length=500)]
    changes: dict[str, RuleValue]
    restores: int | None = None


@dataclass(slots=True)
class Editions:
    """All editions in the topic's order; every reader of the topic comes to the same ones."""

    taken: list[RulesMessage] = field(default_factory=list)

    @property
    def version(self) -> int:
        """The newest edition; 0: as shipped."""
        return self.taken[-1].version if self.taken else 0

    def take(self, message: RulesMessage) -> bool:
        """Whether this one counts: somebody who was a moment slower wrote down the same number again."""
        if message.version != self.version + 1:
            return False
        self.taken.append(message)
        return True

    def at(self, now_ms: int) -> RulesMessage | None:
        """The edition by which is decided at this stream time; None: the shipped files."""
        return next((one for one in reversed(self.taken) if one.counts_from_ms <= now_ms), None)


@dataclass(slots=True)
class PolicyInUse:
    """The signal policy that decides now, and those whose tick has not come."""

    current: SignalPolicy
    waiting: list[tuple[int, SignalPolicy]] = field(default_factory=list)

    def add(self, policy: SignalPolicy, counts_from_ms: int) -> None:
        """A policy that was published; of two from the same tick the later one counts."""
        self.waiting.append((counts_from_ms, policy))
        self.waiting.sort(key=lambda item: item[0])

    def at(self, tick_ms: int) -> SignalPolicy:
        """Move on to the policy of this tick."""
        while self.waiting and self.waiting[0][0] <= tick_ms:
            self.current = self.waiting.pop(0)[1]
        return self.current


def with_changes(policy: SignalPolicy, changes: Mapping[str, RuleValue]) -> SignalPolicy:
    """The policy with these changes; keys about tasks are passed over.

    Raises:
        PolicyError: an unknown key, a value of the wrong kind or out of range, thresholds in the wrong order.
    """
    soft, hard = dict(policy.soft), dict(policy.hard)
    score: dict[str, float] = {}
    for key, value in sorted(changes.items()):
        section, _, rest = key.partition(".")
        name, _, wanted = rest.rpartition(".")
        if section == "soft" and name in soft and wanted in SOFT_FIELDS:
            soft[name] = _changed(soft[name], wanted, value, key)
        elif section == "hard" and name in hard and wanted in HARD_FIELDS:
            hard[name] = _changed(hard[name], wanted, value, key)
        elif section == "score" and rest in SCORE_FIELDS:
            score[f"model_score_{rest}"] = _share(value, key)
        elif section != TASKS:
            raise PolicyError(f"{key}: there is no such rule")
    changed = replace(policy, soft=soft, hard=hard, **score)
    check_order(changed, "rules")
    return changed


def _changed(policy: Kind, name: str, value: RuleValue, key: str) -> Kind:
    raw = msgspec.to_builtins(policy)
    try:
        return msgspec.convert({**raw, name: value}, type(policy))
    except msgspec.ValidationError as error:
        raise PolicyError(f"{key}: {error}") from None


def _share(value: RuleValue, key: str) -> float:
    if isinstance(value, (bool, str)) or not 0.0 <= value <= 1.0:
        raise PolicyError(f"{key}: must be a number from 0 to 1")
    return float(value)
