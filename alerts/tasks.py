"""What a task is, and how it may change: one churn reason of one account, given to one owner.

Everything here is pure data; `alerts.moves` holds the transitions, `alerts.book` what one account may have open. Times
are epoch milliseconds of the clock port: wall time in production, stream time in demo and backtest.
"""

from enum import StrEnum
from typing import NamedTuple

import msgspec

from pipeline.events import Disposition, Level, ScoreBasis, SignalReport

#: Owner of every task that no account manager takes: the outbound-call team, fed from the queue.
OUTBOUND = "outbound"
#: Owner of a key account's task when its record names no manager, deputy or team: a supervisor hands it out.
UNASSIGNED = "unassigned"
#: The last so many changes are kept on the task itself; the whole story is in `churn.task-events`.
HISTORY_LIMIT = 20
#: A task names at most so many warnings, lines and notes; older ones are in the log.
EVIDENCE_LIMIT = 50
NOTE_LENGTH_MAX = 2000

#: Dispositions of a contact that reached the customer; a phone that rang in vain, or a machine, did not.
REACHED = frozenset(
    {
        Disposition.REACHED_SAVED,
        Disposition.REACHED_REFUSED,
        Disposition.REACHED_CALLBACK,
        Disposition.OPT_OUT,
        Disposition.TRANSFERRED,
    }
)
LEVEL_RANK: dict[Level, int] = {Level.WATCH: 0, Level.WARN: 1, Level.CRITICAL: 2}


class TaskState(StrEnum):
    """Where a task stands. The last two are closed."""

    NEW = "new"
    ACCEPTED = "accepted"
    IN_CONTACT = "in_contact"
    """A call of the outbound team is under way."""
    WAITING = "waiting"
    """Tried without an end; to be tried again from `not_before_ms` on."""
    SNOOZED = "snoozed"
    DONE = "done"
    RECOVERED = "recovered"
    """Closed by itself: nothing warned of this reason any more."""


OPEN_STATES = (TaskState.NEW, TaskState.ACCEPTED, TaskState.IN_CONTACT, TaskState.WAITING, TaskState.SNOOZED)
CLOSED_STATES = (TaskState.DONE, TaskState.RECOVERED)


class Purpose(StrEnum):
    """What a task is for; only `retention` and `win_back` are attempts to sell."""

    RETENTION = "retention"
    RETURN_VISIT = "return_visit"
    """A promise to call after a service was opened or a fault closed (alerts/triggers.py)."""
    WIN_BACK = "win_back"
    CRISIS = "crisis"
    """One incident of many customers at once, for a supervisor; nobody is called under it."""


class TaskResult(StrEnum):
    """What came of a task that is done."""

    SAVED = "saved"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"
    TRANSFERRED = "transferred"
    NOT_ALLOWED = "not_allowed"
    """The customer may no longer be called: consent withdrawn or opted out."""
    VISITED = "visited"
    """The return visit was made."""
    LOST = "lost"
    """The customer left."""
    EXPIRED = "expired"
    """Nobody came to it within the time that its policy gives."""


class Role(StrEnum):
    """On whose behalf somebody acts."""

    MANAGER = "manager"
    CALLER = "caller"
    SUPERVISOR = "supervisor"
    DIALER = "dialer"
    SYSTEM = "system"


class Actor(NamedTuple):
    """Who does something. `name` is a staff or machine id, never a customer's."""

    name: str
    role: Role = Role.MANAGER


class RefusalReason(StrEnum):
    """Why something was not done. Closed: a metric label, an event field and a message key of the console."""

    UNKNOWN_TASK = "unknown_task"
    ALREADY_CLOSED = "already_closed"
    STALE_VERSION = "stale_version"
    NOT_YOURS = "not_yours"
    WRONG_STATE = "wrong_state"
    NOTE_TOO_LONG = "note_too_long"
    IN_THE_PAST = "in_the_past"
    BUSY = "busy"
    """Too many others changed this account at the same moment; nothing happened, try again."""
    SEEN_BEFORE = "seen_before"
    BELOW_LEVEL = "below_level"
    COOLDOWN = "cooldown"
    UNKNOWN_CUSTOMER = "unknown_customer"
    NO_CONSENT = "no_consent"
    OPTED_OUT = "opted_out"
    BARRED_SIGNAL = "barred_signal"
    """Nothing is left to stand on once the signals are gone that the country's law does not let us use."""
    STOP_WORK = "stop_work"
    """The customer is leaving by a way in which the law forbids any attempt to keep them."""
    SERVICE_CONTACT_USED = "service_contact_used"
    """The law allows a number of contacts after this step, and they have been made."""
    STALE_ATTEMPT = "stale_attempt"
    LINE_BUSY = "line_busy"
    NO_LINE = "no_line"
    OUTSIDE_WINDOW = "outside_window"
    CONTACT_CAP = "contact_cap"
    NO_SUCH_OFFER = "no_such_offer"
    """The task's playbook has no such offer, or the law does not leave it."""
    OFFER_NOT_WORTH = "offer_not_worth"
    """It would cost more than it can bring with this customer."""
    OVER_BUDGET = "over_budget"
    CAPACITY_FULL = "capacity_full"
    """Whoever would make this contact has no room left today."""
    DO_NOT_CALL = "do_not_call"
    """This number must not be called, whoever's account it belongs to."""
    CRISIS = "crisis"
    """Many customers of the region say the same at once: one incident has it, not a task each."""
    HOLDOUT = "holdout"
    """This customer is left alone at random, so that the effect of acting can be measured."""
    TOO_LATE = "too_late"
    """What it is about happened so long ago that nothing is to be done about it any more."""
    NOT_RECOVERED = "not_recovered"


