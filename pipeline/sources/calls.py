"""A call between two numbers becomes one record for each side of it that is ours."""

from dataclasses import dataclass, replace

from pipeline.events import CallDetailRecord, CdrSource, Direction, RefusalReason, Service
from pipeline.refusals import Refusal
from pipeline.sources.numbers import OWN
from pipeline.sources.subscribers import Subscribers


@dataclass(frozen=True, slots=True)
class Call:
    """One call or message, understood. Numbers are normalised, None where there is none; times are epoch ms."""

    record_id: str
    start_ms: int
    end_ms: int
    answered_s: float
    caller: str | None
    callee: str | None
    caller_account: str = ""
    callee_account: str = ""
    caller_is_ours: bool = False
    callee_is_ours: bool = False
    service: Service = "voice"
    charge: float = 0.0


def sides(call: Call, subscribers: Subscribers) -> list[CallDetailRecord] | Refusal:
    """The records of a call: two where both sides are ours; the caller pays.

    A call between strangers is refused when our prefixes are known; when not, the caller is taken for ours.
    """
    if not call.caller_is_ours and not call.callee_is_ours:
        if subscribers.plan.own_prefixes:
            return Refusal(RefusalReason.UNKNOWN_VALUE, "neither side begins with one of numbers.own_prefixes")
        if call.caller is None:
            return Refusal(RefusalReason.MISSING_FIELD, "no number of ours: the caller's is empty")
        call = replace(call, caller_is_ours=True)
    records = []
    if call.caller_is_ours and call.caller is not None:
        records.append(_side(call, subscribers, "mo", call.caller, call.callee))
    if call.callee_is_ours and call.callee is not None:
        records.append(_side(call, subscribers, "mt", call.callee, call.caller))
    return records


def _side(call: Call, subscribers: Subscribers, direction: Direction, own: str, other: str | None) -> CallDetailRecord:
    outgoing = direction == "mo"
    source: CdrSource = "sms" if call.service == "sms" else "mo_call" if outgoing else "mt_call"
    peer = subscribers.peer(other, OWN if (call.callee_is_ours if outgoing else call.caller_is_ours) else None)
    return CallDetailRecord(
        record_id=f"{call.record_id}-{direction}",
        ts_ms=call.start_ms,
        received_ms=call.end_ms,
        account_id=subscribers.account(own, call.caller_account if outgoing else call.callee_account),
        line_id=subscribers.pseudonym(own),
        service=call.service,
        direction=direction,
        peer_id=peer.peer_id,
        peer_operator=peer.operator,
        peer_kind=peer.kind,
        duration_s=call.answered_s,
        charge=call.charge if outgoing else 0.0,
        roaming=False,
        source=source,
    )
