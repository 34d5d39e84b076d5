"""Messages and supplementary services of TS 32.298.

| in the contract | MOSMSRecord | MTSMSRecord | SSActionRecord |
|---|---|---|---|
| `line_id`, `account_id` | servedMSISDN | servedMSISDN | servedMSISDN |
| `peer_id`, `peer_operator` | destinationNumber | originator, where the record has it | ssParameters.forwardedToNumber |
| `ts_ms` | originationTime (packet domain: eventTimeStamp) | deliveryTime | ssActionTime |
| `service`, `direction`, `source` | sms, mo, sms | sms, mt, sms | voice, forward, ss_action |
| `forward_to_operator` | - | - | operator of the target, when forwarding was registered or activated |

A message that failed (smsResult is there) was sent all the same: a sign of life. A failed service action
(ssActionResult), an interrogation, and other services than call forwarding set nothing: a record without
`forward_to_operator`. Activation often carries no number: the target registered before is not in the record, and the
operator then is `unknown`. Not used: IMSI, IMEI, cells, serviceCentre, messageReference.
"""

from typing import Any

import msgspec

from pipeline.events import CallDetailRecord, CdrSource, Direction, RefusalReason, Service
from pipeline.refusals import Refusal
from pipeline.sources.gpp_calls import is_forwarding, is_roaming
from pipeline.sources.gpp_fields import code_of, network_of, number_of, subscriber_of
from pipeline.sources.json_lines import as_shape
from pipeline.sources.native import Surroundings
from pipeline.sources.subscribers import Peer
from pipeline.sources.times import bcd_timestamp_ms

#: SSActionType of TS 32.298.
ACTIONS = {
    "registration": 0, "erasure": 1, "activation": 2, "deactivation": 3, "interrogation": 4, "invocation": 5,
    "passwordregistration": 6,
}  # fmt: skip
SETS_FORWARDING = {0, 2}


class _ServiceFields(msgspec.Struct, frozen=True, rename="camel"):
    served_msisdn: Any = msgspec.field(default=None, name="servedMSISDN")
    recording_entity: Any = None
    destination_number: Any = None
    origination: Any = None
    origination_time: str = ""
    event_time_stamp: str = ""
    delivery_time: str = ""
    message_reference: Any = None
    serving_network: Any = msgspec.field(default=None, name="servingNodePLMNIdentifier")
    suppl_service: Any = None
    ss_action: Any = None
    ss_action_time: str = ""
    ss_parameters: Any = None
    ss_action_result: Any = None
    call_reference: Any = None


def message_record(value: dict[str, Any], surroundings: Surroundings, kind: str) -> list[CallDetailRecord] | Refusal:
    """The record of a message sent, or received."""
    fields = as_shape(value, _ServiceFields)
    if isinstance(fields, Refusal):
        return fields
    plan = surroundings.subscribers.plan
    sent = kind == "mosms"
    time = (fields.origination_time if sent else fields.delivery_time) or fields.event_time_stamp
    other = number_of(fields.destination_number if sent else fields.origination, plan)
    peer = surroundings.subscribers.peer(other)
    return _record(fields, surroundings, time, peer, "sms", "mo" if sent else "mt", "sms")


def service_action_record(
    value: dict[str, Any], surroundings: Surroundings, _kind: str
) -> list[CallDetailRecord] | Refusal:
    """The record of a supplementary service that was set, erased or asked for."""
    fields = as_shape(value, _ServiceFields)
    if isinstance(fields, Refusal):
        return fields
    subscribers = surroundings.subscribers
    parameters = fields.ss_parameters
    target = parameters.get("forwardedToNumber") if isinstance(parameters, dict) else None
    number = number_of(target, subscribers.plan)
    found = subscribers.peer(number)
    operator = subscribers.owner_code(number) if number else found.operator
    peer = Peer(found.peer_id, operator, "other")
    is_set = (
        is_forwarding(fields.suppl_service)
        and code_of(fields.ss_action, ACTIONS) in SETS_FORWARDING
        and fields.ss_action_result is None
    )
    forward_to = operator if is_set else None
    time = fields.ss_action_time
    return _record(fields, surroundings, time, peer, "voice", "forward", "ss_action", forward_to=forward_to)


def _record(
    fields: _ServiceFields,
    surroundings: Surroundings,
    time: str,
    peer: Peer,
    service: Service,
    direction: Direction,
    source: CdrSource,
    *,
    forward_to: str | None = None,
) -> list[CallDetailRecord] | Refusal:
    subscribers = surroundings.subscribers
    served = subscriber_of(fields.served_msisdn, subscribers.plan)
    if served is None:
        return Refusal(RefusalReason.MISSING_FIELD, "servedMSISDN is missing or no number")
    if not time:
        return Refusal(RefusalReason.MISSING_FIELD, "the time of the record is missing")
    try:
        ts_ms = bcd_timestamp_ms(time, surroundings.zone)
    except ValueError:
        return Refusal(RefusalReason.WRONG_TYPE, "the time of the record is no TimeStamp")
    identity = (source, direction, fields.recording_entity, fields.message_reference, fields.call_reference, ts_ms,
                served, peer.peer_id, fields.suppl_service, fields.ss_action)  # fmt: skip
    return [
        CallDetailRecord(
            record_id=f"gpp-{subscribers.digest(*identity)}",
            ts_ms=ts_ms,
            account_id=subscribers.account(served),
            line_id=subscribers.pseudonym(served),
            service=service,
            direction=direction,
            peer_id=peer.peer_id,
            peer_operator=peer.operator,
            peer_kind=peer.kind,
            duration_s=0.0,
            charge=0.0,
            roaming=is_roaming(network_of(fields.serving_network), surroundings),
            source=source,
            forward_to_operator=forward_to,
        )
    ]
