"""Calls of TS 32.298: MOCallRecord and MTCallRecord of a mobile switch, Inc- and OutGatewayRecord of a gateway exchange.

| in the contract | MO | MT | incoming gateway | outgoing gateway |
|---|---|---|---|---|
| `line_id`, `account_id` | servedMSISDN | servedMSISDN | calledNumber | callingNumber |
| `peer_id` | calledNumber, else connectedNumber | callingNumber | callingNumber | calledNumber |
| `peer_operator` | locationRoutNum, then mscOutgoingTKGP, then prefix | mscIncomingTKGP, prefix | mscIncomingTKGP | as MO |
| `direction` | mo; forward where supplServicesUsed has call forwarding | mt | mt | mo |
| `source` | mo_call | mt_call | inc_gateway | out_gateway |

| in the contract | from all four |
|---|---|
| `ts_ms` | answerTime, else seizureTime: BCD TimeStamp with its own offset, so zones may be mixed in one file |
| `received_ms` | releaseTime, else `ts_ms` + callDuration |
| `duration_s` | callDuration; 0 without answerTime |
| `session_id`, `partial_seq` | with sequenceNumber: keyed digest of recordingEntity, callReference, line; the number |
| `roaming` | the network of servingNodePLMNIdentifier or location is none of `numbers.own_networks` |
| `record_id` | keyed digest of type, recordingEntity, callReference, sequenceNumber, times and numbers: a resend has the same |
| `charge` | 0: rated elsewhere |
| not used | IMSI, IMEI, cells, bearer and CAMEL fields, diagnostics, causeForTerm (partial ones are told by sequenceNumber) |

A gateway exchange sees no IMSI: its records are joined by number. A call that a switch and a gateway both record is two
records: take calls to other networks from one of them.
"""

from typing import Any

import msgspec

from pipeline.events import CallDetailRecord, CdrSource, Direction, RefusalReason
from pipeline.refusals import Refusal
from pipeline.sources.gpp_fields import network_of, number_of, subscriber_of, trunk_of
from pipeline.sources.json_lines import as_shape
from pipeline.sources.native import MAX_CALL_S, Surroundings
from pipeline.sources.numbers import OWN
from pipeline.sources.times import bcd_timestamp_ms

#: SS codes of TS 29.002: all forwarding, unconditional, deflection, all conditional, busy, no reply, not reachable.
FORWARDING_CODES = frozenset({0x20, 0x21, 0x24, 0x28, 0x29, 0x2A, 0x2B})
FORWARDING_NAMES = frozenset({"allforwardingss", "cfu", "cd", "allcondforwardingss", "cfb", "cfnry", "cfnrc"})


class CallFields(msgspec.Struct, frozen=True, rename="camel"):
    """The fields that are read; a choice or an octet string is taken as the decoder wrote it."""

    called_number: Any = None
    calling_number: Any = None
    connected_number: Any = None
    served_msisdn: Any = msgspec.field(default=None, name="servedMSISDN")
    recording_entity: Any = None
    incoming_trunk: Any = msgspec.field(default=None, name="mscIncomingTKGP")
    outgoing_trunk: Any = msgspec.field(default=None, name="mscOutgoingTKGP")
    location_rout_num: str | int | None = None
    location: Any = None
    serving_network: Any = msgspec.field(default=None, name="servingNodePLMNIdentifier")
    suppl_services_used: Any = None
    seizure_time: str = ""
    answer_time: str = ""
    release_time: str = ""
    call_duration: float = 0.0
    call_reference: str | int | None = None
    sequence_number: int | None = None


class _Times(msgspec.Struct, frozen=True):
    start_ms: int
    end_ms: int


def calling_record(value: dict[str, Any], surroundings: Surroundings, kind: str) -> list[CallDetailRecord] | Refusal:
    """The record of an MO or MT call: the served side is ours."""
    fields = as_shape(value, CallFields)
    if isinstance(fields, Refusal):
        return fields
    plan = surroundings.subscribers.plan
    served = subscriber_of(fields.served_msisdn, plan)
    if served is None:
        return Refusal(RefusalReason.MISSING_FIELD, "servedMSISDN is missing or no number")
    outgoing = kind == "mocall"
    if outgoing:
        other = number_of(fields.called_number, plan) or number_of(fields.connected_number, plan)
        direction: Direction = "forward" if _is_forwarded(fields.suppl_services_used) else "mo"
    else:
        other, direction = number_of(fields.calling_number, plan), "mt"
    return _record(fields, surroundings, served, other, direction, "mo_call" if outgoing else "mt_call")


def gateway_record(value: dict[str, Any], surroundings: Surroundings, kind: str) -> list[CallDetailRecord] | Refusal:
    """The record of a call from or to another network: the called, or the calling side is ours."""
    fields = as_shape(value, CallFields)
    if isinstance(fields, Refusal):
        return fields
    plan = surroundings.subscribers.plan
    calling, called = number_of(fields.calling_number, plan), number_of(fields.called_number, plan)
    incoming = kind == "incgateway"
    own, other = (called, calling) if incoming else (calling, called)
    if own is None:
        return Refusal(RefusalReason.MISSING_FIELD, f"{'calledNumber' if incoming else 'callingNumber'} is no number")
    if plan.own_prefixes and not surroundings.subscribers.is_own(own):
        return Refusal(RefusalReason.UNKNOWN_VALUE, "a transit call: our side has none of numbers.own_prefixes")
    source: CdrSource = "inc_gateway" if incoming else "out_gateway"
    return _record(fields, surroundings, own, other, "mt" if incoming else "mo", source)


