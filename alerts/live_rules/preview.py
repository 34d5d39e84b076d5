"""What an edition would have changed in the last seven days: tasks under it against tasks under the rules of now. Pure.

Both are counted by the same arithmetic from the same observations: a signal that comes on, or whose level rises, warns; the
first warning of an account for a reason group that reaches the level of tasks makes one. What this leaves out, the page says:
strengths below today's `on` are written nowhere, and neither caps nor the day's plan are counted.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from alerts.live_rules.catalogue import RuleSet
from alerts.live_rules.observed import Observation, Observed
from alerts.policy import TaskPolicy
from alerts.tasks import LEVEL_RANK
from pipeline.events import Level, SignalReport
from pipeline.policy import MODEL_SCORE, SignalPolicy

SHOWN_MAX = 12

#: (account, reason group)
Made = tuple[str, str]
#: Which signals of an account may be used at all: the law's bar, and the share that is left alone.
Usable = Callable[[str, SignalReport], bool]
#: Whether an account has a task of this reason group from before, or rests after one, at this time: (account, group, ms).
Standing = Callable[[str, str, int], bool]


@dataclass(frozen=True, slots=True)
class WouldBe:
    """A task that only one of the two editions makes, and the signal that makes it."""

    account_id: str
    group: str
    ts_ms: int
    signal: str
    level: Level


@dataclass(frozen=True, slots=True)
class Preview:
    """Tasks under the rules of now and under the edited ones, and which of them only one makes.

    `by_signal`: signal -> (more, fewer). Of `more` and `fewer` the first few are shown.
    """

    now: int
    then: int
    more: list[WouldBe]
    fewer: list[WouldBe]
    by_signal: dict[str, tuple[int, int]]
    since_ms: int
    until_ms: int
    observations: int
    unread: int
    full: bool


def preview(
    observed: Observed, tasks: TaskPolicy, now: RuleSet, then: RuleSet, usable: Usable, standing: Standing
) -> Preview:
    """Compare two editions on what was observed."""
    before, after = (
        {key: one for key, one in _tasks(observed, tasks, rules, usable).items() if not standing(*key, one.ts_ms)}
        for rules in (now, then)
    )
    more = [made for key, made in after.items() if key not in before]
    fewer = [made for key, made in before.items() if key not in after]
    gained, lost = (Counter(one.signal for one in made) for made in (more, fewer))
    return Preview(
        now=len(before),
        then=len(after),
        more=sorted(more, key=_latest_first),
        fewer=sorted(fewer, key=_latest_first),
        by_signal={name: (gained[name], lost[name]) for name in sorted({*gained, *lost})},
        since_ms=observed.oldest_ms,
        until_ms=observed.newest_ms,
        observations=observed.count,
        unread=observed.unread,
        full=observed.full,
    )


def _tasks(observed: Observed, tasks: TaskPolicy, rules: RuleSet, usable: Usable) -> dict[Made, WouldBe]:
    made: dict[Made, WouldBe] = {}
    for (account_id, _), seen in observed.subjects.items():
        for one in _warnings(account_id, seen, rules, tasks, observed.since_ms, usable):
            known = made.get((account_id, one.group))
            if known is None or one.ts_ms < known.ts_ms:
                made[account_id, one.group] = one
    return made


def _warnings(
    account_id: str, seen: Sequence[Observation], rules: RuleSet, tasks: TaskPolicy, since_ms: int, usable: Usable
) -> Iterable[WouldBe]:
    """The warnings of one line that are strong enough for a task."""
    standing: dict[str, Level] = {}
    for observation in seen:
        on = {
            report.name: (report, level)
            for report in observation.signals
            if (level := _level(report, rules.signals, report.name in standing)) is not None
        }
        risen = [name for name, (_, level) in on.items() if _rises(standing.get(name), level)]
        # A view of what had begun before the window tells where it stood, not that it rose.
        fresh = [name for name in risen if observation.warned or name in standing or on[name][0].since_ms >= since_ms]
        standing = {
            name: max(level, standing.get(name, level), key=LEVEL_RANK.__getitem__) for name, (_, level) in on.items()
        }
        lawful = [(report, standing[name]) for name, (report, _) in on.items() if usable(account_id, report)]
        if not fresh or not lawful:
            continue
        strongest = max((level for _, level in lawful), key=LEVEL_RANK.__getitem__)
        cause = next((name for name in fresh if any(report.name == name for report, _ in lawful)), None)
        if cause is not None and LEVEL_RANK[strongest] >= LEVEL_RANK[rules.create_from]:
            group = tasks.group_of([report for report, _ in lawful]).name
            yield WouldBe(account_id, group, observation.ts_ms, cause, strongest)


def _level(report: SignalReport, policy: SignalPolicy, stood: bool) -> Level | None:
    """The level this signal has at this strength; None: it is off."""
    strength = report.strength
    if report.name == MODEL_SCORE:
        if strength < (policy.model_score_off if stood else policy.model_score_on):
            return None
        return Level.CRITICAL if strength >= policy.model_score_critical else Level.WARN
    soft = policy.soft.get(report.name)
    if soft is not None:
        on = soft.enabled and strength >= (soft.off if stood else soft.on)
        return soft.level(strength) if on else None
    hard = policy.hard.get(report.name)
    return hard.level_of(strength) if hard is not None and hard.enabled else None


def _rises(before: Level | None, level: Level) -> bool:
    return before is None or LEVEL_RANK[level] > LEVEL_RANK[before]


def _latest_first(one: WouldBe) -> tuple[int, str]:
    return -one.ts_ms, one.account_id
