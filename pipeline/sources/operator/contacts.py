"""What a contact changes about the future of those it reached: some stay, some leave sooner, by their hidden type.

Asked of nobody but a simulated intervention. Without contacts nothing here draws or changes anything.
"""

from collections import Counter
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import NamedTuple

import numpy as np

from pipeline.events import CareKind, ChurnKind, OrderKind, Origin, Stream
from pipeline.sources.operator.agenda import Planned
from pipeline.sources.operator.clock import DAY_MS, day_of, day_start_ms, generator
from pipeline.sources.operator.hidden import CONTACT_EFFECT, RESPONSE_TYPES, response_types
from pipeline.sources.operator.life import NEVER_MS
from pipeline.sources.operator.population import account_name, line_name
from pipeline.sources.operator.scripts import Stage

#: So long a contact weighs on whether somebody who has not decided yet does so.
URGE_DAYS = 30
#: A line that was kept may decide anew after so many days.
RELEASE_DAYS = 8
RECOVER_DAYS = 6.0
RENEWAL_SHARE = 0.4
#: Orders by which a line leaves, and what else a decision leaves behind.
LEAVING = {
    OrderKind.PORT_ELIGIBILITY_QUERY, OrderKind.CONTRACT_RELEASE_REQUEST, OrderKind.BUNDLE_UNBIND,
    OrderKind.OWNERSHIP_TRANSFER, OrderKind.BALANCE_CLEARED, OrderKind.PORT_CODE_ISSUED, OrderKind.PORT_CODE_EXPIRED,
    OrderKind.PORT_OUT_ORDER, OrderKind.PORT_OUT_DONE, OrderKind.TERMINATION, OrderKind.TERMINATION_DONE,
    OrderKind.RECONNECT,
}  # fmt: skip
TRACES = {
    OrderKind.DOWNGRADE, OrderKind.DEVICE_UNLOCK, CareKind.PRICE_INQUIRY, CareKind.COMPETITOR_CONTACT,
    CareKind.CRISIS_REPORT,
}  # fmt: skip


class Reached(NamedTuple):
    """Somebody was spoken to."""

    account_id: str
    ts_ms: int


