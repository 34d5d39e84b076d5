"""What TM Forum's payloads share: references to accounts, amounts, characteristics, times; events around a resource."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.sources.native import Surroundings
from pipeline.sources.times import iso_ms

#: Seven digits or more: a product called Office 10000 keeps its name.
_LONG_NUMBER = re.compile(r"\d(?:[\s./-]?\d){6,}")
_ADDRESS = re.compile(r"\S+@[^\s,;]+")
MAX_TEXT_CHARS = 500
#: Names under which a product or usage carries the number of its line, small letters only.
LINE_NAMES = ("msisdn", "phonenumber", "telephonenumber", "subscribernumber", "linenumber", "mdn", "number")
CUSTOMER_ROLES = ("customer", "billingaccount", "account", "subscriber", "owner", "user")


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of one API, out of its event; `event_time` and `event_type` are empty where there was none."""

    api: str
    fields: Mapping[str, Any]
    event_time: str = ""
    event_type: str = ""


class BadFieldError(Exception):
    """A field that is missing or not what it should be; `reason` as in a refusal, the message names the field."""

    def __init__(self, detail: str, *, missing: bool = False) -> None:
        super().__init__(detail)
        self.missing = missing


def text_of(fields: Mapping[str, Any], *names: str) -> str:
    """The first of these fields that is a text or a number, as text; empty where there is none."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return str(value).strip()
    return ""


def required(fields: Mapping[str, Any], *names: str) -> str:
    """The same, which must be there.

    Raises:
        BadFieldError: none of them is.
    """
    text = text_of(fields, *names)
    if not text:
        raise BadFieldError(f"{' or '.join(names)} is missing", missing=True)
    return text


def time_of(fields: Mapping[str, Any], surroundings: Surroundings, *names: str) -> int | None:
    """The first of these times, epoch ms.

    Raises:
        BadFieldError: it is there and no time.
    """
    for name in names:
        text = text_of(fields, name)
        if text:
            try:
                return iso_ms(text, surroundings.zone)
            except ValueError:
                raise BadFieldError(f"{name} is no time of ISO 8601") from None
    return None


def required_time(fields: Mapping[str, Any], surroundings: Surroundings, *names: str) -> int:
    """The first of these times.

    Raises:
        BadFieldError: there is none.
    """
    found = time_of(fields, surroundings, *names)
    if found is None:
        raise BadFieldError(f"{' or '.join(names)} is missing", missing=True)
    return found


def amount_of(value: Any) -> float | None:
    """An amount: a number, or an object with `value` (version 4) or `amount` (versions 2 and 3).

    >>> amount_of({"unit": "EUR", "value": 12.5}), amount_of("12.5"), amount_of(None)
    (12.5, 12.5, None)
    """
    if isinstance(value, dict):
        value = value.get("value", value.get("amount"))
    if value is None or isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        raise BadFieldError("an amount is no number") from None


def objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list, or the one object that stands where a list may."""
    found = value if isinstance(value, list) else [value]
    return [each for each in found if isinstance(each, dict)]


def characteristics(*values: Any) -> dict[str, str]:
    """Name (small letters and digits only) to value of name-value lists, the first of a name wins.

    >>> characteristics([{"name": "originating-Number", "value": 123}])
    {'originatingnumber': '123'}
    """
    found: dict[str, str] = {}
    for value in values:
        for each in objects(value):
            name = re.sub(r"[^a-z0-9]", "", str(each.get("name", "")).lower())
            inner = each.get("value")
            if isinstance(inner, dict):
                inner = inner.get("value", inner.get("amount"))
            if name and isinstance(inner, str | int | float) and str(inner).strip():
                found.setdefault(name, str(inner).strip())
    return found


def account_id(surroundings: Surroundings, number: str | None, *holders: Mapping[str, Any]) -> str:
    """The account: by the table of accounts, else billing account, else customer, else the line itself.

    Raises:
        BadFieldError: nothing of all this.
    """
    subscribers = surroundings.subscribers
    if number is not None and number in subscribers.accounts:
        return subscribers.accounts[number]
    for holder in holders:
        for each in objects(holder.get("billingAccount")):
            if found := text_of(each, "id"):
                return found
    for holder in holders:
        for each in objects(holder.get("relatedParty")):
            role = str(each.get("role", "") or each.get("@referredType", "")).lower().replace(" ", "")
            if role in CUSTOMER_ROLES and (found := text_of(each, "id")):
                return found
    if number is None:
        raise BadFieldError("neither billingAccount nor a relatedParty with the role customer", missing=True)
    return subscribers.account(number)


def line_number(surroundings: Surroundings, product: Mapping[str, Any]) -> str | None:
    """The number of a product, normalised: a characteristic that is named so, or its serial number."""
    named = characteristics(product.get("productCharacteristic"), product.get("characteristic"))
    for name in LINE_NAMES:
        if name in named and (number := surroundings.subscribers.plan.normalise(named[name])) is not None:
            return number
    serial = text_of(product, "productSerialNumber")
    return surroundings.subscribers.plan.normalise(serial) if serial.startswith("+") or len(serial) > 6 else None


def without_numbers(text: str) -> str | None:
    """A customer's words without numbers and addresses that would tell who it is; None where there are none.

    >>> without_numbers("call me: +49 30 123456 or hans@example.org, since 2 weeks")
    'call me: +# or #, since 2 weeks'
    """
    return _LONG_NUMBER.sub("#", _ADDRESS.sub("#", text)).strip()[:MAX_TEXT_CHARS] or None
