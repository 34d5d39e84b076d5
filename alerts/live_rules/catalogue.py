"""Every rule that may be edited, with its shipped value; an edit is the set of those that are not as shipped. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from msgspec.structs import replace

from alerts.policy import TaskPolicy
from alerts.rules import Rules
from pipeline.events import Level
from pipeline.live_rules import HARD_FIELDS, SCORE_FIELDS, SOFT_FIELDS, RuleValue, with_changes
from pipeline.policy import PolicyError, SignalPolicy
from pipeline.signals.registry import SWEPT_SIGNALS

CREATE_FROM = "tasks.create_from"
#: They excuse others and warn of nothing, so that there is nothing to set.
BENIGN = frozenset(signal.name for signal in SWEPT_SIGNALS if signal.benign)


class RuleKind(StrEnum):
    """How a value is written in a form."""

    SWITCH = "switch"
    SHARE = "share"
    LEVEL = "level"


@dataclass(frozen=True, slots=True)
class EditableRule:
    """One threshold or switch. `subject`: the signal it is about, "score" or "tasks"."""

    key: str
    subject: str
    name: str
    kind: RuleKind
    shipped: RuleValue


@dataclass(frozen=True, slots=True)
class RuleSet:
    """What decides under one edition."""

    signals: SignalPolicy
    create_from: Level


def catalogue(rules: Rules) -> list[EditableRule]:
    """Everything that may be edited, in the order of the files."""
    found = [EditableRule(CREATE_FROM, "tasks", "create_from", RuleKind.LEVEL, str(rules.tasks.create_from))]
    signals = rules.signals
    for name in SCORE_FIELDS:
        shipped = getattr(signals, f"model_score_{name}")
        found.append(EditableRule(f"score.{name}", "score", name, RuleKind.SHARE, shipped))
    for signal, soft in signals.soft.items():
        if signal not in BENIGN:
            found += [_rule("soft", signal, name, getattr(soft, name)) for name in SOFT_FIELDS]
    for signal, hard in signals.hard.items():
        found += [_rule("hard", signal, name, getattr(hard, name)) for name in HARD_FIELDS]
    return found


def differing(rules: list[EditableRule], values: Mapping[str, RuleValue]) -> dict[str, RuleValue]:
    """Of these values those that are not as shipped."""
    return {rule.key: values[rule.key] for rule in rules if rule.key in values and values[rule.key] != rule.shipped}


def rule_set(base: Rules, changes: Mapping[str, RuleValue]) -> RuleSet:
    """The rules of the files with an edition's changes.

    Raises:
        PolicyError: they contradict each other, or one is not known.
    """
    return RuleSet(with_changes(base.signals, changes), changed_tasks(base.tasks, changes).create_from)


def changed_tasks(policy: TaskPolicy, changes: Mapping[str, RuleValue]) -> TaskPolicy:
    """The policy of tasks with these changes; keys about signals are passed over.

    Raises:
        PolicyError: an unknown key about tasks, or no level.
    """
    for key, value in changes.items():
        if key == CREATE_FROM and value in set(Level):
            policy = replace(policy, create_from=Level(value))
        elif key.startswith("tasks."):
            raise PolicyError(f"{key}: {value!r} is no rule of tasks; create_from is {', '.join(Level)}")
    return policy


def _rule(section: str, signal: str, name: str, value: object) -> EditableRule:
    key = f"{section}.{signal}.{name}"
    if isinstance(value, bool):
        return EditableRule(key, signal, name, RuleKind.SWITCH, value)
    if isinstance(value, Level):
        return EditableRule(key, signal, name, RuleKind.LEVEL, str(value))
    assert isinstance(value, float)
    return EditableRule(key, signal, name, RuleKind.SHARE, value)