class Contacts:
    """Applies contacts to what is planned."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        kinds = response_types(stage.config, stage.population.n_accounts)
        self._effect = np.array([CONTACT_EFFECT[name] for name in RESPONSE_TYPES])[kinds]
        self._accounts = {account_name(number): number for number in range(stage.population.n_accounts)}
        #: Names of lines that asked for their termination so far.
        self._asked: set[str] = set()

    def note(self, plan: Planned) -> None:
        """A record was sent."""
        if plan.fields.get("kind") is OrderKind.TERMINATION:
            self._asked.add(plan.fields.get("line_id", ""))

    def take(self, reached: Iterable[Reached], day: int) -> dict[str, int]:
        """Let contacts work on the days from `day` on.

        Returns lines by what was done to them: `kept` (would have left), `hastened`, `swayed` (undecided, and now less or
        more likely to decide), `unmoved`, `too_late` (gone already).
        """
        done: Counter[str] = Counter()
        for contact in sorted(reached, key=lambda one: (one.ts_ms, one.account_id)):
            account = self._accounts.get(contact.account_id)
            if account is not None:
                done.update(self._take(account, contact, day))
        return dict(done)

    def _take(self, account: int, contact: Reached, day: int) -> list[str]:
        effect = float(self._effect[account])
        # One answer of the customer for all of its lines; the same for the same seed and contact.
        rng = generator(self._stage.config.seed, f"contact of {account} at {contact.ts_ms}")
        stays = bool(rng.random() < 1 - effect)
        first, stop = (int(i) for i in self._stage.population.first_line[account : account + 2])
        return [self._one(rng, line, effect, day, stays=stays) for line in range(first, stop)]

    def _one(self, rng: np.random.Generator, line: int, effect: float, day: int, *, stays: bool) -> str:
        state, today_ms = self._stage.state, day_start_ms(day)
        if state.left_ms[line] < today_ms:
            return "too_late"
        if effect == 1.0 or self._is_involuntary(line):
            return "unmoved"
        if not state.decided[line]:
            state.urge[line], state.urged_until[line] = effect, day + URGE_DAYS
            return "swayed"
        if state.left_ms[line] == NEVER_MS:
            return "unmoved"
        if effect < 1.0:
            if stays:
                self._keep(rng, line, day)
            return "kept" if stays else "unmoved"
        return "hastened" if self._hasten(line, effect, day) else "unmoved"

    def _is_involuntary(self, line: int) -> bool:
        departures = self._stage.agenda.departures.values()
        return any(one.line == line and one.kind is ChurnKind.INVOLUNTARY for day in departures for one in day)

    def _keep(self, rng: np.random.Generator, line: int, day: int) -> None:
        """The line stays: what was planned for its departure does not happen, and it goes back to what it was."""
        stage, agenda, state = self._stage, self._stage.agenda, self._stage.state
        account, name = int(stage.population.account_of[line]), line_name(line)
        for planned in agenda.records.values():
            planned[:] = [plan for plan in planned if not _is_of(plan, name, LEAVING | TRACES)]
        for calls in agenda.calls.values():
            calls[:] = [call for call in calls if call.line != line]
        for departures in agenda.departures.values():
            departures[:] = [one for one in departures if one.line != line]
        for lines in agenda.reconnects.values():
            lines[:] = [one for one in lines if one != line]
        state.left_ms[line], state.network[line] = NEVER_MS, 0
        state.until[line], state.recover[line] = day, RECOVER_DAYS
        agenda.releases[day + RELEASE_DAYS].append(line)
        kind = OrderKind.RENEWAL if rng.random() < RENEWAL_SHARE else None
        if name in self._asked:
            self._asked.discard(name)
            kind = OrderKind.TERMINATION_CANCELLED
        if kind is not None:
            at_ms = stage.daytime(rng, day)
            agenda.add(Stream.ORDERS, at_ms, account, line, kind=kind, origin=Origin.CUSTOMER_TO_US)

    def _hasten(self, line: int, effect: float, day: int) -> bool:
        """The departure comes sooner by whole days, with every order that belongs to it; False: it is too near for that."""
        agenda, state, name = self._stage.agenda, self._stage.state, line_name(line)
        today_ms, left_ms = day_start_ms(day), int(state.left_ms[line])
        orders = [plan for planned in agenda.records.values() for plan in planned if _is_of(plan, name, LEAVING)]
        nearest_ms = min([left_ms, *(plan.ts_ms for plan in orders if plan.ts_ms >= today_ms)])
        sooner_ms = min((left_ms - today_ms) * (1 - 1 / effect), nearest_ms - today_ms)
        sooner_ms = int(sooner_ms // DAY_MS) * DAY_MS
        if sooner_ms <= 0:
            return False
        for planned in agenda.records.values():
            planned[:] = [plan for plan in planned if not _is_of(plan, name, LEAVING)]
        for plan in orders:
            agenda.records[day_of(plan.ts_ms - sooner_ms)].append(_sooner(plan, sooner_ms))
        moved = [one for day_ in agenda.departures.values() for one in day_ if one.line == line]
        for departures in agenda.departures.values():
            departures[:] = [one for one in departures if one.line != line]
        for departure in moved:
            agenda.leave(departure._replace(ts_ms=departure.ts_ms - sooner_ms))
        state.left_ms[line] = left_ms - sooner_ms
        state.ramp[line] /= effect
        return True


def _is_of(plan: Planned, name: str, kinds: AbstractSet[object]) -> bool:
    return plan.fields.get("line_id") == name and plan.fields.get("kind") in kinds


def _sooner(plan: Planned, by_ms: int) -> Planned:
    fields = dict(plan.fields)
    if "expires_ms" in fields:
        fields["expires_ms"] -= by_ms
    return plan._replace(ts_ms=plan.ts_ms - by_ms, fields=fields)
