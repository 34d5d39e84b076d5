"""Signals of a line's own usage: it falls, or stops."""

from collections.abc import Mapping

import numpy as np

from pipeline.features.facts import Facts, Floats
from pipeline.signals.alive import Histories, p_alive
from pipeline.signals.base import SoftSignal, ratio, unit
from pipeline.signals.chances import gamma_cdf
from pipeline.state.catalogue import FAST, HALF_LIVES_DAYS

MIN_AGE_DAYS = 14.0
MIN_SILENCE_AGE_DAYS = 7.0
#: How steady an ordinary customer is from week to week: its true rate spreads by 1 / sqrt(8) = 35 % around its own mean.
STEADINESS = 8.0
#: The line has fallen when its true rate is below this share of its usual one.
FALLEN = 0.6
#: A service that is less than this share of the line's usage counts for less: half of it, at half the share.
WEIGHTY_SHARE = 0.4
LONGEST_GAP_DAYS = 60.0
#: A record made abroad explains a drop fully for so long, and not at all after.
ROAMING_FRESH_DAYS, ROAMING_DAYS = 2.0, 5.0
MIN_SESSIONS_PER_DAY = 0.4
#: Own use must have stopped for so long before a line only takes calls.
MIN_OWN_GAP_DAYS = 3.0
#: A rhythm from before a silence that is longer than the ring of days counts as so many days.
REMEMBERED_DAYS = 14.0
#: Quantities of each service.
SERVICES: Mapping[str, tuple[str, ...]] = {
    "voice": ("voice_out", "voice_in"),
    "messages": ("messages",),
    "data": ("data_sessions",),
}
#: Records of one conversation, on average: a chat is many messages and one occasion.
BURSTS: Mapping[str, float] = {"voice": 1.5, "messages": 6.0, "data": 1.3}
#: A line whose daily counts vary more than this (over their mean) has longer conversations than others, in proportion.
ORDINARY_BURST = 3.0
_BURSTS = np.array([BURSTS[service] for service in SERVICES])[:, None]
#: What `fallen` would say of a line nobody has looked at.
_FALLEN_BEFORE = float(gamma_cdf(np.array([STEADINESS]), np.array([STEADINESS * FALLEN]))[0])


def fallen(seen: Floats, expected: Floats) -> Floats:
    """How sure it is that the true rate is below `FALLEN` of the usual one, beyond what one would think without looking.

    `seen` and `expected` are independent events. The true rate is the usual one times a factor, Gamma(a, a) with a =
    `STEADINESS`; counts given it are Poisson (Gamma-Poisson: Greenwood and Yule 1920). The factor's posterior is Gamma(a +
    seen, a + expected). With P its distribution function at `FALLEN` and P0 that of the prior: (P - P0) / (1 - P0), cut at 0.

    3 calls expected and 1 seen: P(Gamma(9) < 6.6) = 0.216, P0 = P(Gamma(8) < 4.8) = 0.113, strength 0.12. 300 and 100: 1.00.
    """
    after = gamma_cdf(STEADINESS + seen, FALLEN * (STEADINESS + expected))
    return unit((after - _FALLEN_BEFORE) / (1.0 - _FALLEN_BEFORE))


def usage_drop(facts: Facts) -> Floats:
    """The line is used much less than usual: 0 as usual or nobody could tell, 1 surely below 60 % of its usual rate.

    Judged over all services and for each one alone, the strongest counts (a service that is a small part of the usage counts
    for less, in proportion). A forward-decayed count with half-life h of events at the rate r has the mean r h / ln 2 and, for
    single events, the variance of half of that (Campbell's theorem): it is worth two independent counts of its size. Records
    come in conversations: divided by their usual length by service, more for a line whose own daily counts vary more. The
    usual rate is the line's slow rate times the crowd's change, so that a holiday or an outage is no drop; a line that is
    abroad (`roaming_away`) is excused. See `fallen` for the strength.
    """
    old_enough = facts.age_days >= MIN_AGE_DAYS
    drop = _drops(facts).max(axis=0) * (1.0 - roaming_away(facts))
    return unit(np.where(old_enough, drop, 0.0))