class Refusal(msgspec.Struct, frozen=True):
    """Nothing was changed, and why. `task`: as it stands, where there is one; `retry_ms`: worth trying then."""

    reason: RefusalReason
    task: "Task | None" = None
    retry_ms: int | None = None


class TaskEventKind(StrEnum):
    CREATED = "created"
    EVIDENCE_ADDED = "evidence_added"
    ACCEPTED = "accepted"
    DIAL_STARTED = "dial_started"
    ATTEMPT_RECORDED = "attempt_recorded"
    ATTEMPT_LOST = "attempt_lost"
    """A call was begun and nobody knows how it ended; it is not dialled again under the same attempt."""
    SNOOZED = "snoozed"
    REASSIGNED = "reassigned"
    NOTE_ADDED = "note_added"
    DONE = "done"
    RECOVERED = "recovered"
    LIMITED = "limited"
    """A rule of the law limits from now on what may be done; `rule` says which."""
    ESCALATED = "escalated"
    """The task's clock ran out: the next in the chain has it, or (outbound) is told."""
    PLANNED = "planned"
    """A contact was reserved: capacity of whoever makes it, and the customer's caps."""
    RELEASED = "released"
    """A reserved contact was given back unused."""
    NUMBER_BARRED = "number_barred"
    """`line_id` must not be called any more, whoever's account it belongs to."""
    NUMBER_ALLOWED = "number_allowed"
    WARNING_REFUSED = "warning_refused"
    """A warning that became neither a task nor evidence; `reason` says why."""
    OFFER_PROPOSED = "offer_proposed"
    """An offer was put before the customer, its cost held in the budget: `task.offered`."""
    NUMBER_READ = "number_read"
    """A number was read from the vault; `read_for`, `line_id` and `note` say for what, which and why."""
    NUMBER_DELETED = "number_deleted"
    """The vault forgot a number of the account, since its time had come; `line_id` says which."""
    RULES_CHANGED = "rules_changed"  # `note`: edition and why; of no account
    CUSTOMER_SEEN = "customer_seen"  # somebody opened the customer's page; once an hour
    SIGN_IN_REFUSED = "sign_in_refused"  # `note`: why the provider's word was not enough; of no account


