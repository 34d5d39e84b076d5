"""Everything that decides on tasks, read together: policy of tasks, law of the country, clocks, rules of signals."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from alerts.business_time import CalendarError
from alerts.capacity_policy import CapacityPolicy, CapacityPolicyError, read_capacity_policy
from alerts.clock_policy import ClockPolicyError, read_clock_policy
from alerts.clocks import Clocks
from alerts.law_pack import LawPack, LawPackError, read_law_pack
from alerts.playbooks.playbook import Playbooks
from alerts.playbooks.read import PlaybookError, read_playbooks
from alerts.policy import TaskPolicy, TaskPolicyError, read_task_policy
from alerts.value.policy import ValuePolicy, ValuePolicyError, read_value_policy
from pipeline.policy import PolicyError, SignalPolicy, read_policy
from pipeline.signals.registry import SOFT_SIGNAL_NAMES

SIGNAL_POLICY_FILE = Path(__file__).resolve().parent.parent / "config" / "policies" / "signals.toml"
DEFAULT_COUNTRY = "cn"
#: What may be wrong with the files; each message says what and where.
RULE_ERRORS = (
    TaskPolicyError,
    LawPackError,
    ClockPolicyError,
    CalendarError,
    ValuePolicyError,
    CapacityPolicyError,
    PolicyError,
    PlaybookError,
)


@dataclass(frozen=True, slots=True)
class Rules:
    tasks: TaskPolicy
    law: LawPack
    clocks: Clocks
    signals: SignalPolicy
    value: ValuePolicy
    capacity: CapacityPolicy
    playbooks: Playbooks
    holdout: Mapping[str, float] = field(default_factory=dict)


def read_rules(country: str = DEFAULT_COUNTRY, holidays: str = "", holdout: Mapping[str, float] | None = None) -> Rules:
    """The rules of an installation in this country.

    Args:
        country: which law pack, as "cn".
        holidays: calendar of working days; empty: the pack's.
        holdout: share of each segment's accounts that no warning makes a task for (models/holdout.py); None: nobody.

    Raises:
        one of `RULE_ERRORS`: a file is missing or wrong, or there is no such country or calendar.
    """
    law = read_law_pack(country)
    law = msgspec.structs.replace(law, holidays=holidays or law.holidays)
    tasks = read_task_policy()
    return Rules(
        tasks=tasks,
        law=law,
        clocks=Clocks(read_clock_policy(), law.holidays, law.timezone),
        signals=read_policy(SIGNAL_POLICY_FILE, SOFT_SIGNAL_NAMES).in_country(law.ladder),
        value=read_value_policy(),
        capacity=read_capacity_policy(),
        holdout=holdout or {},
        playbooks=read_playbooks([group.name for group in tasks.groups.order]),
    )
