"""What a line does from its decision to its departure: fading, calls to rivals, complaints, the port ladder."""

from dataclasses import dataclass

import numpy as np

from pipeline.events import BillingKind, CareKind, ChurnKind, OrderKind, Origin, Stream
from pipeline.sources.operator.agenda import Agenda, Departure, Episode
from pipeline.sources.operator.causes import CAUSES, FOLLOW_SHARE, KEY_CAUSE, LIFE_CAUSE, Cause, lead_days
from pipeline.sources.operator.circles import FIRST_RIVAL, RIVALS
from pipeline.sources.operator.clock import DAY_MS, HOUR_MS, day_of, day_start_ms
from pipeline.sources.operator.config import OperatorConfig
from pipeline.sources.operator.ladder import port_steps, shortest_port_ms
from pipeline.sources.operator.life import LineState
from pipeline.sources.operator.population import BUSINESS, KEY, NO_CONTRACT, PUBLIC, Population

FOREVER_DAYS = 10_000
PILOT_SHARE = 0.15
RECONNECT_SHARE = 0.03
CALLING_HOURS = {"CN": (1, 12), "UK": (9, 20), "IN": (4, 14)}  # UTC


@dataclass(slots=True)
class Stage:
    """Everything a script writes to."""

    config: OperatorConfig
    population: Population
    state: LineState
    agenda: Agenda
    episodes: list[Episode]

    def daytime(self, rng: np.random.Generator, day: float) -> int:
        """A moment in waking hours of this day."""
        low, high = CALLING_HOURS[self.config.country]
        return day_start_ms(int(np.floor(day))) + round(rng.uniform(low, high) * HOUR_MS)


def decide(rng: np.random.Generator, stage: Stage, line: int, cause: int, day: int) -> None:
    """A line decides to leave; others of its account may follow, of a key account nearly all do, pilots first."""
    lead = lead_days(rng, CAUSES[cause])
    account = int(stage.population.account_of[line])
    first, stop = (int(i) for i in stage.population.first_line[account : account + 2])
    others = [
        i
        for i in range(first, stop)
        if i != line and not stage.state.decided[i] and stage.state.left_ms[i] > day_start_ms(day)
    ]
    won_back = bool(rng.random() < stage.config.churn.won_back_share)
    script_line(rng, stage, line, cause, day, lead, won_back=won_back)
    for other in others:
        if cause == KEY_CAUSE:
            pilot = rng.random() < PILOT_SHARE
            script_line(
                rng,
                stage,
                other,
                cause,
                day,
                lead * rng.uniform(0.3, 0.6) if pilot else lead * rng.uniform(0.9, 1.4),
                won_back=won_back and not pilot,
            )
        elif rng.random() < FOLLOW_SHARE:
            script_line(rng, stage, other, cause, day, lead * rng.uniform(0.9, 1.2) + 0.3, won_back=won_back)


def script_line(
    rng: np.random.Generator, stage: Stage, line: int, cause: int, day: int, lead: float, *, won_back: bool
) -> None:
    """Plan all of one line: traces, fading, and the departure or the change of mind."""
    state, what = stage.state, CAUSES[cause]
    decided_ms = stage.daytime(rng, day)
    leave_ms = max(stage.daytime(rng, day + lead), decided_ms + shortest_port_ms(stage.config.country) + HOUR_MS)
    trace = "none" if cause == LIFE_CAUSE else "fade" if rng.random() < what.quiet else "full"
    rival = FIRST_RIVAL + int(rng.integers(RIVALS))
    stop_ms = decided_ms + round((leave_ms - decided_ms) * rng.uniform(0.5, 0.95)) if won_back else leave_ms
    state.decided[line], state.cause[line], state.decided_day[line] = True, cause, day
    if trace != "none":
        days = (stop_ms - decided_ms) / DAY_MS if won_back else FOREVER_DAYS
        state.begin(
            line,
            day,
            ramp=lead * 0.75,
            floor=rng.uniform(*what.floor),
            days=days,
            recover=6,
            shift=what.shift,
            rival=rival,
        )
    if trace == "full":
        _traces(rng, stage, line, what, (decided_ms, stop_ms), rival)
    if won_back:
        _change_of_mind(rng, stage, line, stop_ms, asked=trace == "full")
    else:
        _departure(rng, stage, line, cause, (decided_ms, leave_ms), rival, trace)
    stage.episodes.append(Episode(line, day, what.name, decides=True, leaves=not won_back, trace=trace))