class Restraint(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a rule of the law leaves us to do about one line, or (`line_id` "") about the whole account.

    `contacts_left`: contacts that may still reach the customer; 0 = none, every retention task ends; None = any number.
    """

    rule: str
    line_id: str
    until_ms: int
    contacts_left: int | None = None


class Slot(msgspec.Struct, frozen=True, omit_defaults=True):
    """One contact on one day: room in the owner's capacity and in the customer's caps.

    Attributes:
        owner: who makes it. `day`: of the country's calendar, as "2026-03-03". `at_ms`: not before then.
        attempt: the attempt it is for. `gain`: expected gain in the operator's currency, None where nobody worked it out.
    """

    owner: str
    day: str
    at_ms: int
    attempt: int
    gain: float | None = None


class Offered(msgspec.Struct, frozen=True, omit_defaults=True):
    """An offer before the customer: what it may cost, and what the budgets of the year were when it was proposed."""

    playbook: str
    offer: str
    cost: float
    at_ms: int
    budget: float
    budget_all: float


class Note(msgspec.Struct, frozen=True):
    """What a person wrote about a task. Never logged."""

    ts_ms: int
    actor: str
    text: str


class HistoryEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One change as the task page lists it."""

    ts_ms: int
    kind: TaskEventKind
    actor: str
    detail: str = ""
    """A disposition, a level, a new owner: a code, no free text."""


class Task(msgspec.Struct, frozen=True, omit_defaults=True):
    """One reason why one account may leave, and who does something about it.

    Defaults are left out of its JSON, so that a field added later changes no hash of an event written before.

    Attributes:
        line_id: the line of the first warning; None for an account-level one. `line_ids` has all of them.
        reason_group: `price`, `service`, ... (config/policies/tasks.toml).
        score: churn probability 0-1 of the latest warning; `days_left` likewise, None = not known.
        signals: the latest report of each signal that ever supported this task, strongest first.
        owner: the manager's id, or `outbound`. `deputy` and `team` as in the customer's record.
        not_before_ms: a waiting or snoozed task is not to be touched before; None otherwise.
        refreshed_ms: time of the latest warning; tasks that nothing refreshes close themselves.
        version: rises with every change; hand it back when acting, so that nobody acts on an old page.
        attempts: contacts tried and recorded. `disposition` is the last one's, `result` what came of it all.
        star, timezone: as in the customer's record when the task was made; its clock goes by them (alerts/clocks.py).
        clock_left_ms: working time left while the clock stands still for the customer; None while it runs.
        escalate_ms: when the next step of the escalation chain is taken; None: no further one, or the clock stands.
        escalation: steps of the chain taken. `passed_by`: owners from whom it went on; they may still act.
        rules: ids of the rules of the country's pack that limit what may be done (`config/countries`).
        segment, region: as in the customer's record when the task was made. `purpose`: what it is for.
        slot: the contact reserved for it; `spent`: the reserved contacts that were made, lately.
        contact_by: the person in contact now; None: nobody is, or the dialer is.
        causes: of a return visit: what it answers, "order:<record id>" and the like.
    """

    task_id: str
    account_id: str
    line_id: str | None
    reason_group: str
    level: Level
    score: float
    score_basis: ScoreBasis
    days_left: float | None
    signals: list[SignalReport]
    reasons: list[str]
    owner: str
    deputy: str | None
    team: str | None
    state: TaskState
    created_ms: int
    due_ms: int
    refreshed_ms: int
    version: int = 1
    line_ids: list[str] = []
    warning_ids: list[str] = []
    notes: list[Note] = []
    attempts: int = 0
    disposition: Disposition | None = None
    result: TaskResult | None = None
    accepted_by: str | None = None
    accepted_ms: int | None = None
    not_before_ms: int | None = None
    dialing_line_id: str | None = None
    closed_ms: int | None = None
    cooldown_until_ms: int | None = None
    history: list[HistoryEntry] = []
    star: int = 0
    timezone: str | None = None
    clock_left_ms: int | None = None
    escalate_ms: int | None = None
    escalation: int = 0
    passed_by: list[str] = []
    rules: list[str] = []
    segment: str = ""
    region: str = ""
    purpose: Purpose = Purpose.RETENTION
    slot: Slot | None = None
    spent: list[Slot] = []
    contact_by: str | None = None
    causes: list[str] = []
    offered: Offered | None = None

    @property
    def open(self) -> bool:
        """Whether something is still to be done."""
        return self.state in OPEN_STATES

    @property
    def next_attempt(self) -> str:
        """Idempotency key of the next call: task id and attempt.

        A provider that gets it twice must ring once.
        """
        return f"{self.task_id}:{self.attempts + 1}"


class TaskEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """One change of one account's tasks, as `churn.task-events` keeps it (key `account_id`, one partition).

    `seq` counts the account's events from 1; `prev_hash` is the hash of the one before ("" for the first); `hash`
    covers all other fields but `event_id` (alerts/chain.py). `task` is the task after the change, so that the inbox can
    be rebuilt from these events alone; None where a warning was refused. `rule` and `rule_text`: the rule of the country's
    pack that barred, limited or ended something here; `restraint`: what holds from this event on. `line_id`: the number that
    was barred or allowed; `begun`: the end of a contact whose beginning was told before, so that it counts once.
    """

    account_id: str
    ts_ms: int
    kind: TaskEventKind
    actor: str
    role: Role
    task_id: str | None = None
    warning_id: str | None = None
    reason: RefusalReason | None = None
    reason_group: str | None = None
    attempt: int | None = None
    disposition: Disposition | None = None
    note: str | None = None
    rule: str | None = None
    rule_text: str | None = None
    restraint: Restraint | None = None
    line_id: str | None = None
    begun: bool = False
    read_for: str | None = None
    task: Task | None = None
    seq: int = 0
    prev_hash: str = ""
    hash: str = ""
    event_id: str = ""


class Customer(msgspec.Struct, frozen=True):
    """What the directory tells of an account; see CustomerRecord for the fields' meaning."""

    account_id: str
    segment: str
    star: int
    region: str
    lines: list[str]
    manager_id: str | None
    deputy_id: str | None
    team_id: str | None
    may_call: bool
    may_sms: bool
    may_profile: bool
    timezone: str | None
    contact_window: str | None
    language: str | None
    ts_ms: int
    tenure_start_ms: int | None = None
    contract_end_ms: int | None = None
    brand: str | None = None
    grid: str | None = None
    payment: str = "postpaid"
    category: str | None = None
    indicators: dict[str, float] = {}
    """Value indicators by name, as the account manager or another system judged them (alerts/value)."""
    opted_out: bool = False
    """An opt-out disposition was recorded here; it outlives any later `consent.call`."""
