"""TMF621 trouble tickets: what a customer complained of or reported, and what became of it.

| in the contract | from TroubleTicket |
|---|---|
| `kind` | ticketType, else name: the first word of the table below that is in it; else complaint |
| fault: `fault_closed` too | status closed or resolved, at resolutionDate, statusChangeDate, lastUpdate |
| `sla_breach` too | resolutionDate after expectedResolutionDate, at the latter |
| `ts_ms` | creationDate |
| `severity` | severity: critical 5, major 4, minor 2, else priority 1 to 4 as 5 to 2, else 3 |
| `channel` | channel.name or id, else `ticket` |
| `text` | description, else name: numbers and addresses taken out |
| `account_id` | relatedParty with the role customer, or a relatedEntity that is a billing account |
| `record_id` | keyed digest of id and kind: each state of a ticket can be sent, each step counts once |
| not used | notes, attachments, relationships, external ids; status cancelled and rejected are left out |
"""

from pipeline.events import CareKind, CareRecord
from pipeline.sources.native import Surroundings
from pipeline.sources.tmf_common import (
    Resource,
    account_id,
    objects,
    required,
    required_time,
    text_of,
    time_of,
    without_numbers,
)

#: Words of ticket types, the more telling ones first.
WORDS: tuple[tuple[str, CareKind], ...] = (
    ("competitor", CareKind.COMPETITOR_CONTACT), ("crisis", CareKind.CRISIS_REPORT), ("sla", CareKind.SLA_BREACH),
    ("price", CareKind.PRICE_INQUIRY), ("tariff", CareKind.PRICE_INQUIRY), ("complaint", CareKind.COMPLAINT),
    ("fault", CareKind.FAULT), ("incident", CareKind.FAULT), ("outage", CareKind.FAULT), ("trouble", CareKind.FAULT),
    ("technical", CareKind.FAULT), ("problem", CareKind.FAULT), ("repair", CareKind.FAULT),
)  # fmt: skip
CLOSED = ("closed", "resolved")
VOID = ("cancelled", "rejected")
SEVERITIES = {"critical": 5, "major": 4, "moderate": 3, "minor": 2, "trivial": 1}
PRIORITIES = {"1": 5, "2": 4, "3": 3, "4": 2, "critical": 5, "high": 4, "medium": 3, "low": 2}


def ticket_records(resource: Resource, surroundings: Surroundings) -> list[CareRecord]:
    """What a ticket tells so far.

    Raises:
        BadFieldError: a field is missing or wrong.
    """
    fields = resource.fields
    status = text_of(fields, "status").lower()
    if status in VOID:
        return []
    kind = _kind(resource)
    name = required(fields, "id")
    account = _account(resource, surroundings)
    channel = next((text_of(each, "name", "id") for each in objects(fields.get("channel"))), "") or "ticket"
    severity = _severity(resource)

    def step(kind: CareKind, ts_ms: int, text: str | None = None) -> CareRecord:
        return CareRecord(
            record_id=f"tmf621-{surroundings.subscribers.digest(name, kind.value)}",
            ts_ms=ts_ms,
            account_id=account,
            kind=kind,
            severity=severity,
            channel=without_numbers(channel) or "ticket",
            text=text,
        )

    created_ms = required_time(fields, surroundings, "creationDate")
    steps = [step(kind, created_ms, without_numbers(text_of(fields, "description", "name")))]
    resolved_ms = time_of(fields, surroundings, "resolutionDate")
    if kind is CareKind.FAULT and status in CLOSED:
        dated = {"eventTime": resource.event_time, **fields}
        times = ("resolutionDate", "statusChangeDate", "eventTime", "lastUpdate")
        steps.append(step(CareKind.FAULT_CLOSED, required_time(dated, surroundings, *times)))
    promised_ms = time_of(fields, surroundings, "expectedResolutionDate")
    if (
        promised_ms is not None
        and resolved_ms is not None
        and resolved_ms > promised_ms
        and kind is not CareKind.SLA_BREACH
    ):
        steps.append(step(CareKind.SLA_BREACH, promised_ms))
    return steps


def _kind(resource: Resource) -> CareKind:
    for text in (text_of(resource.fields, "ticketType"), text_of(resource.fields, "name")):
        for word, kind in WORDS:
            if word in text.lower():
                return kind
    return CareKind.COMPLAINT


def _severity(resource: Resource) -> int:
    severity = text_of(resource.fields, "severity").lower()
    priority = text_of(resource.fields, "priority").lower()
    return SEVERITIES.get(severity) or PRIORITIES.get(priority, 3)


def _account(resource: Resource, surroundings: Surroundings) -> str:
    entities = objects(resource.fields.get("relatedEntity"))
    accounts = [each for each in entities if "account" in str(each.get("@referredType", "")).lower()]
    return account_id(surroundings, None, {"billingAccount": accounts}, resource.fields)
