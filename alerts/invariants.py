"""What must hold over a whole task log, counted anew from its fields alone: the proof at the end of a demo or a test. Pure.

Nothing of what decided is asked again except the hours in which a customer may be called; caps, capacity, do-not-call, open tasks
and chains are counted here by other means than those that keep them.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from alerts.chain import ChainBroken, check_next
from alerts.contact import caps_of, window_opens_ms
from alerts.policy import DAY_MS
from alerts.rules import Rules
from alerts.tasks import OUTBOUND, Customer, Purpose, Role, Task, TaskEvent, TaskEventKind
from pipeline.events import Disposition

NAMES = ("caps", "windows", "do_not_call", "consent", "capacity", "one_open", "chain", "attempts", "slots")


class Findings(NamedTuple):
    """`broken`: how often each invariant was broken, 0 where it held; `examples`: the first places, for people."""

    broken: dict[str, int]
    examples: list[str]
    contacts: int

    @property
    def total(self) -> int:
        return sum(self.broken.values())


class Auditor:
    """Reads a log event by event, in the order in which it was written; exact repeats are passed over.

    Args:
        customers: every record of each account, oldest first; looked at when a contact was made.
    """

    def __init__(self, customers: Mapping[str, list[Customer]], rules: Rules) -> None:
        self._customers = customers
        self._rules = rules
        self.broken: Counter[str] = Counter(dict.fromkeys(NAMES, 0))
        self.examples: list[str] = []
        self.contacts: dict[str, list[int]] = defaultdict(list)
        self._open: dict[tuple[str, str], str] = {}
        self._opted_out: set[str] = set()
        self._barred: set[str] = set()
        self._begun: set[str] = set()
        self._asked: dict[str, bool] = {}
        self._slots: dict[str, set[tuple[str, str, int]]] = defaultdict(set)
        self._room: Counter[tuple[str, str]] = Counter()
        self._heads: dict[str, tuple[int, str]] = {}
        self._ids: set[str] = set()

    def see(self, event: TaskEvent) -> None:
        """Check one event."""
        if event.event_id in self._ids:
            return
        self._ids.add(event.event_id)
        self._chain(event)
        if event.kind is TaskEventKind.CREATED and event.task is not None:
            self._created(event, event.task)
        if event.kind is TaskEventKind.DIAL_STARTED and event.task is not None:
            self._begin(event, event.task)
        if event.task is not None:
            self._account_for(event, event.task)
        if event.disposition is not None:
            self._asked[event.task_id or ""] = event.disposition is Disposition.REACHED_CALLBACK
            self._tell(event)
        if event.kind is TaskEventKind.NUMBER_BARRED and event.line_id:
            self._barred.add(event.line_id)
        if event.kind is TaskEventKind.NUMBER_ALLOWED and event.line_id:
            self._barred.discard(event.line_id)

    def result(self) -> Findings:
        """What was found so far."""
        return Findings(dict(self.broken), self.examples, sum(len(made) for made in self.contacts.values()))

    def _chain(self, event: TaskEvent) -> None:
        seq, prev_hash = self._heads.get(event.account_id, (0, ""))
        try:
            check_next(event, seq, prev_hash)
        except ChainBroken as error:
            self.broken["chain"] += 1
            self.examples.append(str(error))
        self._heads[event.account_id] = (event.seq, event.hash)

    def _created(self, event: TaskEvent, task: Task) -> None:
        place = event.account_id, task.reason_group
        self._hold("one_open", place not in self._open, event)
        self._open[place] = task.task_id

    def _begin(self, event: TaskEvent, task: Task) -> None:
        call = f"{event.task_id}:{event.attempt}"
        self._hold("attempts", call not in self._begun, event)
        self._begun.add(call)
        self._contact(event, task)

    def _tell(self, event: TaskEvent) -> None:
        if event.disposition is Disposition.OPT_OUT:
            self._opted_out.add(event.account_id)
            if event.line_id:
                self._barred.add(event.line_id)
        counted = event.begun or event.role is Role.DIALER or event.disposition is Disposition.NOT_TRIED
        if not counted and event.task is not None:
            self._contact(event, event.task)

    def _contact(self, event: TaskEvent, task: Task) -> None:
        """A customer was contacted: was it allowed at that moment?"""
        made = self.contacts[event.account_id]
        escaped = self._rules.tasks.contact.callbacks_escape if self._asked.get(task.task_id) else []
        for name, days, cap in caps_of(self._rules.tasks.contact):
            recent = sum(at > event.ts_ms - days * DAY_MS for at in made)
            self._hold("caps", recent < cap or name in escaped, event)
        made.append(event.ts_ms)
        self._hold("do_not_call", event.account_id not in self._opted_out, event)
        self._hold("do_not_call", not {task.dialing_line_id, task.line_id} & self._barred, event)
        known = [one for one in self._customers.get(event.account_id, ()) if one.ts_ms <= event.ts_ms]
        if not known:
            return
        opens_ms = window_opens_ms(known[-1], self._rules.tasks.contact, self._rules.law, event.ts_ms)
        self._hold("windows", opens_ms <= event.ts_ms, event)
        marketing = task.purpose is not Purpose.RETURN_VISIT and task.owner == OUTBOUND
        self._hold("consent", known[-1].may_call or not marketing, event)

    def _account_for(self, event: TaskEvent, task: Task) -> None:
        """Room taken and given back by this event, and whether a closed task gave back all that it did not use."""
        if not task.open:
            place = event.account_id, task.reason_group
            if self._open.get(place) == task.task_id:
                del self._open[place]
            self._hold("slots", task.slot is None, event)
        slots = [*task.spent, *([task.slot] if task.slot else [])]
        # Of all days: what one process decided before midnight may be written after what another decided then.
        now = {(slot.owner, slot.day, slot.attempt) for slot in slots}
        before = self._slots[task.task_id]
        for owner, day, _ in before - now:
            self._room[owner, day] -= 1
        for owner, day, _ in now - before:
            self._room[owner, day] += 1
            most = self._rules.capacity.contacts_per_day(owner)
            self._hold("capacity", self._room[owner, day] <= most, event)
        self._slots[task.task_id] = now

    def _hold(self, name: str, holds: bool, event: TaskEvent) -> None:
        if not holds:
            self.broken[name] += 1
            if len(self.examples) < 20:
                self.examples.append(f"{name}: event {event.seq} of {event.account_id}, {event.kind} at {event.ts_ms}")


def findings(events: Iterable[TaskEvent], customers: Mapping[str, list[Customer]], rules: Rules) -> Findings:
    """Check a whole log, in its order. `customers`: every record of each account, oldest first."""
    auditor = Auditor(customers, rules)
    for event in events:
        auditor.see(event)
    return auditor.result()