def _record(
    fields: CallFields,
    surroundings: Surroundings,
    own: str,
    other: str | None,
    direction: Direction,
    source: CdrSource,
) -> list[CallDetailRecord] | Refusal:
    times = _times(fields, surroundings)
    if isinstance(times, Refusal):
        return times
    subscribers = surroundings.subscribers
    peer = subscribers.peer(other, _operator(fields, surroundings, other, direction))
    entity, reference = fields.recording_entity, fields.call_reference
    line_id = subscribers.pseudonym(own)
    part = fields.sequence_number
    # A partial record without a reference cannot be joined to the others: a session of its own.
    session = None if part is None or reference is None else f"gpp-{subscribers.digest(entity, reference, line_id)}"
    identity = (source, entity, reference, part, times.start_ms, times.end_ms, own, other, fields.call_duration)
    return [
        CallDetailRecord(
            record_id=f"gpp-{subscribers.digest(*identity)}",
            ts_ms=times.start_ms,
            received_ms=times.end_ms,
            account_id=subscribers.account(own),
            line_id=line_id,
            service="voice",
            direction=direction,
            peer_id=peer.peer_id,
            peer_operator=peer.operator,
            peer_kind=peer.kind,
            duration_s=fields.call_duration if fields.answer_time else 0.0,
            charge=0.0,
            roaming=is_roaming(fields.serving_network or _area_network(fields.location), surroundings),
            source=source,
            session_id=session,
            partial_seq=part if session else None,
        )
    ]


def _operator(fields: CallFields, surroundings: Surroundings, other: str | None, direction: Direction) -> str | None:
    """The other side's network: the routing number of a ported number, our own numbers, then the trunk group."""
    subscribers = surroundings.subscribers
    incoming = direction == "mt"
    routed = None if incoming or fields.location_rout_num is None else str(fields.location_rout_num).strip()
    if (ported := subscribers.operator_behind(None, routed)) is not None:
        return ported
    if subscribers.is_own(other):
        return OWN
    return subscribers.operator_behind(trunk_of(fields.incoming_trunk if incoming else fields.outgoing_trunk))


def _times(fields: CallFields, surroundings: Surroundings) -> _Times | Refusal:
    if not 0 <= fields.call_duration <= MAX_CALL_S:
        return Refusal(RefusalReason.OUT_OF_RANGE, f"callDuration is not between 0 and {MAX_CALL_S} s")
    began = fields.answer_time or fields.seizure_time
    if not began:
        return Refusal(RefusalReason.MISSING_FIELD, "neither answerTime nor seizureTime")
    try:
        start_ms = bcd_timestamp_ms(began, surroundings.zone)
        end_ms = bcd_timestamp_ms(fields.release_time, surroundings.zone) if fields.release_time else 0
    except ValueError:
        return Refusal(RefusalReason.WRONG_TYPE, "answerTime, seizureTime or releaseTime is no TimeStamp")
    lasted_ms = round(fields.call_duration * 1000)
    if end_ms - start_ms > MAX_CALL_S * 1000:
        return Refusal(RefusalReason.OUT_OF_RANGE, "releaseTime is days after the start: a clock is wrong")
    return _Times(start_ms, max(end_ms, start_ms + lasted_ms))


def is_roaming(network: Any, surroundings: Surroundings) -> bool:
    """Whether a network is known and none of ours."""
    own = surroundings.subscribers.plan.own_networks
    plmn = network_of(network)
    return bool(own) and plmn is not None and plmn not in own


def _area_network(location: Any) -> Any:
    """The PLMN of a LocationAreaAndCell, where the decoder gives it."""
    return location.get("plmnId", location.get("mCC-MNC")) if isinstance(location, dict) else None


def _is_forwarded(used: Any) -> bool:
    """Whether a call was forwarded: the leg to the new target is recorded as an MO call of who set it."""
    services = used if isinstance(used, list) else [used]
    return any(is_forwarding(each.get("ssCode") if isinstance(each, dict) else each) for each in services[:32])


def is_forwarding(code: Any) -> bool:
    """Whether an SS code means call forwarding: its number, its octet in hexadecimal, or its name.

    >>> is_forwarding(0x21), is_forwarding("21"), is_forwarding("cfu"), is_forwarding("11"), is_forwarding(None)
    (True, True, True, False, False)
    """
    if isinstance(code, int):
        return code in FORWARDING_CODES
    text = str(code or "").strip().lower()
    if text in FORWARDING_NAMES:
        return True
    return len(text.removeprefix("0x")) == 2 and text.removeprefix("0x") in {f"{each:02x}" for each in FORWARDING_CODES}
