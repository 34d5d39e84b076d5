"""The contract: records in, records out (CONTRACT.md sections 1, 2 and 4).

Every struct is one JSON object on the wire. Times are integer epoch milliseconds UTC, money is in the operator's
currency, durations are seconds, volumes bytes. A field that may be missing has a default here; `None` then means "not
told". Unknown fields are ignored, so that a newer producer does not stop an older reader.
"""

from enum import StrEnum
from typing import Annotated, Any, Literal, NewType

import msgspec

AccountId = NewType("AccountId", str)
LineId = NewType("LineId", str)
TaskId = NewType("TaskId", str)
WarningId = NewType("WarningId", str)

SCHEMA_VERSION = 1
DEFAULT_PARTITIONS = 8

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
EpochMs = Annotated[int, msgspec.Meta(ge=0, le=32_503_680_000_000, description="epoch milliseconds, UTC")]
PastOrFutureMs = Annotated[
    int,
    msgspec.Meta(ge=-5_000_000_000_000, le=32_503_680_000_000, description="epoch ms, UTC; before 1970 negative"),
]
NonNegative = Annotated[float, msgspec.Meta(ge=0.0, le=1e15)]
Money = Annotated[float, msgspec.Meta(ge=-1e15, le=1e15, description="the operator's currency")]
Volume = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]


class Stream(StrEnum):
    """The six input streams, in the order that breaks ties at equal `received_ms`."""

    CUSTOMERS = "customers"
    ORDERS = "orders"
    CARE = "care"
    BILLING = "billing"
    CDR = "cdr"
    OUTCOMES = "outcomes"


STREAM_RANK: dict[Stream, int] = {stream: rank for rank, stream in enumerate(Stream)}


class Origin(StrEnum):
    """Where a signal's knowledge comes from; the law gate decides by it."""

    OWN_USAGE = "own_usage"
    OWN_BILLING = "own_billing"
    CUSTOMER_TO_US = "customer_to_us"
    REGULATOR = "regulator"
    WHOLESALE_PORTING = "wholesale_porting"


class OrderKind(StrEnum):
    PORT_ELIGIBILITY_QUERY = "port_eligibility_query"
    CONTRACT_RELEASE_REQUEST = "contract_release_request"
    BUNDLE_UNBIND = "bundle_unbind"
    OWNERSHIP_TRANSFER = "ownership_transfer"
    BALANCE_CLEARED = "balance_cleared"
    PORT_CODE_ISSUED = "port_code_issued"
    PORT_CODE_EXPIRED = "port_code_expired"
    PORT_OUT_ORDER = "port_out_order"
    PORT_OUT_DONE = "port_out_done"
    TERMINATION = "termination"
    TERMINATION_CANCELLED = "termination_cancelled"
    TERMINATION_DONE = "termination_done"
    RECONNECT = "reconnect"
    SUSPEND = "suspend"
    RESUME = "resume"
    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"
    RENEWAL = "renewal"
    DEVICE_UNLOCK = "device_unlock"
    SERVICE_REQUEST = "service_request"
    PROVISIONING_DONE = "provisioning_done"


class CareKind(StrEnum):
    COMPLAINT = "complaint"
    FAULT = "fault"
    FAULT_CLOSED = "fault_closed"
    SLA_BREACH = "sla_breach"
    COMPETITOR_CONTACT = "competitor_contact"
    PRICE_INQUIRY = "price_inquiry"
    CRISIS_REPORT = "crisis_report"
    SATISFACTION = "satisfaction"


class BillingKind(StrEnum):
    INVOICE = "invoice"
    PAYMENT = "payment"
    RECHARGE = "recharge"
    CHARGE = "charge"
    ADJUSTMENT = "adjustment"
    OVERDUE = "overdue"
    PLAN_CHANGE = "plan_change"


class Disposition(StrEnum):
    """How a contact ended: one neutral set, mapped to and from a dialer's own codes."""

    REACHED_SAVED = "reached_saved"
    REACHED_REFUSED = "reached_refused"
    REACHED_CALLBACK = "reached_callback"
    OPT_OUT = "opt_out"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    MACHINE = "machine"
    BAD_NUMBER = "bad_number"
    DROPPED = "dropped"
    TRANSFERRED = "transferred"
    DEAD_AIR = "dead_air"
    NOT_TRIED = "not_tried"


