"""The rules of capacity as configured in `config/policies/capacity.toml`, checked when read."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, get_args

import msgspec

from alerts.policy import NonNegative, Positive
from alerts.tasks import OUTBOUND
from pipeline.events import Level, Segment

CAPACITY_POLICY_FILE = Path(__file__).resolve().parent.parent / "config" / "policies" / "capacity.toml"

Share = Annotated[float, msgspec.Meta(gt=0, lt=1)]
Factor = Annotated[float, msgspec.Meta(ge=0, le=1)]
Contacts = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
Star = Annotated[int, msgspec.Meta(ge=0, le=5)]
ByHour = Annotated[list[Share], msgspec.Meta(min_length=24, max_length=24)]
Absence = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}(/\d{4}-\d{2}-\d{2})?$")]


class CapacityPolicyError(ValueError):
    """The policy file is missing or wrong; the message names file, key and what is allowed."""


class Channel(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    contacts_per_day: Contacts
    contacts_per_hour: Annotated[int, msgspec.Meta(ge=1)]
    minutes_per_contact: Positive
    cost: NonNegative


class PlanRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    share: Annotated[float, msgspec.Meta(gt=0, le=1)]
    promised_stars: list[Star]
    promised_level: Level


class Deputy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    save_factor: Factor


class Team(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    save_factor: Factor
    segments: list[Segment]
    stars_max: Star


class ReachPriors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    manager: ByHour
    outbound: ByHour


class SavePriors(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    default: Share
    by_group: dict[str, dict[str, Share]] = {}


class CapacityPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """See the comments of the file for each key."""

    interval: Share
    margin_months: Positive
    prior_weight: Positive
    margin_per_month_default: dict[Segment, NonNegative]
    manager: Channel
    outbound: Channel
    plan: PlanRules
    deputy: Deputy
    team: Team
    reach: ReachPriors
    save: SavePriors
    people: dict[str, Contacts] = {}
    away: dict[str, Absence] = {}

    def channel(self, owner: str) -> Channel:
        return self.outbound if owner == OUTBOUND else self.manager

    def contacts_per_day(self, owner: str) -> int:
        """How many contacts this owner can make a day."""
        return self.people.get(owner, self.channel(owner).contacts_per_day)

    def is_away(self, owner: str, day: str) -> bool:
        """Whether somebody is away on that day ("2026-03-03")."""
        first, _, last = self.away.get(owner, "").partition("/")
        return bool(first) and first <= day and (not last or day <= last)

    def margin_default(self, segment: str) -> float:
        """What a customer of this segment is taken to leave a month, while its bills do not say."""
        return next((margin for name, margin in self.margin_per_month_default.items() if name == segment), 0.0)

    def save_prior(self, group: str, segment: str) -> float:
        """Mean of the belief before any disposition."""
        by_segment = self.save.by_group.get(group, {})
        return by_segment.get(segment, by_segment.get("default", self.save.default))


def read_capacity_policy(path: Path = CAPACITY_POLICY_FILE) -> CapacityPolicy:
    """Read and check the policy.

    Raises:
        CapacityPolicyError: the file cannot be read, or a key or value in it is wrong.
    """
    try:
        policy = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), CapacityPolicy)
    except OSError as error:
        raise CapacityPolicyError(f"cannot read the policy of capacity {path}: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise CapacityPolicyError(f"{path} is not valid TOML: {error}") from None
    except msgspec.ValidationError as error:
        raise CapacityPolicyError(f"{path}: {error}") from None
    for fault in _faults(policy):
        raise CapacityPolicyError(f"{path}: {fault}")
    return policy


def _faults(policy: CapacityPolicy) -> list[str]:
    faults = []
    for name, absence in policy.away.items():
        try:
            days = [date.fromisoformat(day) for day in absence.split("/")]
        except ValueError:
            faults.append(f"away.{name}: there is no such day as in {absence!r}")
            continue
        if days != sorted(days):
            faults.append(f"away.{name}: the last day lies before the first in {absence!r}")
    segments = get_args(Segment)
    faults += [
        f"margin_per_month_default lacks `{name}`"
        for name in ("key_account", "business", "public")
        if name not in policy.margin_per_month_default
    ]
    allowed = {"default", *segments}
    faults += [
        f"save.by_group.{group} names `{name}`; allowed are {', '.join(sorted(allowed))}"
        for group, by_segment in policy.save.by_group.items()
        for name in by_segment
        if name not in allowed
    ]
    return faults
