"""The signal policy of a country: rungs and clocks of its ladder, and what nobody may be judged by there."""

import msgspec

from alerts.law_pack import COUNTRIES_DIR, LawPack, read_law_pack
from pipeline.policy import SignalPolicy, policy_in_country


def policy_of_country(policy: SignalPolicy, country: str) -> SignalPolicy:
    """This policy as it holds in a country.

    Raises:
        PolicyError: there is no pack of it, or its ladder is wrong.
        LawPackError: its rules are wrong.
    """
    here = policy_in_country(policy, COUNTRIES_DIR, country)
    return msgspec.structs.replace(here, barred=barred_signals(read_law_pack(country)))


def barred_signals(law: LawPack) -> tuple[str, ...]:
    """Beginnings of the names of signals about usage that this pack bars, whoever agrees."""
    return tuple(signal for rule in law.rules if rule.is_left_out for signal in rule.signals)