class OutcomeKind(StrEnum):
    DISPOSITION = "disposition"
    CHURN = "churn"
    WIN_BACK = "win_back"
    RETURN_VISIT = "return_visit"


class ChurnKind(StrEnum):
    PORT_OUT = "port_out"
    TERMINATION = "termination"
    SILENCE = "silence"
    INVOLUNTARY = "involuntary"


class Level(StrEnum):
    WATCH = "watch"
    WARN = "warn"
    CRITICAL = "critical"


Service = Literal["voice", "sms", "data"]
Direction = Literal["mo", "mt", "forward"]
PeerKind = Literal["subscriber", "competitor_hotline", "own_hotline", "other"]
CdrSource = Literal["mo_call", "mt_call", "inc_gateway", "out_gateway", "sms", "data", "ss_action"]
Segment = Literal["key_account", "business", "public"]
Payment = Literal["prepaid", "postpaid"]
Language = Literal["zh", "en"]
ScoreBasis = Literal["prior", "model"]


class CallDetailRecord(msgspec.Struct, frozen=True, gc=False):
    """One call, message, data session (or a part of it), or supplementary-service action."""

    record_id: Id
    ts_ms: EpochMs
    account_id: Id
    line_id: Id
    service: Service
    direction: Direction
    peer_operator: Id
    peer_kind: PeerKind
    duration_s: NonNegative
    charge: NonNegative
    roaming: bool
    received_ms: EpochMs | None = None
    peer_id: str | None = None
    bytes_up: Volume = 0
    bytes_down: Volume = 0
    source: CdrSource | None = None
    session_id: str | None = None
    partial_seq: Volume | None = None
    forward_to_operator: str | None = None


class BillingRecord(msgspec.Struct, frozen=True, gc=False):
    """An invoice, payment, recharge, single charge, adjustment, overdue notice or plan change."""

    record_id: Id
    ts_ms: EpochMs
    account_id: Id
    kind: BillingKind
    amount: Money
    received_ms: EpochMs | None = None
    line_id: Id | None = None
    balance: Money | None = None
    period: str | None = None
    due_ms: EpochMs | None = None
    plan_id: str | None = None


class OrderRecord(msgspec.Struct, frozen=True, gc=False):
    """A step in the life of a contract: port ladder, termination, suspension, change, provisioning."""

    record_id: Id
    ts_ms: EpochMs
    account_id: Id
    kind: OrderKind
    origin: Origin
    received_ms: EpochMs | None = None
    line_id: Id | None = None
    expires_ms: EpochMs | None = None
    product: str | None = None
    reason: str | None = None


class CareRecord(msgspec.Struct, frozen=True, gc=False):
    """What the customer told us, or what we owe them: complaint, fault, breach, inquiry, satisfaction."""

    record_id: Id
    ts_ms: EpochMs
    account_id: Id
    kind: CareKind
    severity: Annotated[int, msgspec.Meta(ge=1, le=5)]
    channel: str
    received_ms: EpochMs | None = None
    line_id: Id | None = None
    group: Literal["product", "pre_sale", "in_sale", "after_sale", "manager"] | None = None
    score: Annotated[float, msgspec.Meta(ge=1, le=10)] | None = None
    text: str | None = None


class Consent(msgspec.Struct, frozen=True):
    """What the customer allows; a missing answer is no."""

    call: bool = False
    sms: bool = False
    profiling: bool = False


class CustomerRecord(msgspec.Struct, frozen=True):
    """Reference data of one account; a later record replaces the earlier one."""

    ts_ms: EpochMs
    account_id: Id
    segment: Segment
    star: Annotated[int, msgspec.Meta(ge=0, le=5)]
    region: str
    lines: list[Id]
    consent: Consent
    received_ms: EpochMs | None = None
    payment: Payment = "postpaid"
    grid: str | None = None
    brand: str | None = None
    category: str | None = None
    manager_id: str | None = None
    deputy_id: str | None = None
    team_id: str | None = None
    tenure_start_ms: PastOrFutureMs | None = None
    contract_end_ms: EpochMs | None = None
    timezone: str | None = None
    contact_window: str | None = None
    language: Language | None = None
    indicators: dict[str, float] | None = None