def _traces(rng: np.random.Generator, stage: Stage, line: int, what: Cause, span: tuple[int, int], rival: int) -> None:
    account = int(stage.population.account_of[line])
    agenda, segment = stage.agenda, stage.population.segment[account]

    def moment() -> int:
        return stage.daytime(rng, day_of(span[0]) + rng.uniform(0, 0.9) * (span[1] - span[0]) / DAY_MS)

    for _ in range(rng.poisson(what.hotline_calls)):
        agenda.call(moment(), line, rival)
    if rng.random() < what.forwarding:
        agenda.call(moment(), line, rival, forward=True)
    if rng.random() < what.price_inquiry:
        agenda.add(Stream.CARE, moment(), account, line, kind=CareKind.PRICE_INQUIRY, severity=2, channel="hotline")
    if rng.random() < what.complaint:
        for _ in range(1 + rng.poisson(0.5)):
            agenda.add(
                Stream.CARE,
                moment(),
                account,
                line,
                kind=CareKind.COMPLAINT,
                severity=int(rng.integers(3, 6)),
                channel="hotline",
            )
    if rng.random() < what.rival_contact:
        kind = CareKind.CRISIS_REPORT if segment != PUBLIC and rng.random() < 0.6 else CareKind.COMPETITOR_CONTACT
        channel = "manager" if segment != PUBLIC else "survey"
        agenda.add(Stream.CARE, moment(), account, line, kind=kind, severity=int(rng.integers(3, 6)), channel=channel)
    if rng.random() < what.downgrade:
        at = moment()
        agenda.add(Stream.ORDERS, at, account, line, kind=OrderKind.DOWNGRADE, origin=Origin.CUSTOMER_TO_US)
        agenda.add(Stream.BILLING, at, account, line, kind=BillingKind.PLAN_CHANGE, amount=0.0, plan_id="small")
        stage.population.fee[line] //= 2
    if rng.random() < what.device_unlock:
        agenda.add(Stream.ORDERS, moment(), account, line, kind=OrderKind.DEVICE_UNLOCK, origin=Origin.CUSTOMER_TO_US)


def _change_of_mind(rng: np.random.Generator, stage: Stage, line: int, stop_ms: int, *, asked: bool) -> None:
    """Nobody called them: some had asked to end the contract and cancel it, some renew, most just stay."""
    account = int(stage.population.account_of[line])
    chance = rng.random()
    if asked and chance < 0.2:
        stage.agenda.add(
            Stream.ORDERS,
            stop_ms - round(rng.uniform(0.5, 3) * DAY_MS),
            account,
            line,
            kind=OrderKind.TERMINATION,
            origin=Origin.CUSTOMER_TO_US,
        )
        stage.agenda.add(
            Stream.ORDERS, stop_ms, account, line, kind=OrderKind.TERMINATION_CANCELLED, origin=Origin.CUSTOMER_TO_US
        )
    elif asked and chance < 0.4:
        stage.agenda.add(Stream.ORDERS, stop_ms, account, line, kind=OrderKind.RENEWAL, origin=Origin.CUSTOMER_TO_US)
    stage.agenda.releases[day_of(stop_ms) + 8].append(line)


def _departure(
    rng: np.random.Generator, stage: Stage, line: int, cause: int, span: tuple[int, int], rival: int, trace: str
) -> None:
    account = int(stage.population.account_of[line])
    decided_ms, leave_ms = span
    kind = _way_out(rng, stage, account, trace)
    network = rival if kind is ChurnKind.PORT_OUT else 0
    stage.state.leave(line, leave_ms, network)
    if kind is ChurnKind.PORT_OUT:
        _port(rng, stage, line, CAUSES[cause], span, trace)
    elif kind is ChurnKind.TERMINATION:
        if trace == "full":
            asked = max(leave_ms - round(rng.uniform(0.5, 9) * DAY_MS), decided_ms)
            stage.agenda.add(
                Stream.ORDERS, asked, account, line, kind=OrderKind.TERMINATION, origin=Origin.CUSTOMER_TO_US
            )
        stage.agenda.add(
            Stream.ORDERS, leave_ms, account, line, kind=OrderKind.TERMINATION_DONE, origin=Origin.CUSTOMER_TO_US
        )
        if rng.random() < RECONNECT_SHARE:
            back_ms = leave_ms + round(rng.uniform(2, 25) * DAY_MS)
            stage.agenda.add(
                Stream.ORDERS, back_ms, account, line, kind=OrderKind.RECONNECT, origin=Origin.CUSTOMER_TO_US
            )
            stage.agenda.reconnects[day_of(back_ms)].append(line)
            return
    stage.agenda.leave(Departure(line, leave_ms, kind, CAUSES[cause].name, decided_ms))


def _way_out(rng: np.random.Generator, stage: Stage, account: int, trace: str) -> ChurnKind:
    chance = rng.random()
    if stage.population.prepaid[account]:
        return (
            ChurnKind.SILENCE
            if chance < 0.6
            else ChurnKind.PORT_OUT
            if chance < 0.9 and _ports_silently(stage, trace)
            else ChurnKind.TERMINATION
        )
    ports = 0.8 if stage.population.segment[account] in {KEY, BUSINESS} else 0.65
    return ChurnKind.PORT_OUT if chance < ports and _ports_silently(stage, trace) else ChurnKind.TERMINATION


def _ports_silently(stage: Stage, trace: str) -> bool:
    """Where a port takes days, nobody ports without a trace: those leave by termination."""
    return trace == "full" or stage.config.country == "CN"


def _port(rng: np.random.Generator, stage: Stage, line: int, what: Cause, span: tuple[int, int], trace: str) -> None:
    p = stage.population
    account = int(p.account_of[line])
    hurried = trace != "full" or rng.random() > what.early_steps
    in_contract = bool(p.contract_end_day[account] != NO_CONTRACT and p.contract_end_day[account] > day_of(span[1]))
    steps = port_steps(
        rng,
        stage.config.country,
        span[1],
        span[0],
        company=bool(p.segment[account] != PUBLIC),
        in_contract=in_contract,
        hurried=hurried,
    )
    for step in steps:
        stage.agenda.add(
            Stream.ORDERS, step.ts_ms, account, line, kind=step.kind, origin=step.origin, expires_ms=step.expires_ms
        )
