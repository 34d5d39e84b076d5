"""Data sessions of TS 32.298: PGWRecord and SGWRecord (4G), CHF's ChargingRecord (5G).

| in the contract | PGW, SGW | CHF |
|---|---|---|
| `line_id`, `account_id` | servedMSISDN | subscriberIdentifier, pDUSessionChargingInformation.userIdentifier: the E.164 one |
| `ts_ms` | recordOpeningTime | recordOpeningTime |
| `received_ms` | recordOpeningTime + duration | the same |
| `duration_s` | duration | duration |
| `bytes_up`, `bytes_down` | listOfServiceData (PGW), else listOfTrafficVolumes: summed | usedUnitContainers: summed |
| `session_id` | keyed digest of p-GWAddress, chargingID and line | of chargingSessionIdentifier or pDUSessionChargingID, line |
| `partial_seq` | recordSequenceNumber | recordSequenceNumber |
| `roaming` | servingNodePLMNIdentifier not in `numbers.own_networks` | userRoamerInOut = out-bound |

A session is one record or many with a rising sequence number; each carries only its own volume. listOfServiceData and
listOfTrafficVolumes count the same bytes twice, so one of them is taken. A container that tells only its total counts as
down. A message in a ChargingRecord (sMSChargingInformation) is a record of service sms.
Not used: IMSI, IMEI, cells, QoS, rating groups, causeForRecClosing.
"""

from typing import Any

import msgspec

from pipeline.events import CallDetailRecord, RefusalReason
from pipeline.refusals import Refusal
from pipeline.sources.gpp_calls import is_roaming
from pipeline.sources.gpp_fields import code_of, subscriber_of
from pipeline.sources.json_lines import as_shape
from pipeline.sources.native import Surroundings
from pipeline.sources.numbers import OWN
from pipeline.sources.times import bcd_timestamp_ms

#: A record is closed at the latest when its session is: longer than this, its clock or its unit is wrong.
MAX_RECORD_S = 31 * 86_400
ROAMERS = {"roameroutbound": 1, "outbound": 1, "out_bound": 1, "roamerinbound": 0, "inbound": 0, "in_bound": 0}
E164_TYPES = {"end-user-e164": 0, "end_user_e164": 0, "enduse164": 0, "end-user-imsi": 1, "end_user_imsi": 1}


class _Volume(msgspec.Struct, frozen=True):
    """One entry of listOfTrafficVolumes or of listOfServiceData."""

    up: int = msgspec.field(default=0, name="dataVolumeGPRSUplink")
    down: int = msgspec.field(default=0, name="dataVolumeGPRSDownlink")
    service_up: int = msgspec.field(default=0, name="datavolumeFBCUplink")
    service_down: int = msgspec.field(default=0, name="datavolumeFBCDownlink")


class _Container(msgspec.Struct, frozen=True, rename="camel"):
    data_total_volume: int = 0
    data_volume_uplink: int = 0
    data_volume_downlink: int = 0


class _Usage(msgspec.Struct, frozen=True, rename="camel"):
    used_unit_containers: list[_Container] = []


class _SessionFields(msgspec.Struct, frozen=True, rename="camel"):
    """What PGW, SGW and CHF share, then what each has of its own."""

    record_opening_time: str
    duration: float = 0.0
    record_sequence_number: int | None = None
    served_msisdn: Any = msgspec.field(default=None, name="servedMSISDN")
    gateway: Any = msgspec.field(default=None, name="p-GWAddress")
    charging_id: str | int | None = msgspec.field(default=None, name="chargingID")
    serving_network: Any = msgspec.field(default=None, name="servingNodePLMNIdentifier")
    list_of_traffic_volumes: list[_Volume] = []
    list_of_service_data: list[_Volume] = []
    subscriber_identifier: Any = None
    list_of_multiple_unit_usage: list[_Usage] = []
    pdu_session: dict[str, Any] = msgspec.field(default_factory=dict, name="pDUSessionChargingInformation")
    message: Any = msgspec.field(default=None, name="sMSChargingInformation")
    charging_session_identifier: str | int | None = None


