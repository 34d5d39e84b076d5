"""Signals of a line's own usage: it falls, or stops."""

from collections.abc import Mapping

import numpy as np

from pipeline.features.facts import Facts, Floats
from pipeline.signals.base import SoftSignal, ratio, unit
from pipeline.state.catalogue import FAST, HALF_LIVES_DAYS, SLOW

MIN_AGE_DAYS = 14.0
MIN_SILENCE_AGE_DAYS = 7.0
#: Relative spread of a normal customer's few-day usage around its own mean, beyond Poisson noise.
OVERDISPERSION = 0.35
#: Daily probability that a customer quietly leaves, before anything is known of it: 2 % a month.
DROPOUT_PER_DAY = 0.02 / 30.0
#: Beta prior of the share of active days, for a line of which little is known.
PRIOR_ACTIVE, PRIOR_IDLE = 0.5, 0.5
LONGEST_GAP_DAYS = 60


def usage_drop(facts: Facts) -> Floats:
    """Share of usage gone, times how sure it is that this is no chance.

    A forward-decayed count with half-life h of events at the rate r has the mean r h / ln 2 and, for a Poisson process, the
    variance r h / (2 ln 2) (Campbell's theorem). The expected mean m comes from the slow rate; the spread adds
    `OVERDISPERSION` times m, as a Gamma-Poisson mixture does (Greenwood and Yule 1920). With z = (count - m) / spread the
    strength is (1 - count / m) (1 - 2 P(Z <= z)) for z < 0. From 3 calls to 1 that is little, from 300 to 100 it is much.
    """
    effective_days = HALF_LIVES_DAYS[FAST] / np.log(2.0)
    expected = facts.activity(SLOW) * effective_days
    seen = facts.activity(FAST) * effective_days
    spread = np.sqrt(expected / 2.0 + np.square(OVERDISPERSION * expected))
    z = ratio(seen - expected, spread)
    drop = 1.0 - ratio(seen, expected)
    surety = np.tanh(np.maximum(-z, 0.0) * 0.8)
    old_enough = (facts.age_days >= MIN_AGE_DAYS) & (expected > 0)
    return unit(np.where(old_enough, drop * surety, 0.0))


def _usage_drop_evidence(facts: Facts) -> Mapping[str, Floats]:
    now, before = facts.activity(FAST), facts.activity(SLOW)
    return {"rate_now_per_day": now, "rate_before_per_day": before, "drop_ratio": unit(1.0 - ratio(now, before))}


def silence(facts: Facts) -> Floats:
    """1 - P(alive): the line is silent for longer than its own rhythm explains.

    A day is an opportunity to be active, as in the beta-geometric/beta-Bernoulli model (Fader, Hardie, Shang 2010, eq. 5),
    with the dropout hazard d fixed. With a active days of the n watched before the gap, a living line stays silent for j days
    with S(j) = prod_{k<j} (b + k) / (a' + b + k), where a' = a + 1/2 and b = n - a + 1/2. After a gap of g days
    P(alive) = (1-d)^g S(g) / [(1-d)^g S(g) + sum_{j<g} d (1-d)^j S(j)].
    """
    gap = np.floor(np.where(np.isnan(facts.gap_days), 0.0, facts.gap_days)).astype(np.int64)
    active, idle = _rhythm_posterior(facts)
    alive = np.ones(len(gap))
    dead = np.zeros(len(gap))
    for day in range(min(int(gap.max(initial=0)), LONGEST_GAP_DAYS)):
        still = gap > day
        dead = np.where(still, dead + DROPOUT_PER_DAY * alive, dead)
        alive = np.where(still, alive * (1.0 - DROPOUT_PER_DAY) * (idle + day) / (active + idle + day), alive)
    known = (gap >= 1) & (facts.age_days >= MIN_SILENCE_AGE_DAYS)
    return unit(np.where(known, dead / (alive + dead), 0.0))


def _rhythm_posterior(facts: Facts) -> tuple[Floats, Floats]:
    """Beta parameters of the share of active days; after a month of silence the remembered share takes over."""
    forgotten = facts.watched_days < 1.0
    share = np.where(facts.active_share >= 0.0, facts.active_share, 0.0)
    weight = 14.0
    active = np.where(forgotten, share * weight, facts.active_days)
    watched = np.where(forgotten, weight, facts.watched_days)
    return active + PRIOR_ACTIVE, watched - active + PRIOR_IDLE


def _silence_evidence(facts: Facts) -> Mapping[str, Floats]:
    active, idle = _rhythm_posterior(facts)
    return {"days_silent": facts.gap_days, "usual_gap_days": (active + idle) / active, "p_alive": 1.0 - silence(facts)}


USAGE_DROP = SoftSignal("usage_drop", usage_drop, _usage_drop_evidence)
SILENCE = SoftSignal("silence", silence, _silence_evidence)
