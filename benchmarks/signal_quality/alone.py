"""What each signal is worth alone: its alarms against who really left."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import exp, lgamma, log
from statistics import median
from typing import NamedTuple

from benchmarks.operator_quality.recording import Recording
from models.evaluation.daily_lists import DAY_MS
from models.evaluation.truth import INVOLUNTARY
from pipeline.events import ChurnWarning, Truth
from pipeline.signals.registry import ACCOUNT_SIGNALS, SOFT_SIGNAL_NAMES, SWEPT_SIGNALS

HORIZON_MS = 30 * DAY_MS
#: A line that fell silent for good left at its last activity; its label is known so much later (CONTRACT.md section 3). Until
#: then a signal of something missing may still speak of it, and a random alarm of that kind may hit it as well.
SILENCE_KNOWN_MS = 40 * DAY_MS
MISSING = frozenset(signal.name for signal in SWEPT_SIGNALS if signal.held_with) | frozenset(
    signal.name for signal in ACCOUNT_SIGNALS if signal.held_with
)
#: How surely a signal must beat chance before it is called better.
SURE = 0.05


#: Accounts are compared with random ones of about as many lines.
SIZES = (1, 2, 4, 10)


class Alarm(NamedTuple):
    """The beginning of an episode, of one line or of an account with its lines."""

    account: str
    lines: tuple[str, ...]
    ts_ms: int
    of_account: bool


@dataclass(slots=True)
class Tally:
    """Counts of one signal; tallies of several seeds add up.

    An alarm is a beginning episode of a line or an account. `judged` of them had their 30 days, `hits` were followed by the line,
    or any line of the account, leaving within those; as many random alarms would have hit `by_chance` times. `leavers` could
    have been foreseen, `leads` are the days that the first alarm of the last 30 days came before those who were.
    """

    alarms: int = 0
    judged: int = 0
    hits: int = 0
    by_chance: float = 0.0
    leavers: int = 0
    leads: list[float] = field(default_factory=list)
    line_days: int = 0

    def add(self, other: "Tally") -> None:
        """Count another's in."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def figures(self) -> dict[str, object]:
        """Precision, recall, median lead in days, alarms a week per 1,000 lines, and what chance alone would do."""
        chance = self.by_chance / self.judged if self.judged else 0.0
        luck = at_least(self.hits, self.judged, chance)
        return {
            "alarms": self.alarms,
            "precision": _share(self.hits, self.judged),
            "chance": round(chance, 4),
            "recall": _share(len(self.leads), self.leavers),
            "lead_days": round(median(self.leads), 2) if self.leads else None,
            "alarms_week_1000": round(7000.0 * self.alarms / self.line_days, 3) if self.line_days else None,
            "luck": round(luck, 4),
            "verdict": verdict(self.hits, self.judged, chance, luck),
        }


def at_least(hits: int, alarms: int, chance: float) -> float:
    """Probability that so many random alarms hit at least as often: the upper tail of the binomial distribution.

    >>> at_least(2, 3, 0.5), at_least(0, 3, 0.5)
    (0.5, 1.0)
    """
    if hits <= 0:
        return 1.0
    if not 0.0 < chance < 1.0:
        return float(chance >= 1.0)
    ways = (lgamma(alarms + 1) - lgamma(k + 1) - lgamma(alarms - k + 1) for k in range(hits, alarms + 1))
    terms = (exp(way + k * log(chance) + (alarms - k) * log(1.0 - chance)) for k, way in enumerate(ways, hits))
    return round(min(1.0, sum(terms)), 9)


def verdict(hits: int, judged: int, chance: float, luck: float) -> str:
    """In words: better than a random signal of the same size, not better, or too few alarms to tell.

    >>> verdict(30, 100, 0.02, 1e-9), verdict(2, 100, 0.02, 0.6), verdict(1, 3, 0.02, 0.06)
    ('better', 'no better', 'too few')
    """
    if judged and luck <= SURE:
        return "better"
    return "no better" if judged and hits <= chance * judged else "too few"


def tally(recording: Recording) -> dict[str, Tally]:
    """Tallies by signal, of what is told."""
    return _tallies(recording, alarms_of(recording.warnings, recording.lines_of))


def tally_by_kind(recording: Recording) -> dict[str, Tally]:
    """Tallies of the gradual signals that are told, by kind of customer as the policy decides on them (`silence, prepaid`)."""
    found: defaultdict[str, list[Alarm]] = defaultdict(list)
    for name, alarms in alarms_of(recording.warnings, recording.lines_of).items():
        for alarm in alarms if name in SOFT_SIGNAL_NAMES else ():
            found[f"{name}, {recording.kind_of[alarm.account]}"].append(alarm)
    return _tallies(recording, found)


def tally_untold(recording: Recording) -> dict[str, Tally]:
    """Tallies of what is evidence only, by signal and kind of customer (`silence, public`)."""
    found: defaultdict[str, list[Alarm]] = defaultdict(list)
    for account, line, name, ts_ms in recording.untold:
        lines = recording.lines_of.get(account, ()) if line is None else (line,)
        found[f"{name}, {recording.kind_of[account]}"].append(Alarm(account, tuple(lines), ts_ms, line is None))
    return _tallies(recording, found)