def _drops(facts: Facts) -> Floats:
    """Strength of the drop of all services together, and of each of them, shape (1 + n_services, n)."""
    weight = _events_per_rate(facts)
    now, usual = (
        np.array([_rate(facts, names, usual=usual) for names in SERVICES.values()]) * weight / _BURSTS
        for usual in (False, True)
    )
    total = usual.sum(axis=0)
    drops = fallen(np.vstack([now.sum(axis=0), now]), np.vstack([total, usual]))
    drops[1:] *= np.minimum(ratio(usual, np.broadcast_to(total, usual.shape)) / WEIGHTY_SHARE, 1.0)
    return drops


def _occasions(facts: Facts, service: str, *, usual: bool = False) -> Floats:
    """Independent occasions of a service in the last days, or usually in as many."""
    return _rate(facts, SERVICES[service], usual=usual) * _events_per_rate(facts) / BURSTS[service]


def _rate(facts: Facts, quantities: tuple[str, ...], *, usual: bool = False) -> Floats:
    first, *others = (facts.usual(name) if usual else facts.rate(name, FAST) for name in quantities)
    total: Floats = first.copy()
    for rate in others:
        total += rate
    return total


def _events_per_rate(facts: Facts) -> Floats:
    """Independent events that a fast rate of one a day stands for, if they came one by one."""
    burst = np.ones(len(facts.rows)) if facts.burst is None else facts.burst
    result: Floats = 2.0 * (HALF_LIVES_DAYS[FAST] / np.log(2.0)) / np.maximum(burst / ORDINARY_BURST, 1.0)
    return result


def _usage_drop_evidence(facts: Facts) -> Mapping[str, Floats]:
    rates = {service: (_rate(facts, names), _rate(facts, names, usual=True)) for service, names in SERVICES.items()}
    now, before = (np.sum([pair[place] for pair in rates.values()], axis=0) for place in (0, 1))
    evidence = {"rate_now_per_day": now, "rate_before_per_day": before, "drop_ratio": unit(1.0 - ratio(now, before))}
    for service, (recent, usual) in rates.items():
        evidence[f"{service}_drop_ratio"] = np.where(usual > 0, unit(1.0 - ratio(recent, usual)), 0.0)
    return evidence


def silence(facts: Facts) -> Floats:
    """1 - P(alive): the line is silent for longer than its own rhythm explains (beta-geometric/beta-Bernoulli, alive.py).

    A day is a chance to be active; a day on which the crowd rests is less of one. Counted are the active days among those
    watched before the gap, with the habits of the crowd as the prior. 0 before a whole day of silence.
    """
    gap = np.where(np.isnan(facts.gap_days), 0.0, facts.gap_days if facts.gap_chances is None else facts.gap_chances)
    chances = np.floor(np.minimum(gap + 1e-9, LONGEST_GAP_DAYS)).astype(np.int64)
    known = (chances >= 1) & (facts.age_days >= MIN_SILENCE_AGE_DAYS)
    active, watched = _watched_rhythm(facts)
    result = np.zeros(len(facts.rows))
    lines = Histories(active[known], watched[known], chances[known])
    result[known] = 1.0 - p_alive(lines, facts.habits)
    return unit(result * (1.0 - roaming_away(facts)))


def roaming_away(facts: Facts) -> Floats:
    """The line is abroad: 1 within two days of a record made while roaming, 0 after `ROAMING_DAYS`. Benign: explains a drop."""
    days = facts.days_since(facts.roaming_days)
    return unit(1.0 - (days - ROAMING_FRESH_DAYS) / (ROAMING_DAYS - ROAMING_FRESH_DAYS))


def _roaming_evidence(facts: Facts) -> Mapping[str, Floats]:
    return {"days_since": np.minimum(facts.days_since(facts.roaming_days), ROAMING_DAYS)}


