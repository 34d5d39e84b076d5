"""The rules of tasks as configured in `config/policies/tasks.toml`, checked when read."""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec

from alerts.business_time import CalendarError, holidays_of
from alerts.tasks import LEVEL_RANK, Purpose, Task, TaskResult
from pipeline.events import ChurnKind, Disposition, Level, Segment, SignalReport

TASK_POLICY_FILE = Path(__file__).resolve().parent.parent / "config" / "policies" / "tasks.toml"
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS

Positive = Annotated[float, msgspec.Meta(gt=0, le=10_000)]
NonNegative = Annotated[float, msgspec.Meta(ge=0, le=10_000)]
Count = Annotated[int, msgspec.Meta(ge=1, le=1000)]
Window = Annotated[str, msgspec.Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]|24):[0-5]\d$")]


VisitCause = Literal["provisioning_done", "fault_closed"]
#: Purposes whose tasks form a reason group of their own, of the same name.
PURPOSE_GROUPS = (Purpose.RETURN_VISIT, Purpose.WIN_BACK, Purpose.CRISIS)
CapName = Literal["day", "week", "30_days"]


class TaskPolicyError(ValueError):
    """The policy file is missing or wrong; the message names file, key and what is allowed."""


class DispositionRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one disposition does: close with `result`, or wait `delay_hours` up to `attempts_max` contacts."""

    result: TaskResult | None = None
    delay_hours: Positive | None = None
    attempts_max: Count | None = None


class ReasonGroup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]*$")]
    signals: list[str]
    stale_days: Positive
    cooldown_days: NonNegative
    recovered_cooldown_days: NonNegative


class ReasonGroups(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    strength_min: Annotated[float, msgspec.Meta(ge=0, le=1)]
    order: Annotated[list[ReasonGroup], msgspec.Meta(min_length=1)]


class ContactPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    window: Window
    per_day: Count
    per_week: Count
    per_30_days: Count
    lease_s: Positive
    deliveries_max: Count
    callbacks_escape: list[CapName] = []
    person_contact_hours: Positive = 4
    on_holidays: bool = False
    calendars: dict[str, str] = {}


class VisitPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`due_days` by what happened; `forget_days`: what is older when it is heard of makes no visit."""

    due_days: dict[VisitCause, Positive]
    forget_days: Positive


class WinBackPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kinds: list[ChurnKind]
    after_days: NonNegative
    due_days: Positive
    forget_days: Positive


class CrisisPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    groups: list[str]
    window_minutes: Positive
    customers_min: Annotated[int, msgspec.Meta(ge=2)]
    times_usual: Annotated[float, msgspec.Meta(gt=1, le=1000)]
    spared: list[Segment]


class TaskPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """See the comments of the file for each key."""

    create_from: Level
    expire_days: Positive
    seen_days: Positive
    contact: ContactPolicy
    dispositions: dict[Disposition, DispositionRule]
    groups: ReasonGroups
    visits: VisitPolicy
    win_back: WinBackPolicy
    crisis: CrisisPolicy

    def expires_ms(self, task: Task) -> int:
        """When this task closes unless somebody came to it; what was put aside is given its time."""
        return max(task.created_ms, task.not_before_ms or 0) + int(self.expire_days * DAY_MS)

    def makes_task(self, level: Level) -> bool:
        return LEVEL_RANK[level] >= LEVEL_RANK[self.create_from]

    def group(self, name: str) -> ReasonGroup:
        """The group of that name; a name no longer configured follows the last group's rules."""
        return next((group for group in self.groups.order if group.name == name), self.groups.order[-1])

    def group_of(self, signals: Sequence[SignalReport]) -> ReasonGroup:
        """The first configured group that a strong enough signal belongs to.

        Without a strong one the strongest decides; without any signal, or with an unknown one, it is the last group.
        """
        strong = [signal.name for signal in signals if signal.strength >= self.groups.strength_min]
        names = strong or [max(signals, key=lambda signal: signal.strength).name] if signals else []
        for group in self.groups.order:
            if any(name.startswith(beginning) for name in names for beginning in group.signals):
                return group
        return self.groups.order[-1]


def read_task_policy(path: Path = TASK_POLICY_FILE) -> TaskPolicy:
    """Read and check the policy.

    Raises:
        TaskPolicyError: the file cannot be read, or a key or value in it is wrong.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise TaskPolicyError(f"cannot read the task policy {path}: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise TaskPolicyError(f"{path} is not valid TOML: {error}") from None
    try:
        policy = msgspec.convert(values, TaskPolicy)
    except msgspec.ValidationError as error:
        raise TaskPolicyError(f"{path}: {error}") from None
    _check(policy, path)
    return policy


def _check(policy: TaskPolicy, path: Path) -> None:
    for region, code in policy.contact.calendars.items():
        try:
            holidays_of(code)
        except CalendarError as error:
            raise TaskPolicyError(f"{path}: contact.calendars.{region}: {error}") from None
    for disposition in Disposition:
        rule = policy.dispositions.get(disposition)
        if rule is None:
            raise TaskPolicyError(f"{path}: no rule [dispositions.{disposition}]")
        if (rule.result is None) == (rule.delay_hours is None or rule.attempts_max is None):
            raise TaskPolicyError(
                f"{path}: [dispositions.{disposition}] needs either `result` or both `delay_hours` and `attempts_max`"
            )
    missing = [purpose for purpose in PURPOSE_GROUPS if purpose not in {group.name for group in policy.groups.order}]
    if missing:
        raise TaskPolicyError(
            f"{path}: no group `{missing[0]}` in [[groups.order]]; tasks of that purpose need its rules"
        )
    causes = [cause for cause in get_args(VisitCause) if cause not in policy.visits.due_days]
    if causes:
        raise TaskPolicyError(f"{path}: [visits] due_days lacks `{causes[0]}`")
    names = [group.name for group in policy.groups.order]
    if len(set(names)) != len(names):
        raise TaskPolicyError(f"{path}: two groups have the same name; names are {', '.join(names)}")
