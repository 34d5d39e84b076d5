"""The synthetic operator, day by day: `days(config)` gives what is received on each day, with the truth behind it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipeline.events import ChurnKind, OutcomeKind, RefusalReason, Stream, Truth
from pipeline.sources.operator.agenda import Agenda, Departure, Episode, Planned, record_of
from pipeline.sources.operator.billing import SAMPLE_DAYS, Ledger, usage_per_month
from pipeline.sources.operator.calls import FORWARD, HOTLINE, HOTLINE_NUMBER, MO, OTHER, Calls
from pipeline.sources.operator.care import everyday_care, outages
from pipeline.sources.operator.causes import KEY_CAUSE, Hazards, spread_exposure
from pipeline.sources.operator.circles import build_circles
from pipeline.sources.operator.clock import BURN_IN_DAYS, DAY_MS, HOUR_MS, START_MS, day_start_ms, generator
from pipeline.sources.operator.config import OperatorConfig
from pipeline.sources.operator.contacts import Contacts, Reached
from pipeline.sources.operator.everyday import everyday_orders
from pipeline.sources.operator.life import NEVER_MS, NO_DAY, LineState
from pipeline.sources.operator.lookalikes import befall
from pipeline.sources.operator.mediation import mediate, split_sessions
from pipeline.sources.operator.outbox import Batch, MediationCount, Outbox
from pipeline.sources.operator.population import account_name, build_population, customer_record, line_name
from pipeline.sources.operator.rating import charge_by_line
from pipeline.sources.operator.rhythm import Rhythm
from pipeline.sources.operator.scripts import Stage, decide
from pipeline.sources.operator.seasons import Seasons
from pipeline.sources.operator.usage import NUMBERS_PER_DAY, day_calls

SILENCE_PROXY_DAYS = 40
SILENCE_FINAL_DAYS = 90
LOOKALIKE_SPREAD_DAYS = 10
HAPPENING_NUMBERS = NUMBERS_PER_DAY // 8  # record numbers of hotline calls and forwarding, beside those of `usage`


@dataclass(slots=True)
class OperatorDay:
    """What is received on one day (UTC).

    `streams`: by stream, ordered by `received_ms`. `truth`: lines whose departure became certain on this day (a silent
    line left at its last activity, which may lie days back). `malformed`: lines that the contract refuses, by reason;
    they are in `streams` beside the good record. `duplicates`: lines whose record id came before. `late`: records
    delayed by
    more than an hour. `hazard`: (line names, true probability to leave within 30 days from 00:00 UTC) if asked for.
    `episodes`: what was decided or befell lines on this day. `contacted`: lines by what contacts did to them before this day
    (contacts.py).
    """

    day_ms: int
    streams: dict[Stream, Batch]
    truth: list[Truth]
    malformed: dict[RefusalReason, int]
    duplicates: int
    late: int
    live_lines: int
    hazard: tuple[list[str], NDArray[np.float64]] | None = None
    episodes: list[Episode] = field(default_factory=list)
    contacted: dict[str, int] = field(default_factory=dict)

    @property
    def records(self) -> int:
        """Lines in all streams."""
        return sum(len(batch) for batch in self.streams.values())


def days(config: OperatorConfig, reached: Callable[[], Iterable[Reached]] = tuple) -> Iterator[OperatorDay]:
    """Simulate day after day; memory is bounded by the population and a few days of records on their way.

    `reached` is asked before each day for the contacts of simulated interventions since the day before.
    """
    operator = Operator(config)
    for day in range(config.days):
        yield operator.live_day(day, reached())


class Operator:
    """The running simulation."""

    def __init__(self, config: OperatorConfig) -> None:
        self._config = config
        self._population = build_population(config)
        self._circles = build_circles(config, self._population)
        self._state = LineState(self._population)
        self._agenda = Agenda()
        self._stage = Stage(config, self._population, self._state, self._agenda, [])
        self._contacts = Contacts(self._stage)
        self._ledger = Ledger(generator(config.seed, "ledger"), self._stage)
        self._hazards = Hazards(config, self._population, self._circles)
        self._rhythm = Rhythm(config)
        self._seasons = Seasons(config, self._population)
        self._outbox = Outbox(self._population.account_of, self._population.n_accounts)
        self._spilled = Calls.empty()
        self._numbers = dict.fromkeys(Stream, 0)
        self._names = [line_name(i) for i in range(self._population.n_lines)]
        self._lookalikes_due = 0.0
        self._burn_in()

    def live_day(self, day: int, reached: Iterable[Reached] = ()) -> OperatorDay:
        """Live one day and give what was received on it. Days must come one after the other, from 0."""
        config = self._config
        self._stage.episodes.clear()
        contacted = self._contacts.take(reached, day)
        live = self._state.live(day_start_ms(day))
        hazard = self._decisions(day, live)
        rng = generator(config.seed, "care", day)
        self._ledger.invoice_day(generator(config.seed, "invoices", day), day)
        everyday_care(rng, self._stage, day)
        everyday_orders(generator(config.seed, "orders", day), self._stage, day)
        calls = self._calls(day, outages(rng, self._stage, day))
        self._ledger.use(generator(config.seed, "recharges", day), day, charge_by_line(calls, self._population.n_lines))
        truth = self._departures(day)
        self._send(day, calls)
        batch, count = self._outbox.take_calls(day) if config.with_calls else (Batch(), MediationCount())
        streams = {stream: self._outbox.take(stream, day) for stream in Stream}
        streams[Stream.CDR] = batch
        return OperatorDay(
            day_ms=day_start_ms(day),
            streams=streams,
            truth=truth,
            malformed=count.malformed,
            duplicates=count.duplicates,
            late=count.late,
            live_lines=int(live.sum()),
            hazard=hazard,
            episodes=list(self._stage.episodes),
            contacted=contacted,
        )

    def _burn_in(self) -> None:
        """Live some weeks unseen: on day 0 there are deciders of all ages, and bills of the past."""
        for day in range(-BURN_IN_DAYS, 0):
            self._stage.episodes.clear()
            self._decisions(day, self._state.live(day_start_ms(day)))
            for departure in self._agenda.departures.pop(day, []):
                self._reset(departure.line)
            for plans in (self._agenda.records, self._agenda.calls):
                plans.pop(day, None)
        self._state.last_activity_ms[:] = START_MS
        for day in [day for day in self._agenda.records if day < 0]:
            del self._agenda.records[day]
        rng = generator(self._config.seed, "history")
        self._ledger.write_history(rng, usage_per_month(self._population, self._sampled_charges(rng)))
        for account in range(self._population.n_accounts):
            record = customer_record(self._population, account, self._config.country, self._config.seed)
            self._outbox.put(Stream.CUSTOMERS, START_MS, record)

    def _sampled_charges(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Rated usage of each line over the week before day 0."""
        total = np.zeros(self._population.n_lines, np.int64)
        for day in range(-SAMPLE_DAYS, 0):
            profile = self._rhythm.profile(day)
            season = self._seasons.factor(day)
            calls = day_calls(rng, day, self._population, self._circles, self._state, profile, season)
            total += charge_by_line(calls, self._population.n_lines)
        return total

    def _decisions(self, day: int, live: NDArray[np.bool_]) -> tuple[list[str], NDArray[np.float64]] | None:
        """Who decides, whom a look-alike befalls, who stops paying; the true hazard at the start of the day if
        wanted.
        """
        config, state = self._config, self._state
        rng = generator(config.seed, "decisions", day)
        self._returns(day)
        daily = self._hazards.of_day(day, state, live) * state.urges(day)
        hazard = None
        if config.with_hazard and day >= 0:
            lines = np.flatnonzero(live)
            hazard = ([self._names[i] for i in lines.tolist()], self._hazards.within_horizon(day, state, daily)[lines])
        for line, cause in self._draw(rng, daily):
            if not state.decided[line]:
                decide(rng, self._stage, line, cause, day)
        self._lookalikes(rng, day, live)
        self._arrears(rng, day, live)
        return hazard

    def _draw(self, rng: np.random.Generator, daily: NDArray[np.float64]) -> list[tuple[int, int]]:
        """Lines that decide today with their causes; of a key account one line stands for all."""
        total = daily[:KEY_CAUSE].sum(axis=0)
        lines = np.flatnonzero(rng.random(len(total)) < total)
        causes = [int(rng.choice(KEY_CAUSE, p=daily[:KEY_CAUSE, line] / total[line])) for line in lines]
        first = self._population.first_line[:-1]
        chance = np.maximum.reduceat(daily[KEY_CAUSE], first)
        accounts = np.flatnonzero(rng.random(len(chance)) < chance)
        heads = [
            int(first[a] + np.argmax(daily[KEY_CAUSE, first[a] : self._population.first_line[a + 1]])) for a in accounts
        ]
        return [*zip(lines.tolist(), causes, strict=True), *((line, KEY_CAUSE) for line in heads)]

    def _lookalikes(self, rng: np.random.Generator, day: int, live: NDArray[np.bool_]) -> None:
        """As many as the deciders so far call for, spread over the coming days."""
        deciders = sum(episode.decides for episode in self._stage.episodes)
        self._lookalikes_due += self._config.churn.lookalikes_per_decider * deciders
        wanted = self._lookalikes_due / LOOKALIKE_SPREAD_DAYS
        self._lookalikes_due -= wanted
        idle = np.flatnonzero(live & self._state.idle(day))
        for line in rng.choice(idle, min(len(idle), rng.poisson(wanted)), replace=False).tolist() if len(idle) else []:
            befall(rng, self._stage, line, day)

    def _arrears(self, rng: np.random.Generator, day: int, live: NDArray[np.bool_]) -> None:
        free = live & ~self._state.decided & ~self._population.prepaid[self._population.account_of]
        chance = self._config.churn.involuntary_monthly / 30
        for line in np.flatnonzero(free & (rng.random(len(free)) < chance)).tolist():
            account = int(self._population.account_of[line])
            if self._population.first_line[account + 1] - self._population.first_line[account] <= 3:
                self._ledger.stop_paying(rng, account, day)

    def _returns(self, day: int) -> None:
        for line in self._agenda.releases.pop(day, []):
            self._state.decided[line] = False
        for line in self._agenda.reconnects.pop(day, []):
            self._reset(line)

    def _reset(self, line: int) -> None:
        """The line lives on as if nothing had been."""
        state = self._state
        state.left_ms[line], state.network[line], state.decided[line] = NEVER_MS, 0, False
        state.start[line], state.until[line], state.shift[line] = NO_DAY, NO_DAY, 0.0

    def _calls(self, day: int, hit: list[tuple[NDArray[np.bool_], int, int]]) -> Calls:
        """Call records that happen on this day, rated; what runs past midnight is kept for tomorrow."""
        rng = generator(self._config.seed, "usage", day)
        profile, season = self._rhythm.profile(day), self._seasons.factor(day)
        calls = day_calls(rng, day, self._population, self._circles, self._state, profile, season)
        calls = Calls.concat([calls, self._happenings(day)])
        for lines, start, stop in hit:
            down = lines[calls.line] & (calls.ts_ms >= start) & (calls.ts_ms < stop)
            calls = calls.take(~down)
        calls = Calls.concat([self._spilled, split_sessions(rng, calls, day, self._config.mediation)])
        calls = calls.take(calls.ts_ms < self._state.left_ms[calls.line])
        today = calls.ts_ms < day_start_ms(day + 1)
        self._spilled = calls.take(~today)
        calls = calls.take(today)
        np.maximum.at(self._state.last_activity_ms, calls.line, calls.ts_ms)
        return calls

    def _happenings(self, day: int) -> Calls:
        """Planned calls to rivals' hotlines and forwarding to their networks."""
        plans = [plan for plan in self._agenda.calls.pop(day, []) if plan.ts_ms < self._state.left_ms[plan.line]]
        calls = Calls.empty(len(plans))
        for row, plan in enumerate(plans):
            calls.line[row], calls.ts_ms[row], calls.operator[row] = plan.line, plan.ts_ms, plan.operator
            calls.direction[row] = FORWARD if plan.forward else MO
            calls.peer_kind[row] = OTHER if plan.forward else HOTLINE
            calls.forward_to[row] = plan.operator if plan.forward else -1
            calls.duration_s[row] = 0 if plan.forward else 60 + (plan.ts_ms // 1000) % 400
            calls.peer_space[row], calls.peer[row] = HOTLINE_NUMBER, plan.operator
        calls.received_ms[:] = calls.ts_ms + calls.duration_s * 1000 + 8_000
        calls.number[:] = (day + 1) * NUMBERS_PER_DAY + HAPPENING_NUMBERS + np.arange(len(plans))
        return calls

    def _departures(self, day: int) -> list[Truth]:
        """Lines whose departure was due today; those who just fell silent left at their last activity."""
        left = np.zeros(self._population.n_lines, np.bool_)
        truth = []
        for departure in sorted(self._agenda.departures.pop(day, []), key=lambda item: (item.ts_ms, item.line)):
            left[departure.line] = True
            churn_ms = departure.ts_ms
            if departure.kind is ChurnKind.SILENCE:
                churn_ms = int(self._state.last_activity_ms[departure.line])
                self._plan_silence_labels(departure, churn_ms)
            account = account_name(int(self._population.account_of[departure.line]))
            decided = max(0, departure.decided_ms)
            truth.append(Truth(account, line_name(departure.line), churn_ms, departure.cause, decided))
        spread_exposure(self._state, self._circles, left)
        return truth

    def _plan_silence_labels(self, departure: Departure, churn_ms: int) -> None:
        account = int(self._population.account_of[departure.line])
        for after, note in ((SILENCE_PROXY_DAYS, "proxy"), (SILENCE_FINAL_DAYS, "final")):
            at = max(churn_ms + after * DAY_MS, departure.ts_ms)
            self._agenda.add(
                Stream.OUTCOMES, at, account, departure.line,
                kind=OutcomeKind.CHURN, churn_kind=ChurnKind.SILENCE, churn_ms=churn_ms, note=note,
            )  # fmt: skip

    def _send(self, day: int, calls: Calls) -> None:
        """Hand today's records to mediation; they are received today or later."""
        config = self._config
        rng = generator(config.seed, "mediation", day)
        if config.with_calls:
            calls = mediate(rng, calls, day, config.mediation)
            self._hold_calls(calls)
            self._outbox.put_calls(calls)
        due = sorted(planned_day for planned_day in self._agenda.records if planned_day <= day)
        plans = sorted((plan for one in due for plan in self._agenda.records.pop(one)), key=_by_time)
        for plan in plans:
            self._numbers[plan.stream] += 1
            self._contacts.note(plan)
            received = self._hold(plan, max(plan.ts_ms, START_MS) + int(rng.integers(500, 60_000)))
            record_id = f"{plan.stream.value[:2]}{self._numbers[plan.stream]:09d}"
            self._outbox.put(plan.stream, received, record_of(plan, record_id, received))

    def _hold(self, plan: Planned, received_ms: int) -> int:
        """A feed that is silent delivers when it is mended."""
        for shock in self._config.shocks:
            start, stop = day_start_ms(shock.day), day_start_ms(shock.day) + round(shock.days * DAY_MS)
            if shock.kind == "feed_silent" and shock.stream == plan.stream.value and start <= received_ms < stop:
                return stop + (received_ms - start) // 100
        return received_ms

    def _hold_calls(self, calls: Calls) -> None:
        for shock in self._config.shocks:
            if shock.kind != "feed_silent" or shock.stream != "cdr":
                continue
            start, stop = day_start_ms(shock.day), day_start_ms(shock.day) + round(shock.days * DAY_MS)
            held = (calls.received_ms >= start) & (calls.received_ms < stop)
            if shock.region:
                region = self._population.region_names.index(shock.region)
                held &= self._population.region[self._population.account_of[calls.line]] == region
            calls.received_ms[held] = stop + (calls.received_ms[held] - start) // 100
            calls.late |= held & (calls.received_ms - calls.ts_ms > HOUR_MS) & (calls.malformed == 0)


def _by_time(plan: Planned) -> tuple[int, int, str]:
    return plan.ts_ms, plan.account, plan.stream.value
