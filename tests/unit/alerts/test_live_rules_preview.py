"""What an edition would have changed in the last seven days, counted by hand."""

from collections.abc import Sequence

import pytest

from alerts.live_rules.catalogue import BENIGN, CREATE_FROM, catalogue, changed_tasks, differing, rule_set
from alerts.live_rules.observed import WINDOW_MS, Observation, Observed
from alerts.live_rules.preview import Preview, preview
from alerts.rules import Rules, read_rules
from pipeline.events import Level, SignalReport
from pipeline.live_rules import RuleValue
from pipeline.policy import PolicyError

DAY_MS = 86_400_000
NOW_MS = 400 * DAY_MS
RULES = read_rules()

#: (account, days ago, [(signal, strength, episode began days ago)], a warning and not a view)
Told = tuple[str, float, Sequence[tuple[str, float, float]], bool]


def at(days_ago: float) -> int:
    return int(NOW_MS - days_ago * DAY_MS)


def observed(*told: Told) -> Observed:
    made = Observed()
    for account, days_ago, signals, warned in told:
        reports = [
            SignalReport(name, RULES.signals.origin(name), strength, at(began), {}) for name, strength, began in signals
        ]
        made.add(account, f"{account}-1", Observation(at(days_ago), reports, warned))
    made.forget_old()
    return made


def compared(seen: Observed, changes: dict[str, RuleValue], rules: Rules = RULES) -> Preview:
    now, then = rule_set(rules, {}), rule_set(rules, changes)
    return preview(
        seen, rules.tasks, now, then, lambda account, _: account != "barred", lambda account, *_: account == "standing"
    )


def warning(account: str, days_ago: float, name: str, strength: float) -> Told:
    return account, days_ago, [(name, strength, days_ago)], True


def test_a_lower_warning_threshold_makes_tasks_of_what_was_only_watched() -> None:
    seen = observed(
        warning("a", 1, "spend_drop", 0.40),  # watched: 0.35 <= 0.40 < 0.55
        warning("b", 2, "spend_drop", 0.50),
        warning("c", 3, "spend_drop", 0.70),  # a task as it is
    )
    result = compared(seen, {"soft.spend_drop.warn_at": 0.45})
    assert (result.now, result.then) == (1, 2)
    assert [(one.account_id, one.group, one.signal, one.level) for one in result.more] == [
        ("b", "price", "spend_drop", Level.WARN)
    ]
    assert result.fewer == []
    assert result.by_signal == {"spend_drop": (1, 0)}


def test_a_switch_that_is_off_takes_its_tasks_away_and_leaves_those_of_other_signals() -> None:
    seen = observed(
        warning("a", 1, "spend_drop", 0.9),
        ("b", 1, [("spend_drop", 0.9, 1), ("silence", 0.97, 1)], True),
    )
    result = compared(seen, {"soft.spend_drop.enabled": False})
    assert (result.now, result.then) == (2, 1)
    assert {(one.account_id, one.group) for one in result.fewer} == {("a", "price"), ("b", "price")}
    assert {(one.account_id, one.group) for one in result.more} == {("b", "inactivity")}


def test_a_task_is_counted_once_an_account_and_reason_however_often_it_warns() -> None:
    seen = observed(*(warning("a", days, "spend_drop", 0.9) for days in (1, 2, 3)), warning("a", 1, "complaint", 0.9))
    result = compared(seen, {"hard.complaint.enabled": False})
    assert (result.now, result.then) == (2, 1)


def test_tasks_from_another_level_on() -> None:
    seen = observed(
        warning("a", 1, "spend_drop", 0.4), warning("b", 1, "spend_drop", 0.6), warning("c", 1, "silence", 0.97)
    )
    lower = compared(seen, {CREATE_FROM: "watch"})
    higher = compared(seen, {CREATE_FROM: "critical"})
    assert (lower.now, lower.then, higher.then) == (2, 3, 1)


def test_a_view_that_shows_a_stronger_signal_is_a_warning_that_would_have_been() -> None:
    rose = observed(warning("a", 4, "usage_drop", 0.4), ("a", 2, [("usage_drop", 0.5, 4)], False))
    result = compared(rose, {"soft.usage_drop.warn_at": 0.45})
    assert (result.now, result.then, result.more[0].ts_ms) == (0, 1, at(2))


def test_what_began_before_the_window_is_no_new_task_in_it() -> None:
    old = observed(("a", 6, [("usage_drop", 0.7, 30)], False), ("a", 5, [("usage_drop", 0.7, 30)], False))
    assert compared(old, {}).now == 0
    risen = observed(("a", 6, [("usage_drop", 0.4, 30)], False), ("a", 5, [("usage_drop", 0.7, 30)], False))
    assert compared(risen, {}).now == 1


def test_a_signal_stays_on_between_its_two_thresholds_and_comes_on_only_above_the_upper() -> None:
    falling = observed(warning("a", 3, "spend_drop", 0.36), ("a", 2, [("spend_drop", 0.2, 3)], False))
    fresh = observed(("a", 2, [("spend_drop", 0.2, 2)], True))
    lower: dict[str, RuleValue] = {CREATE_FROM: "watch", "soft.spend_drop.on": 0.30}
    assert compared(falling, lower).then == 1
    assert compared(fresh, lower).then == 0


def test_what_may_not_be_used_makes_no_task_under_either_rules() -> None:
    seen = observed(warning("barred", 1, "spend_drop", 0.9), warning("standing", 1, "spend_drop", 0.9))
    assert compared(seen, {CREATE_FROM: "watch"}).then == 0


def test_the_same_rules_change_nothing() -> None:
    seen = observed(*(warning(f"a{n}", n % 7, name, n / 40) for n, name in enumerate(["spend_drop", "silence"] * 20)))
    result = compared(seen, {})
    assert result.now == result.then > 0
    assert result.more == result.fewer == []


def test_only_seven_days_are_looked_back_on_and_how_many_records_that_were_is_told() -> None:
    seen = observed(warning("old", 9, "spend_drop", 0.9), warning("new", 0, "spend_drop", 0.9))
    result = compared(seen, {})
    assert (result.now, result.observations) == (1, 1)
    assert result.until_ms - result.since_ms <= WINDOW_MS


def test_every_rule_has_its_shipped_value_and_an_edit_is_what_differs() -> None:
    rules = catalogue(RULES)
    assert differing(rules, {rule.key: rule.shipped for rule in rules}) == {}
    assert differing(rules, {"score.on": 0.25}) == {"score.on": 0.25}
    assert len({rule.key for rule in rules}) == len(rules)
    assert not [rule for rule in rules if rule.subject in BENIGN]
    assert rule_set(RULES, {}).signals == RULES.signals


@pytest.mark.parametrize("changes", [{CREATE_FROM: "loud"}, {"tasks.expire_days": 3.0}])
def test_an_unknown_rule_of_tasks_is_refused(changes: dict[str, RuleValue]) -> None:
    with pytest.raises(PolicyError, match=r"tasks\."):
        changed_tasks(RULES.tasks, changes)
