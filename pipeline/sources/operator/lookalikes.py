"""Stayers who look like leavers: travel, a quiet season, a smaller plan, a SIM moved, one curious call, one bad day."""

from collections.abc import Callable

import numpy as np

from pipeline.events import BillingKind, CareKind, OrderKind, Origin, Stream
from pipeline.sources.operator.agenda import Episode
from pipeline.sources.operator.circles import FIRST_RIVAL, RIVALS
from pipeline.sources.operator.clock import DAY_MS
from pipeline.sources.operator.population import KEY, PUBLIC
from pipeline.sources.operator.scripts import FOREVER_DAYS, Stage

Script = Callable[[np.random.Generator, Stage, int, int], bool]


def travel(rng: np.random.Generator, stage: Stage, line: int, day: int) -> bool:
    """A holiday: some roam, some switch the phone off."""
    roams = rng.random() < 0.5
    stage.state.begin(
        line, day, ramp=0.5, floor=rng.uniform(0.2, 0.6) if roams else 0.02, days=rng.uniform(4, 16), recover=1
    )
    stage.state.abroad[line] = roams
    return True


def quiet_season(rng: np.random.Generator, stage: Stage, line: int, day: int) -> bool:
    """A business out of season, a student before exams: it fades like a leaver and comes back."""
    stage.state.begin(
        line, day, ramp=rng.uniform(3, 20), floor=rng.uniform(0.1, 0.5), days=rng.uniform(20, 50), recover=10
    )
    return True


def smaller_plan(rng: np.random.Generator, stage: Stage, line: int, day: int) -> bool:
    """A downgrade that stays: less is spent for ever, nobody leaves."""
    account = int(stage.population.account_of[line])
    if stage.population.prepaid[account]:
        return False
    at = stage.daytime(rng, day)
    stage.agenda.add(Stream.ORDERS, at, account, line, kind=OrderKind.DOWNGRADE, origin=Origin.CUSTOMER_TO_US)
    stage.agenda.add(Stream.BILLING, at, account, line, kind=BillingKind.PLAN_CHANGE, amount=0.0, plan_id="small")
    stage.state.level[line] *= rng.uniform(0.4, 0.8)
    stage.population.fee[line] = stage.population.fee[line] // 2
    return True


def sim_moved(_rng: np.random.Generator, stage: Stage, line: int, day: int) -> bool:
    """One line falls silent, another one of the account takes over."""
    account = int(stage.population.account_of[line])
    first, stop = (int(i) for i in stage.population.first_line[account : account + 2])
    if stop - first < 2:
        return False
    other = first + (line - first + 1) % (stop - first)
    if stage.state.decided[other]:
        return False
    moved = stage.population.rate_per_day[line] * stage.state.level[line]
    stage.state.begin(line, day, ramp=0.5, floor=0.03, days=FOREVER_DAYS)
    stage.state.level[other] += moved / stage.population.rate_per_day[other]
    return True


def curious_call(rng: np.random.Generator, stage: Stage, line: int, day: int) -> bool:
    """One call to a rival; some even ask whether they could port, and let it be."""
    rival = FIRST_RIVAL + int(rng.integers(RIVALS))
    stage.agenda.call(stage.daytime(rng, day), line, rival)
    account = int(stage.population.account_of[line])
    if rng.random() < 0.2:
        at = stage.daytime(rng, day + 1)
        stage.agenda.add(Stream.CARE, at, account, line, kind=CareKind.PRICE_INQUIRY, severity=2, channel="hotline")
    if rng.random() < 0.1 and stage.config.country == "CN":
        at = stage.daytime(rng, day + rng.uniform(1, 4))
        stage.agenda.add(
            Stream.ORDERS, at, account, line, kind=OrderKind.PORT_ELIGIBILITY_QUERY, origin=Origin.CUSTOMER_TO_US
        )
    return True


def angry_and_loyal(rng: np.random.Generator, stage: Stage, line: int, day: int) -> bool:
    """Complaints that were only complaints; of key accounts a manager's crisis report."""
    account = int(stage.population.account_of[line])
    at = stage.daytime(rng, day)
    stage.agenda.add(
        Stream.CARE, at, account, line, kind=CareKind.COMPLAINT, severity=int(rng.integers(2, 6)), channel="hotline"
    )
    if stage.population.segment[account] == KEY and rng.random() < 0.3:
        stage.agenda.add(Stream.CARE, at + DAY_MS, account, kind=CareKind.CRISIS_REPORT, severity=3, channel="manager")
    return True


def new_friends(rng: np.random.Generator, stage: Stage, line: int, day: int) -> bool:
    """A new colleague or partner on another network: calls shift there, nothing else."""
    rival = FIRST_RIVAL + int(rng.integers(RIVALS))
    stage.state.begin(
        line, day, ramp=8, floor=0.95, days=rng.uniform(20, 60), recover=10, shift=rng.uniform(0.2, 0.5), rival=rival
    )
    return True


KINDS: dict[str, tuple[float, Script]] = {
    "travel": (0.24, travel),
    "quiet_season": (0.22, quiet_season),
    "smaller_plan": (0.12, smaller_plan),
    "sim_moved": (0.08, sim_moved),
    "curious_call": (0.16, curious_call),
    "angry_and_loyal": (0.08, angry_and_loyal),
    "new_friends": (0.10, new_friends),
}


def befall(rng: np.random.Generator, stage: Stage, line: int, day: int) -> None:
    """Something that looks like churn happens to a stayer; where a kind does not fit the line, another one is drawn."""
    names = list(KINDS)
    weights = np.array([KINDS[name][0] for name in names])
    business = stage.population.line_segment[line] != PUBLIC
    weights[names.index("quiet_season")] *= 2 if business else 1
    for _ in range(8):
        name = names[int(rng.choice(len(names), p=weights / weights.sum()))]
        if KINDS[name][1](rng, stage, line, day):
            stage.episodes.append(Episode(line, day, name, decides=False, leaves=False, trace="full"))
            return