def _watched_rhythm(facts: Facts) -> tuple[Floats, Floats]:
    """Active days and watched days; after a month of silence the remembered share takes over."""
    forgotten = facts.watched_days < 1.0
    share = np.maximum(facts.active_share, 0.0)
    active = np.where(forgotten, share * REMEMBERED_DAYS, facts.active_days)
    return active, np.where(forgotten, REMEMBERED_DAYS, facts.watched_days)


def _silence_evidence(facts: Facts) -> Mapping[str, Floats]:
    active, watched = _watched_rhythm(facts)
    usual_gap = (watched + 1.0) / (active + 0.5)
    return {"days_silent": facts.gap_days, "usual_gap_days": usual_gap, "p_alive": 1.0 - silence(facts)}


def incoming_only(facts: Facts) -> Floats:
    """The line is still called and calls nobody any more: the owner answers, and calls from elsewhere.

    Its own acts (calls, messages and sessions it begins) stopped for `own_gap_days` while others still reach it. Strength is
    that of `fallen` for outgoing calls against what they usually are, given that incoming calls have not fallen: times
    1 - their own strength. Checked benign explanations: the crowd's change, and a line that never called much.
    """
    weight = _events_per_rate(facts) / BURSTS["voice"]
    out = fallen(facts.rate("voice_out", FAST) * weight, facts.usual("voice_out") * weight)
    incoming = fallen(facts.rate("voice_in", FAST) * weight, facts.usual("voice_in") * weight)
    still_called = facts.rate("voice_in", FAST) > 0
    silent_own = np.nan_to_num(facts.own_gap_days, nan=0.0) >= MIN_OWN_GAP_DAYS
    says = (facts.age_days >= MIN_AGE_DAYS) & still_called & silent_own
    return unit(np.where(says, out * (1.0 - incoming), 0.0))


def _incoming_only_evidence(facts: Facts) -> Mapping[str, Floats]:
    return {
        "days_without_own_use": np.nan_to_num(facts.own_gap_days, nan=0.0),
        "incoming_per_day": facts.rate("voice_in", FAST),
        "outgoing_before_per_day": facts.usual("voice_out"),
    }


def data_moved(facts: Facts) -> Floats:
    """Mobile data is gone and calls are not: a second SIM in the phone carries the data now.

    `fallen` of data sessions, times 1 - `fallen` of calls. Nothing is said below `MIN_SESSIONS_PER_DAY` usual sessions or
    without a call of late. Checked benign explanations: the crowd's change of data (a fault of the data network), abroad.
    """
    data = fallen(_occasions(facts, "data"), _occasions(facts, "data", usual=True))
    stays = 1.0 - fallen(_occasions(facts, "voice"), _occasions(facts, "voice", usual=True))
    says = (facts.age_days >= MIN_AGE_DAYS) & (facts.usual("data_sessions") >= MIN_SESSIONS_PER_DAY)
    says &= _rate(facts, SERVICES["voice"]) > 0
    return unit(np.where(says, data * stays * (1.0 - roaming_away(facts)), 0.0))


def _data_moved_evidence(facts: Facts) -> Mapping[str, Floats]:
    return {
        "sessions_now_per_day": facts.rate("data_sessions", FAST),
        "sessions_before_per_day": facts.usual("data_sessions"),
        "calls_now_per_day": _rate(facts, SERVICES["voice"]),
    }


USAGE_DROP = SoftSignal("usage_drop", usage_drop, _usage_drop_evidence, held_with="cdr")
SILENCE = SoftSignal("silence", silence, _silence_evidence, held_with="cdr")
INCOMING_ONLY = SoftSignal("incoming_only", incoming_only, _incoming_only_evidence, held_with="cdr")
ROAMING_AWAY = SoftSignal("roaming_away", roaming_away, _roaming_evidence, benign=True)
DATA_MOVED = SoftSignal("data_moved", data_moved, _data_moved_evidence, held_with="cdr")