def gateway_session_record(
    value: dict[str, Any], surroundings: Surroundings, kind: str
) -> list[CallDetailRecord] | Refusal:
    """The record of a session, or of a part of it, at a packet gateway."""
    fields = as_shape(value, _SessionFields)
    if isinstance(fields, Refusal):
        return fields
    volumes = fields.list_of_service_data or fields.list_of_traffic_volumes
    up = sum(each.up + each.service_up for each in volumes)
    down = sum(each.down + each.service_down for each in volumes)
    served = subscriber_of(fields.served_msisdn, surroundings.subscribers.plan)
    session = None if fields.charging_id is None else f"{fields.gateway}/{fields.charging_id}"
    roaming = is_roaming(fields.serving_network, surroundings)
    return _record(fields, surroundings, served, (up, down), f"{kind}/{session}" if session else None, roaming=roaming)


def chf_record(value: dict[str, Any], surroundings: Surroundings, _kind: str) -> list[CallDetailRecord] | Refusal:
    """The record of a session, or of a part of it, at the charging function of a 5G core."""
    fields = as_shape(value, _SessionFields)
    if isinstance(fields, Refusal):
        return fields
    used = [each for usage in fields.list_of_multiple_unit_usage for each in usage.used_unit_containers]
    up = sum(each.data_volume_uplink for each in used)
    down = sum(each.data_volume_downlink or max(0, each.data_total_volume - each.data_volume_uplink) for each in used)
    session = fields.charging_session_identifier or fields.pdu_session.get("pDUSessionChargingID")
    outbound = code_of(fields.pdu_session.get("userRoamerInOut"), ROAMERS) == 1
    served = _gpsi(fields, surroundings)
    return _record(fields, surroundings, served, (up, down), f"chf/{session}" if session else None, roaming=outbound)


def _record(
    fields: _SessionFields,
    surroundings: Surroundings,
    served: str | None,
    volume: tuple[int, int],
    session: str | None,
    *,
    roaming: bool,
) -> list[CallDetailRecord] | Refusal:
    if served is None:
        return Refusal(RefusalReason.MISSING_FIELD, "no MSISDN: servedMSISDN or an E.164 subscriber is missing")
    if not 0 <= fields.duration <= MAX_RECORD_S:
        return Refusal(RefusalReason.OUT_OF_RANGE, f"duration is not between 0 and {MAX_RECORD_S} s")
    try:
        ts_ms = bcd_timestamp_ms(fields.record_opening_time, surroundings.zone)
    except ValueError:
        return Refusal(RefusalReason.WRONG_TYPE, "recordOpeningTime is no TimeStamp")
    subscribers = surroundings.subscribers
    line_id = subscribers.pseudonym(served)
    part = fields.record_sequence_number if session else None
    identity = (session, fields.record_sequence_number, ts_ms, served, *volume, fields.duration)
    is_message = fields.message is not None
    return [
        CallDetailRecord(
            record_id=f"gpp-{subscribers.digest(*identity)}",
            ts_ms=ts_ms,
            received_ms=ts_ms + round(fields.duration * 1000),
            account_id=subscribers.account(served),
            line_id=line_id,
            service="sms" if is_message else "data",
            direction="mo",
            peer_operator="unknown" if is_message else OWN,
            peer_kind="other",
            duration_s=fields.duration,
            bytes_up=volume[0],
            bytes_down=volume[1],
            charge=0.0,
            roaming=roaming,
            source="sms" if is_message else "data",
            session_id=None if part is None else f"gpp-{subscribers.digest(session, line_id)}",
            partial_seq=part,
        )
    ]


def _gpsi(fields: _SessionFields, surroundings: Surroundings) -> str | None:
    """The telephone number among the identifiers; a SUPI or an IMSI is none."""
    identifiers = [fields.pdu_session.get("userIdentifier"), fields.subscriber_identifier, fields.served_msisdn]
    for each in identifiers:
        value = each
        if isinstance(each, dict):
            if code_of(each.get("subscriptionIDType"), E164_TYPES) not in (0, None):
                continue
            value = each.get("subscriptionIDData", each)
        if isinstance(value, str) and value.lower().startswith(("imsi", "nai")):
            continue
        if (number := subscriber_of(value, surroundings.subscribers.plan)) is not None:
            return number
    return None
