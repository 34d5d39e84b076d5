"""What the API takes and gives, as its description shows it. Times are epoch milliseconds."""

from typing import Annotated

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from alerts.queue import Lease
from alerts.tasks import NOTE_LENGTH_MAX, Customer, Task, TaskEventKind, TaskResult, TaskState
from pipeline.events import Disposition, Level, Origin

Note = Annotated[str, Field(max_length=NOTE_LENGTH_MAX)]
Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
StaffId = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
AnyId = Annotated[str, Field(min_length=1, max_length=200)]
CallKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}:[0-9]{1,6}$", description="task id and attempt")]
#: Up to the year 3000.
EpochMs = Annotated[int, Field(strict=True, ge=0, le=32_503_680_000_000)]


class Received(BaseModel):
    """What a request carries; a field that nobody knows is a mistake."""

    model_config = ConfigDict(extra="forbid")


class SignalOut(BaseModel):
    name: str
    origin: Origin
    strength: float
    since_ms: int
    evidence: dict[str, float]


class NoteOut(BaseModel):
    ts_ms: int
    actor: str
    text: str


class ChangeOut(BaseModel):
    ts_ms: int
    kind: TaskEventKind
    actor: str
    detail: str = ""


class TaskOut(BaseModel):
    """A task as it stands; `version` is its ETag."""

    task_id: str
    account_id: str
    line_id: str | None
    line_ids: list[str] = []
    reason_group: str
    level: Level
    score: float
    score_basis: str
    days_left: float | None
    signals: list[SignalOut]
    reasons: list[str]
    owner: str
    deputy: str | None
    team: str | None
    state: TaskState
    star: int = 0
    created_ms: int
    due_ms: int
    refreshed_ms: int
    version: int = 1
    attempts: int = 0
    escalation: int = 0
    disposition: Disposition | None = None
    result: TaskResult | None = None
    accepted_by: str | None = None
    accepted_ms: int | None = None
    not_before_ms: int | None = None
    closed_ms: int | None = None
    rules: list[str] = []
    notes: list[NoteOut] = []
    history: list[ChangeOut] = []


class TaskPage(BaseModel):
    """`next`: path and query of the following page, None on the last one."""

    items: list[TaskOut]
    total: int
    limit: int
    offset: int
    next: str | None


class CustomerOut(BaseModel):
    """An account without name and number."""

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
    opted_out: bool
    timezone: str | None
    contact_window: str | None
    language: str | None
    contract_end_ms: int | None
    brand: str | None
    grid: str | None
    payment: str
    category: str | None


class DispositionIn(Received):
    """How a contact ended: a disposition of ours, or a dialer's own code that its table maps."""

    disposition: Disposition | None = None
    code: Code | None = None
    note: Note = ""


class CallDispositionIn(DispositionIn):
    call: CallKey


class NoteIn(Received):
    text: Annotated[str, Field(min_length=1, max_length=NOTE_LENGTH_MAX)]


class SnoozeIn(Received):
    until_ms: EpochMs


class HandOverIn(Received):
    owner: StaffId


class RevealIn(Received):
    account_id: AnyId
    line_id: AnyId
    why: Annotated[str, Field(min_length=3, max_length=200, description="kept in the audit log")]


class NumberOut(BaseModel):
    line_id: str
    number: str


class LeaseIn(Received):
    count: Annotated[int, Field(strict=True, ge=1, le=100)] = 1


class LeaseOut(BaseModel):
    """`call` is the idempotency key: whoever gets it twice rings once."""

    lease_id: str
    call: str
    task_id: str
    attempt: int
    deliveries: int


class LeasesOut(BaseModel):
    """`lease_s`: a call that is not begun within so many seconds goes to another dialer; a heartbeat begins it anew."""

    items: list[LeaseOut]
    lease_s: float


class BegunOut(BaseModel):
    """It may ring now. `number` is None where the vault has none of this line."""

    call: str
    line_id: str
    number: str | None
    task: TaskOut


class QueueOut(BaseModel):
    scheduled: int
    waiting: int
    leased: int
    dead: int
    oldest_s: float


def task_out(task: Task) -> TaskOut:
    return TaskOut.model_validate(msgspec.to_builtins(task))


def customer_out(customer: Customer) -> CustomerOut:
    return CustomerOut.model_validate(msgspec.to_builtins(customer))


def lease_out(lease: Lease) -> LeaseOut:
    return LeaseOut(
        lease_id=lease.entry_id,
        call=lease.call,
        task_id=lease.task_id,
        attempt=lease.attempt,
        deliveries=lease.deliveries,
    )