def _tallies(recording: Recording, alarms: Mapping[str, Sequence[Alarm]]) -> dict[str, Tally]:
    lists = recording.lists
    first_ms = lists.days[0].day_ms
    leavers = {
        line_id: truth.churn_ms
        for line_id, truth in recording.truths.items()
        if truth.cause != INVOLUNTARY and first_ms < truth.churn_ms <= lists.end_ms
    }
    line_days = sum(len(day.lines) for day in lists.days)
    chances = {missing: Chances(recording, missing) for missing in (False, True)}
    found = {}
    for name, those in sorted(alarms.items()):
        chance = chances[name.partition(",")[0] in MISSING]
        found[name] = Tally(leavers=len(leavers), line_days=line_days)
        _count(found[name], those, recording, chance)
        found[name].leads = _leads(those, leavers, chance)
    return found


def alarms_of(warnings: Iterable[ChurnWarning], lines_of: Mapping[str, Sequence[str]]) -> dict[str, list[Alarm]]:
    """Beginnings of episodes by signal. A warning whose level rose is no new alarm."""
    found: defaultdict[str, list[Alarm]] = defaultdict(list)
    for warning in warnings:
        cause = warning.signals[0]
        if cause.since_ms != warning.ts_ms:
            continue
        lines = lines_of.get(warning.account_id, ()) if warning.line_id is None else (warning.line_id,)
        found[cause.name].append(Alarm(warning.account_id, tuple(lines), warning.ts_ms, warning.line_id is None))
    return dict(found)


class Chances:
    """How often a random line, or a random account of so many lines, of the same kind of customer is followed by leaving within
    30 days.

    `missing`: for signals of something missing, which may still speak of a line that fell silent for good.
    """

    def __init__(self, recording: Recording, missing: bool) -> None:
        self._truths = recording.truths
        self._silent = recording.silent if missing else frozenset()
        self._kind_of = recording.kind_of
        self._of_line: defaultdict[str, list[bool]] = defaultdict(list)
        self._of_size: defaultdict[tuple[str, int], list[bool]] = defaultdict(list)
        lists = recording.lists
        for day in lists.days:
            if lists.is_complete(day.day_ms):
                self._note(recording, day.day_ms, {lists.line_ids[line] for line in day.lines.tolist()})

    def _note(self, recording: Recording, day_ms: int, listed: set[str]) -> None:
        for account, lines in recording.lines_of.items():
            kind = self._kind_of.get(account, "")
            fates = [self.fate(line, day_ms) for line in lines if line in listed]
            known = [one for one in fates if one is not None]
            self._of_line[kind] += known
            if known:
                self._of_size[kind, size_class(len(fates))].append(any(known))

    def of(self, alarm: Alarm, lines: int) -> float:
        """Probability that a random alarm of the same kind hits; `lines` of the account were still there."""
        kind = self._kind_of.get(alarm.account, "")
        fates = self._of_size[kind, size_class(lines)] if alarm.of_account else self._of_line[kind]
        return sum(fates) / len(fates) if fates else 0.0

    def known_ms(self, line_id: str, churn_ms: int) -> int:
        """Until when nobody can know that a line has left."""
        return churn_ms + SILENCE_KNOWN_MS if line_id in self._silent else churn_ms

    def fate(self, line_id: str, ts_ms: int) -> bool | None:
        """Whether a line leaves by its own will within 30 days; None for one that had to, or has left, which proves nothing."""
        truth = self._truths.get(line_id)
        return None if truth is not None and self.has_left(line_id, ts_ms) else fate(truth, ts_ms)

    def has_left(self, line_id: str, ts_ms: int) -> bool:
        """Whether it is known to have left."""
        truth = self._truths.get(line_id)
        return truth is not None and self.known_ms(line_id, truth.churn_ms) <= ts_ms


def size_class(lines: int) -> int:
    """Place of an account among `SIZES`.

    >>> [size_class(lines) for lines in (1, 2, 3, 4, 40)]
    [0, 1, 1, 2, 3]
    """
    return sum(lines >= size for size in SIZES[1:])


def _count(told: Tally, alarms: Iterable[Alarm], recording: Recording, chances: Chances) -> None:
    for alarm in alarms:
        there = [line for line in alarm.lines if not chances.has_left(line, alarm.ts_ms)]
        told.alarms += bool(there)
        fates = [one for line in there if (one := chances.fate(line, alarm.ts_ms)) is not None]
        if fates and recording.lists.is_complete(alarm.ts_ms):
            told.judged += 1
            told.hits += any(fates)
            told.by_chance += chances.of(alarm, len(there))


def _leads(alarms: Iterable[Alarm], leavers: Mapping[str, int], chances: Chances) -> list[float]:
    """Days from the first alarm of a leaver's last 30 days to its leaving; negative once it had fallen silent for good."""
    earliest: dict[str, int] = {}
    for alarm in alarms:
        for line in alarm.lines:
            left = leavers.get(line)
            if left is not None and left - HORIZON_MS < alarm.ts_ms < chances.known_ms(line, left):
                earliest[line] = min(earliest.get(line, alarm.ts_ms), alarm.ts_ms)
    return [(leavers[line] - ts_ms) / DAY_MS for line, ts_ms in sorted(earliest.items())]


def fate(truth: Truth | None, ts_ms: int) -> bool | None:
    """Whether a line leaves by its own will within 30 days, or has already; None for one that had to."""
    if truth is None or truth.churn_ms > ts_ms + HORIZON_MS:
        return False
    return None if truth.cause == INVOLUNTARY else True


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
