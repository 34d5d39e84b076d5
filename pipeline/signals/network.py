"""Signals of where the calls go: to rivals, to their hotlines."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pipeline.features.facts import Facts, Floats, Rows
from pipeline.signals.base import SoftSignal, ratio, unit
from pipeline.signals.chances import normal_cdf
from pipeline.state.catalogue import FAST, HALF_LIVES_DAYS, MIDDLE, NEVER, QUANTITY_INDEX, SLOW
from pipeline.state.decay import effective_days
from pipeline.state.table import ColumnTable

MIN_AGE_DAYS = 14.0
#: Outgoing events that a line's usual off-net share counts for when a few recent ones are judged.
SHARE_PRIOR_EVENTS = 8.0
SHIFT_NOISE, SHIFT_FULL = 0.08, 0.45
FORWARD_HALF_DAYS = 14.0
#: What is talk with people: the rest has no other side.
TALK = ("voice_out", "voice_in", "messages")
#: Records of one conversation, on average; and talk a day beside which shares are told.
TALK_BURST, LEAST_TALK = 3.0, 0.05
#: A rise of one rival's share by less is chance; the usual share counts as so many occasions of the last weeks.
CIRCLE_RISE, CIRCLE_PRIOR, LEAST_VARIANCE = 0.10, 6.0, 0.01
#: Place of the sum from which `hotline_calls` comes.
HOTLINE_SUM = QUANTITY_INDEX["hotline"] * len(HALF_LIVES_DAYS) + MIDDLE


def off_net_shares(facts: Facts) -> tuple[Floats, Floats]:
    """Share of outgoing calls and messages that go to rivals, over the last days and usually.

    The recent share is shrunk towards the usual one with the weight of `SHARE_PRIOR_EVENTS` events.
    """
    rival_now, rival_before = facts.fast_and_slow("to_rival")
    own_now, own_before = facts.fast_and_slow("to_own_network")
    usual = ratio(rival_before, rival_before + own_before)
    days = HALF_LIVES_DAYS[FAST] / np.log(2.0)
    events = (rival_now + own_now) * days
    recent = (rival_now * days + SHARE_PRIOR_EVENTS * usual) / (events + SHARE_PRIOR_EVENTS)
    return recent, usual


def off_net_shift(facts: Facts) -> Floats:
    """How far the off-net share rose: 0 at a rise of 0.08 (noise), 1 at 0.45."""
    recent, usual = off_net_shares(facts)
    old_enough = facts.age_days >= MIN_AGE_DAYS
    return unit(np.where(old_enough, (recent - usual - SHIFT_NOISE) / (SHIFT_FULL - SHIFT_NOISE), 0.0))


def _off_net_evidence(facts: Facts) -> Mapping[str, Floats]:
    recent, usual = off_net_shares(facts)
    return {"off_net_ratio_7d": recent, "off_net_ratio_before": usual}


def one_rivals_shares(facts: Facts) -> tuple[Floats, Floats, Floats]:
    """Share of calls and messages with the customers of the rival whose share rose most, lately and usually, and how many
    occasions the recent one rests on.
    """
    if facts.rivals is None:
        nothing = np.zeros(len(facts.rows))
        return nothing, nothing, nothing
    lately, usual = (np.sum([facts.rate(name, at) for name in TALK], axis=0) for at in (MIDDLE, SLOW))
    shares = np.divide(facts.rivals, np.stack([lately, usual], axis=1)[:, None, :] + LEAST_TALK)
    most = np.argmax(shares[:, :, 0] - shares[:, :, 1], axis=1)
    chosen = np.minimum(shares[np.arange(len(most)), most], 1.0)
    return chosen[:, 0], chosen[:, 1], lately * (HALF_LIVES_DAYS[MIDDLE] / np.log(2.0)) / TALK_BURST


def circle_move(facts: Facts) -> Floats:
    """Its frequent contacts are now on one rival: how sure it is that this rival's share of its calls and messages, both
    directions, rose by more than 0.10 over the last weeks.

    Beta-binomial: the true share is Beta around the usual one with the weight of `CIRCLE_PRIOR` occasions, what is seen are
    occasions (conversations of `TALK_BURST` records); 1 - P(share < usual + 0.10), normal approximation, beyond what one would
    think without looking. Told apart from `off_net_shift`, which adds all rivals up: contacts that follow each other go to one.
    """
    recent, usual, occasions = one_rivals_shares(facts)
    weight = CIRCLE_PRIOR + occasions
    mean = (CIRCLE_PRIOR * usual + occasions * recent) / weight
    before = _surely_above(usual, usual, np.full(len(usual), CIRCLE_PRIOR))
    rose = (_surely_above(mean, usual, weight) - before) / (1.0 - before)
    return unit(np.where(facts.age_days >= MIN_AGE_DAYS, rose, 0.0))


def _surely_above(mean: Floats, usual: Floats, weight: Floats) -> Floats:
    """Probability that a share of this mean, known as from so many occasions, lies above the usual one by `CIRCLE_RISE`."""
    spread = np.sqrt(np.maximum(mean * (1.0 - mean), LEAST_VARIANCE) / (weight + 1.0))
    return normal_cdf((mean - usual - CIRCLE_RISE) / spread)


def _circle_evidence(facts: Facts) -> Mapping[str, Floats]:
    recent, usual, _ = one_rivals_shares(facts)
    return {"one_rival_ratio_now": recent, "one_rival_ratio_before": usual}


def hotline_calls(facts: Facts) -> Floats:
    """Decayed number of calls to rivals' hotlines, half-life 14 days."""
    calls: Floats = facts.rate("hotline", MIDDLE) * effective_days(facts.age_days)[:, MIDDLE]
    return calls


def competitor_hotline(facts: Facts) -> Floats:
    """1 - exp(-calls): one fresh call 0.63, two 0.86; halves its count every 14 days."""
    return unit(1.0 - np.exp(-hotline_calls(facts)))


def _called_hotline(lines: ColumnTable, rows: Rows) -> NDArray[np.bool_]:
    result: NDArray[np.bool_] = lines["sums"][rows, HOTLINE_SUM] != 0.0
    return result


def _hotline_evidence(facts: Facts) -> Mapping[str, Floats]:
    return {"calls_28d": hotline_calls(facts)}


def forward_off_net(facts: Facts) -> Floats:
    """Calls are forwarded to a rival's network, or forwarding there was set: the customer answers on another phone.

    1 at the time of it, halved every `FORWARD_HALF_DAYS`. The only benign explanation, a phone that was always forwarded, shows
    as usage that does not fall; the prior combines both.
    """
    return unit(np.exp2(-facts.days_since(facts.forwarded_days) / FORWARD_HALF_DAYS))


def _has_forwarded(lines: ColumnTable, rows: Rows) -> NDArray[np.bool_]:
    result: NDArray[np.bool_] = lines["forwarded_ms"][rows] != NEVER
    return result


def _forward_evidence(facts: Facts) -> Mapping[str, Floats]:
    return {"days_since": np.minimum(facts.days_since(facts.forwarded_days), 365.0)}


OFF_NET_SHIFT = SoftSignal("off_net_shift", off_net_shift, _off_net_evidence)
CIRCLE_MOVE = SoftSignal("circle_move", circle_move, _circle_evidence)
COMPETITOR_HOTLINE = SoftSignal("competitor_hotline", competitor_hotline, _hotline_evidence, _called_hotline)
FORWARD_OFF_NET = SoftSignal("forward_off_net", forward_off_net, _forward_evidence, _has_forwarded)
