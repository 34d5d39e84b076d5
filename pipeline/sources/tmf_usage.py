"""TMF635 usage: a call, message or data session.

| in the contract | from Usage |
|---|---|
| `line_id` | pseudonym of the calling number (of the called one, where direction is incoming), else of the rated product's id |
| `account_id` | table of accounts, billingAccount, relatedParty with the role customer, the line |
| `peer_id`, `peer_operator` | the other number |
| `ts_ms` | characteristic startDateTime or the like, else usageDate |
| `service` | usageType, else usageSpecification.name or `@type`: voice, sms or data in it |
| `duration_s` | characteristic duration with its unit (SEC, MIN; `hh:mm:ss`) |
| `bytes_up`, `bytes_down` | characteristics of up and down volume with the unit of volume; a total counts as down |
| `charge` | ratedProductUsage: taxIncludedRatingAmount, else taxExcludedRatingAmount, summed |
| `roaming` | characteristic roaming or roamingIndicator |
| `record_id` | keyed digest of id |
| left out | status rejected or recycled: it comes again |

The names of characteristics are not standardised: the table below has those in use, others are renamed before ingest.
"""

import re

from pipeline.events import CallDetailRecord, CdrSource, Service
from pipeline.sources.native import Surroundings
from pipeline.sources.numbers import OWN
from pipeline.sources.tmf_common import (
    BadFieldError,
    Resource,
    account_id,
    amount_of,
    characteristics,
    objects,
    required,
    required_time,
    text_of,
    time_of,
)
from pipeline.sources.units import UnitError, bytes_in, seconds_in

CALLING = ("originatingnumber", "callingnumber", "callingpartynumber", "anumber", "source", "msisdn")
CALLED = ("destinationnumber", "callednumber", "calledpartynumber", "bnumber", "destination", "dialednumber")
START = ("startDateTime", "startTime", "callStartTime", "startDate")
DURATION = ("duration", "callduration", "usageduration")
UP = ("uplinkvolume", "volumeup", "bytesup", "datavolumeuplink", "uploadvolume")
DOWN = ("downlinkvolume", "volumedown", "bytesdown", "datavolumedownlink", "downloadvolume", "datavolume", "volume",
        "totalvolume")  # fmt: skip
DIRECTION = ("direction", "directioncode", "calldirection")
INCOMING = ("incoming", "inbound", "terminating", "mt", "in")
ROAMING = ("roaming", "roamingindicator", "isroaming", "roamingind")
SERVICES: tuple[tuple[str, Service], ...] = (
    ("sms", "sms"), ("mms", "sms"), ("messag", "sms"), ("voice", "voice"), ("call", "voice"), ("telephon", "voice"),
    ("data", "data"), ("internet", "data"), ("gprs", "data"), ("browsing", "data"),
)  # fmt: skip
SOURCES: dict[Service, CdrSource] = {"sms": "sms", "data": "data"}
NOT_VALID = ("rejected", "recycled")


def usage_records(resource: Resource, surroundings: Surroundings) -> list[CallDetailRecord]:
    """The record of one usage.

    Raises:
        BadFieldError: a field is missing or wrong.
    """
    fields = resource.fields
    if text_of(fields, "status").lower() in NOT_VALID:
        return []
    named = characteristics(fields.get("usageCharacteristic"))
    service = _service(resource)
    incoming = _first(named, DIRECTION).lower() in INCOMING
    calling = _number(named, CALLING, "originatingcountrycode", surroundings)
    called = _number(named, CALLED, "destinationcountrycode", surroundings)
    own, other = (called, calling) if incoming else (calling, called)
    rated = objects(fields.get("ratedProductUsage"))
    line = own or next((text_of(each, "id") for usage in rated for each in objects(usage.get("productRef"))), "")
    if not line:
        raise BadFieldError("no number of the served side, and no productRef", missing=True)
    subscribers = surroundings.subscribers
    peer = subscribers.peer(other)
    return [
        CallDetailRecord(
            record_id=f"tmf635-{subscribers.digest(required(fields, 'id', 'href'))}",
            ts_ms=_start(named, surroundings) or required_time(fields, surroundings, "usageDate"),
            received_ms=time_of(fields, surroundings, "usageDate"),
            account_id=account_id(surroundings, line, fields, *rated),
            line_id=subscribers.pseudonym(line),
            service=service,
            direction="mt" if incoming else "mo",
            peer_id=peer.peer_id,
            peer_operator=OWN if service == "data" else peer.operator,
            peer_kind="other" if service == "data" else peer.kind,
            duration_s=_duration_s(named) if service != "sms" else 0.0,
            bytes_up=_bytes(named, UP),
            bytes_down=_bytes(named, DOWN),
            charge=sum(_charge(each) for each in rated),
            roaming=_first(named, ROAMING).lower() in ("true", "y", "yes", "1", "roaming"),
            source=SOURCES.get(service, "mt_call" if incoming else "mo_call"),
        )
    ]


def _service(resource: Resource) -> Service:
    specification = next(iter(objects(resource.fields.get("usageSpecification"))), {})
    for text in (
        text_of(resource.fields, "usageType"),
        text_of(specification, "name"),
        text_of(resource.fields, "@type"),
    ):
        for word, service in SERVICES:
            if word in text.lower():
                return service
    raise BadFieldError("usageType names neither voice, sms nor data")


def _number(named: dict[str, str], names: tuple[str, ...], country: str, surroundings: Surroundings) -> str | None:
    """A number; with its country code in a characteristic of its own it is international."""
    written = _first(named, names)
    code = re.sub(r"\D", "", named.get(country, ""))
    plan = surroundings.subscribers.plan
    if code and not written.startswith(("+", plan.international_prefix or "+")):
        written = f"+{code}{written.removeprefix(plan.national_prefix)}"
    return plan.normalise(written)


def _start(named: dict[str, str], surroundings: Surroundings) -> int | None:
    return time_of({name: named.get(name.lower(), "") for name in START}, surroundings, *START)


def _duration_s(named: dict[str, str]) -> float:
    text = _first(named, DURATION)
    if not text:
        return 0.0
    try:
        return seconds_in(text, named.get("durationunit", named.get("unit", "s")))
    except UnitError as error:
        raise BadFieldError(f"duration {error}") from None


def _bytes(named: dict[str, str], names: tuple[str, ...]) -> int:
    text = _first(named, names)
    if not text:
        return 0
    try:
        return bytes_in(text, named.get("volumeunit", named.get("unit", "B")))
    except UnitError as error:
        raise BadFieldError(f"volume {error}") from None


def _charge(rated: object) -> float:
    for each in objects(rated):
        for name in ("taxIncludedRatingAmount", "taxExcludedRatingAmount"):
            if (amount := amount_of(each.get(name))) is not None:
                return amount
    return 0.0


def _first(named: dict[str, str], names: tuple[str, ...]) -> str:
    return next((named[name] for name in names if name in named), "")
