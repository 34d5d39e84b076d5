"""Everything that decides on tasks, read together: policy of tasks, law of the country, clocks, rules of signals."""

from dataclasses import dataclass
from pathlib import Path

from alerts.business_time import CalendarError
from alerts.clock_policy import ClockPolicyError, read_clock_policy
from alerts.clocks import Clocks
from alerts.law_pack import LawPack, LawPackError, read_law_pack
from alerts.policy import TaskPolicy, TaskPolicyError, read_task_policy
from alerts.value.policy import ValuePolicy, ValuePolicyError, read_value_policy
from pipeline.policy import PolicyError, SignalPolicy, read_policy
from pipeline.signals.registry import SOFT_SIGNAL_NAMES

SIGNAL_POLICY_FILE = Path(__file__).resolve().parent.parent / "config" / "policies" / "signals.toml"
DEFAULT_COUNTRY = "cn"
#: What may be wrong with the files; each message says what and where.
RULE_ERRORS = (TaskPolicyError, LawPackError, ClockPolicyError, CalendarError, ValuePolicyError, PolicyError)


@dataclass(frozen=True, slots=True)
class Rules:
    tasks: TaskPolicy
    law: LawPack
    clocks: Clocks
    signals: SignalPolicy
    value: ValuePolicy


def read_rules(country: str = DEFAULT_COUNTRY, holidays: str = "") -> Rules:
    """The rules of an installation in this country.

    Args:
        country: which law pack, as "cn".
        holidays: calendar of working days; empty: the pack's.

    Raises:
        one of `RULE_ERRORS`: a file is missing or wrong, or there is no such country or calendar.
    """
    law = read_law_pack(country)
    return Rules(
        tasks=read_task_policy(),
        law=law,
        clocks=Clocks(read_clock_policy(), holidays or law.holidays, law.timezone),
        signals=read_policy(SIGNAL_POLICY_FILE, SOFT_SIGNAL_NAMES),
        value=read_value_policy(),
    )
