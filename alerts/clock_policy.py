"""The rules of clocks as configured in `config/policies/clocks.toml`, checked when read."""

import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from alerts.policy import NonNegative, Positive, Window
from pipeline.events import Disposition, Level

CLOCK_POLICY_FILE = Path(__file__).resolve().parent.parent / "config" / "policies" / "clocks.toml"
STARS = 6

ByStar = Annotated[list[Positive], msgspec.Meta(min_length=STARS, max_length=STARS)]
Target = Literal["deputy", "supervisor"]


class ClockPolicyError(ValueError):
    """The policy file is missing or wrong; the message names file, key and what is allowed."""


class Hours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    hours: Window
    every_day: bool


class Pause(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    dispositions: list[Disposition]
    snoozed: bool


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    to: Target
    hours_overdue: NonNegative


class ClockPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """See the comments of the file for each key."""

    managers: Hours
    outbound: Hours
    due_hours: dict[Level, ByStar]
    pause: Pause
    escalation: list[Step]


def read_clock_policy(path: Path = CLOCK_POLICY_FILE) -> ClockPolicy:
    """Read and check the policy.

    Raises:
        ClockPolicyError: the file cannot be read, or a key or value in it is wrong.
    """
    try:
        policy = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), ClockPolicy)
    except OSError as error:
        raise ClockPolicyError(f"cannot read the policy of clocks {path}: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise ClockPolicyError(f"{path} is not valid TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise ClockPolicyError(f"{path}: {error}") from None
    missing = [level for level in Level if level not in policy.due_hours]
    if missing:
        raise ClockPolicyError(f"{path}: due_hours lacks `{missing[0]}`; it needs {', '.join(Level)}")
    late = [step.hours_overdue for step in policy.escalation]
    if late != sorted(late):
        raise ClockPolicyError(f"{path}: the steps of [[escalation]] must stand in order of `hours_overdue`")
    return policy