class OutcomeRecord(msgspec.Struct, frozen=True, gc=False):
    """What happened next: a contact's disposition, a churn, a win-back, a return visit."""

    record_id: Id
    ts_ms: EpochMs
    account_id: Id
    kind: OutcomeKind
    received_ms: EpochMs | None = None
    line_id: Id | None = None
    task_id: str | None = None
    disposition: Disposition | None = None
    churn_kind: ChurnKind | None = None
    churn_ms: EpochMs | None = None
    note: str | None = None


class Truth(msgspec.Struct, frozen=True):
    """One line of `truth.jsonl`: when and why a line really left. Never read by the engine."""

    account_id: Id
    line_id: Id
    churn_ms: EpochMs
    cause: str
    decided_ms: EpochMs | None = None


Record = CallDetailRecord | BillingRecord | OrderRecord | CareRecord | CustomerRecord | OutcomeRecord

RECORD_TYPES: dict[Stream, type[Record]] = {
    Stream.CUSTOMERS: CustomerRecord,
    Stream.ORDERS: OrderRecord,
    Stream.CARE: CareRecord,
    Stream.BILLING: BillingRecord,
    Stream.CDR: CallDetailRecord,
    Stream.OUTCOMES: OutcomeRecord,
}


class SignalReport(msgspec.Struct, frozen=True):
    """One signal inside a warning: how strong, since when, on what evidence."""

    name: str
    origin: Origin
    strength: Share
    since_ms: EpochMs
    evidence: dict[str, float]


class ChurnWarning(msgspec.Struct, frozen=True):
    """A decision of the engine: this line, or account when `line_id` is None, may leave, and why."""

    warning_id: Id
    ts_ms: EpochMs
    account_id: Id
    line_id: Id | None
    level: Level
    score: Share
    score_basis: ScoreBasis
    days_left: float | None
    signals: list[SignalReport]
    reasons: list[str]
    model_version: str
    features_hash: str


class Example(msgspec.Struct, frozen=True):
    """A feature vector as it was at `snapshot_ms`, with the label that became known at `known_ms`.

    `corrects`: the id of an earlier example of the same snapshot whose label turned out wrong.
    """

    example_id: Id
    line_id: Id
    account_id: Id
    snapshot_ms: EpochMs
    known_ms: EpochMs
    churned: bool
    weight: NonNegative
    features: list[float | None]
    feature_schema: str
    corrects: Id | None = None


class ModelMessage(msgspec.Struct, frozen=True):
    """A published model: numbers only, never code. `body` is the learner's export, `sha256` is over its JSON."""

    version: str
    kind: str
    created_ms: EpochMs
    counts_from_ms: EpochMs
    labels_learned: int
    feature_schema: str
    river_version: str
    body: dict[str, Any]
    metrics: dict[str, float]
    sha256: str
    schema_version: int = SCHEMA_VERSION


class RefusalReason(StrEnum):
    """Why a record was not taken. Closed: a metric label and a dead-letter field."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    INVALID_JSON = "invalid_json"
    NOT_AN_OBJECT = "not_an_object"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    UNKNOWN_VALUE = "unknown_value"
    OUT_OF_RANGE = "out_of_range"
    WRONG_KEY = "wrong_key"
    TOO_OLD = "too_old"
    FROM_THE_FUTURE = "from_the_future"
    UNREADABLE_LINE = "unreadable_line"
    UNKNOWN_FORMAT = "unknown_format"


class DeadLetter(msgspec.Struct, frozen=True, omit_defaults=True):
    """What was refused, where it stood, why, and its raw text (undecodable bytes as backslash escapes)."""

    stream: str
    reason: RefusalReason
    raw: str
    detail: str = ""
    partition: int | None = None
    offset: int | None = None
    file: str | None = None
    line: int | None = None
