"""The form of the rules: what was typed, read and checked; nothing typed is lost where something is wrong. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from alerts.live_rules.catalogue import EditableRule, RuleKind, RuleSet, differing, rule_set
from alerts.rules import Rules
from pipeline.events import Level
from pipeline.live_rules import RulesMessage, RuleValue
from pipeline.policy import PolicyError

WHY_CHARS_MAX = 500
#: A form that lacks this field lacks perhaps others: a switch that is off is not sent at all.
WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class TypedRules:
    """Attributes:
    shown: key -> text for the form's fields, as typed. `changes`: what is not as shipped; `rules`: what would decide.
    problem: key of the text that says what is wrong, and `about` the signal or rule; empty: nothing is.
    """

    shown: dict[str, str]
    changes: dict[str, RuleValue]
    rules: RuleSet | None
    problem: str = ""
    about: str = ""


def as_shown(value: RuleValue) -> str:
    """A value as a field holds it; a switch that is off is empty.

    >>> as_shown(0.5), as_shown(True), as_shown(False), as_shown("warn")
    ('0.5', 'yes', '', 'warn')
    """
    if isinstance(value, bool):
        return "yes" if value else ""
    return value if isinstance(value, str) else f"{value:g}"


def of_edition(rules: list[EditableRule], base: Rules, changes: Mapping[str, RuleValue]) -> TypedRules:
    """The form as an edition fills it; an edition that the files do not allow any more is told as a problem."""
    shown = {rule.key: as_shown(changes.get(rule.key, rule.shipped)) for rule in rules}
    return _checked(base, shown, dict(changes))


def of_form(rules: list[EditableRule], base: Rules, fields: Mapping[str, str]) -> TypedRules:
    """What somebody typed."""
    shown = {rule.key: fields.get(rule.key, "")[:32] for rule in rules}
    if WHOLE not in fields:
        return TypedRules(shown, {}, None, "rules.not_whole")
    values: dict[str, RuleValue] = {}
    for rule in rules:
        value = _read(rule, shown[rule.key])
        if value is None:
            return TypedRules(shown, {}, None, "rules.not_a_share", rule.subject)
        values[rule.key] = value
    return _checked(base, shown, differing(rules, values))


def edited(
    rules: list[EditableRule], then: Mapping[str, RuleValue], now: Mapping[str, RuleValue]
) -> list[tuple[EditableRule, RuleValue, RuleValue]]:
    """What is not as before: the rule, its value now, its value then."""
    pairs = [(rule, now.get(rule.key, rule.shipped), then.get(rule.key, rule.shipped)) for rule in rules]
    return [(rule, before, after) for rule, before, after in pairs if before != after]


def changes_of(editions: list[RulesMessage], version: int) -> dict[str, RuleValue]:
    """The changes of an edition; none for 0 or an unknown one."""
    return next((dict(one.changes) for one in editions if one.version == version), {})


def _checked(base: Rules, shown: dict[str, str], changes: dict[str, RuleValue]) -> TypedRules:
    try:
        return TypedRules(shown, changes, rule_set(base, changes))
    except PolicyError as error:
        about = next((name for name in base.signals.soft if f"soft.{name}:" in str(error)), "score")
        return TypedRules(shown, changes, None, "rules.order", about)


def _read(rule: EditableRule, text: str) -> RuleValue | None:
    if rule.kind is RuleKind.SWITCH:
        return text == "yes"
    if rule.kind is RuleKind.LEVEL:
        return text if text in set(Level) else None
    try:
        share = float(text)
    except ValueError:
        return None
    return share if 0.0 <= share <= 1.0 else None
