"""What stands in the fields of decoded 3GPP records: addresses, trunk groups, networks, numbers in many spellings.

Decoders differ: an octet string is written in hexadecimal or already read, an enumeration as its number or its name, a
choice as an object with one member. Each function here takes all of these.
"""

import re
from typing import Any

from pipeline.sources.numbers import NumberPlan

_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){2,16}")
_PLAIN = re.compile(r"\+?\d{2,20}")
_GPSI = re.compile(r"(?:msisdn|tel)[-:](\+?\d{5,15})", re.IGNORECASE)
INTERNATIONAL = 1
NATIONAL = 2
TON_NAMES = {"international": INTERNATIONAL, "internationalnumber": INTERNATIONAL, "national": NATIONAL,
             "nationalnumber": NATIONAL}  # fmt: skip


def number_of(value: Any, plan: NumberPlan) -> str | None:
    """A number in any spelling, normalised; None where there is none.

    An object may tell the type of number beside the digits; octets begin with it (TS 29.002 AddressString: extension,
    three bits type, four bits plan; then the digits, halves swapped, F fills up).

    >>> plan = NumberPlan(country_code="86", address_strings="tbcd")
    >>> number_of("91683108100005F0", plan), number_of({"ton": 1, "digits": "8613800138000"}, plan)
    ('+8613800100500', '+8613800138000')
    """
    if isinstance(value, dict):
        digits = next((value[key] for key in ("digits", "number", "address", "value") if key in value), None)
        return _typed(str(digits or ""), _type_of_number(value), plan)
    if isinstance(value, list):
        return next(
            (found for each in value[:4] if not isinstance(each, list) and (found := number_of(each, plan))), None
        )
    text = str(value or "").strip()
    if named := _GPSI.fullmatch(text):
        return _typed(named[1], INTERNATIONAL, plan)
    if plan.address_strings == "tbcd" and _HEX.fullmatch(text):
        return _from_octets(bytes.fromhex(text), plan)
    return plan.normalise(text)


def subscriber_of(value: Any, plan: NumberPlan) -> str | None:
    """The served number: an MSISDN is always international, whether or not it says so.

    >>> subscriber_of("4915112345678", NumberPlan(country_code="86"))
    '+4915112345678'
    """
    found = number_of(value, plan)
    if (
        found is None
        or found.startswith("+")
        or plan.address_strings == "tbcd"
        or not _looks_international(found, plan)
    ):
        return found
    return f"+{found}"


def trunk_of(value: Any) -> str | None:
    """The name or number of a trunk group: TrunkGroup is a choice of `tkgpNumber` and `tkgpName`.

    >>> trunk_of({"tkgpName": "TG-CMCC-1"}), trunk_of({"tkgpNumber": 17}), trunk_of(17), trunk_of(None)
    ('TG-CMCC-1', '17', '17', None)
    """
    if isinstance(value, dict):
        value = value.get("tkgpName", value.get("tkgpNumber"))
    return str(value).strip()[:64] or None if isinstance(value, int | str) else None


def network_of(value: Any) -> str | None:
    """PLMN id as country and network code: digits, an object, or three octets of TBCD (TS 24.008 10.5.1.13).

    >>> network_of("64F000"), network_of("46000"), network_of({"mcc": "460", "mnc": "00"}), network_of("mobile")
    ('46000', '46000', '46000', None)
    """
    if isinstance(value, dict):
        value = f"{value.get('mcc', value.get('mCC', ''))}{value.get('mnc', value.get('mNC', ''))}"
    text = str(value or "").strip()
    if re.fullmatch(r"[0-9a-fA-F]{6}", text) and not text.isdecimal():
        return "".join(text.upper()[place] for place in (1, 0, 3, 5, 4, 2)).replace("F", "")
    return text if re.fullmatch(r"\d{5,6}", text) else None


def code_of(value: Any, names: dict[str, int]) -> int | None:
    """An enumeration by number, name, or hexadecimal octet.

    >>> code_of("activation", {"activation": 2}), code_of(2, {}), code_of("21", {}), code_of("0x21", {})
    (2, 2, 21, 33)
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        return value
    text = str(value).strip()
    if text.lower() in names:
        return names[text.lower()]
    if re.fullmatch(r"0[xX][0-9a-fA-F]{1,4}", text):
        return int(text, 16)
    return int(text) if re.fullmatch(r"\d{1,6}", text) and text.isascii() else None


def _typed(digits: str, ton: int | None, plan: NumberPlan) -> str | None:
    if not _PLAIN.fullmatch(digits) or not digits.isascii():
        return None
    if ton == INTERNATIONAL and not digits.startswith("+"):
        return f"+{digits}"
    if ton == NATIONAL and plan.country_code and not digits.startswith("+"):
        return f"+{plan.country_code}{digits}"
    return plan.normalise(digits)


def _type_of_number(value: dict[str, Any]) -> int | None:
    told = next((value[key] for key in ("ton", "natureOfAddress", "typeOfNumber") if key in value), None)
    if isinstance(told, int):
        return told
    return TON_NAMES.get(str(told or "").lower().replace("-", "").replace(" ", ""))


def _from_octets(octets: bytes, plan: NumberPlan) -> str | None:
    """Type of number in the first octet, then digits with their halves swapped."""
    digits = "".join(f"{octet & 15:x}{octet >> 4:x}" for octet in octets[1:]).rstrip("f")
    return _typed(digits, (octets[0] >> 4) & 7, plan)


def _looks_international(digits: str, plan: NumberPlan) -> bool:
    """Digits of an MSISDN, unless they are written as they are dialled at home, or as an extension."""
    dialled = tuple(prefix for prefix in (plan.international_prefix, plan.national_prefix) if prefix)
    return len(digits) > 9 and not (dialled and digits.startswith(dialled))
