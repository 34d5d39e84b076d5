"""Telephone numbers as an exchange writes them: one spelling, and whose they are.

What the tables of the settings leave open is asked of `phonenumbers` (Google's metadata of all numbering plans): whether
a country has such numbers at all, and whether it is a fixed one.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from phonenumbers import (
    NumberParseException,
    PhoneNumberFormat,
    PhoneNumberType,
    format_number,
    is_possible_number,
    is_valid_number,
    number_type,
    parse,
    region_code_for_country_code,
)

_FILL = re.compile(r"[\s().\-/]+")
_DIGITS = re.compile(r"\+?\d{2,20}")
OWN = "self"
ABROAD = "intl"
UNKNOWN = "unknown"
FIXED = "fixed"
#: Numbers repeat: asking the metadata costs 55 us, remembering it 0.1 us and 20 MB.
REMEMBERED_NUMBERS = 100_000
MOBILE = frozenset({PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE})

AddressStrings = Literal["digits", "tbcd"]


@dataclass(frozen=True, slots=True)
class NumberPlan:
    """How numbers are written here and whom they belong to; from settings, all prefixes in international spelling.

    `operators` and `competitor_hotlines` map a prefix (or a whole number) to an operator's code; the longest one wins.
    Without `own_prefixes` it is unknown which numbers are ours, and the caller decides by other means. `trunks` maps a
    trunk group and `routing_numbers` the prefix of a ported number's routing number to an operator's code;
    `own_networks` are our PLMN ids (country and network code, `46000`); `address_strings` tells how decoded 3GPP records
    write numbers: as digits, or as the octets of TS 29.002 AddressString in hexadecimal.
    """

    country_code: str = ""
    international_prefix: str = "00"
    national_prefix: str = "0"
    extension_digits_max: int = 5
    own_prefixes: tuple[str, ...] = ()
    operators: dict[str, str] = field(default_factory=dict)
    competitor_hotlines: dict[str, str] = field(default_factory=dict)
    own_hotlines: frozenset[str] = frozenset()
    trunks: dict[str, str] = field(default_factory=dict)
    routing_numbers: dict[str, str] = field(default_factory=dict)
    own_networks: frozenset[str] = frozenset()
    address_strings: AddressStrings = "digits"

    def normalise(self, written: str) -> str | None:
        """The one spelling of a number: `+` and country code where that is known; None where it is no number.

        Without any prefix it is taken for a national number where the country's plan has such a mobile one (a fixed one
        could be a local number as well), and any where no prefix is dialled.

        >>> plan = NumberPlan(country_code="49")
        >>> plan.normalise("0049 30/123-456"), plan.normalise("030 123456"), plan.normalise("2001"), plan.normalise("s")
        ('+4930123456', '+4930123456', '2001', None)
        >>> plan.normalise("15112345678"), plan.normalise("4915112345678"), plan.normalise("30123456")
        ('+4915112345678', '+4915112345678', '30123456')
        """
        number = _FILL.sub("", written)
        if not _DIGITS.fullmatch(number):
            return None
        if number.startswith("+") or self.is_extension(number):
            return number
        if self.international_prefix and number.startswith(self.international_prefix):
            return "+" + number.removeprefix(self.international_prefix)
        if not self.country_code or self._is_hotline(number):
            return number
        if self.national_prefix and number.startswith(self.national_prefix):
            return f"+{self.country_code}{number.removeprefix(self.national_prefix)}"
        if (national := national_number(number, self.country_code, closed_plan=not self.national_prefix)) is not None:
            return national
        return f"+{number}" if number.startswith(self.country_code) and len(number) > 9 else number

    def is_extension(self, number: str) -> bool:
        """Whether this is an internal extension: a few digits that name no hotline."""
        return number.isdigit() and len(number) <= self.extension_digits_max and not self._is_hotline(number)

    def is_own(self, number: str) -> bool:
        """Whether the plan knows this number as one of ours."""
        return self.is_extension(number) or number.startswith(self.own_prefixes)

    def operator_of(self, number: str) -> str:
        """The network of a number: `self`, an operator's code, `fixed`, `intl`; `unknown` also where no plan has it.

        >>> NumberPlan(operators={"+491": "rival-a", "+4915": "rival-b"}).operator_of("+4915112345")
        'rival-b'
        """
        if self.is_own(number) or number in self.own_hotlines:
            return OWN
        for length in range(len(number), 0, -1):
            prefix = number[:length]
            operator = self.competitor_hotlines.get(prefix) or self.operators.get(prefix)
            if operator is not None:
                return operator
        return self._operator_by_country(number)

    def routed_to(self, routing_number: str) -> str | None:
        """The operator that a routing number leads to, by its longest known prefix."""
        for length in range(len(routing_number), 0, -1):
            if (operator := self.routing_numbers.get(routing_number[:length])) is not None:
                return operator
        return None

    def peer_kind(self, number: str | None) -> str:
        """What is at the other end, as CONTRACT.md names it; `other` where there is no number."""
        if number is None:
            return "other"
        if number in self.competitor_hotlines:
            return "competitor_hotline"
        return "own_hotline" if number in self.own_hotlines else "subscriber"

    def _operator_by_country(self, number: str) -> str:
        if not self.country_code or not number.startswith("+"):
            return UNKNOWN
        known = world_plan(number)
        if known == "none":
            return UNKNOWN
        if not number.startswith(f"+{self.country_code}"):
            return ABROAD
        return FIXED if known == "fixed" else UNKNOWN

    def _is_hotline(self, number: str) -> bool:
        return number in self.competitor_hotlines or number in self.own_hotlines


@lru_cache(maxsize=REMEMBERED_NUMBERS)
def national_number(number: str, country_code: str, *, closed_plan: bool) -> str | None:
    """The international spelling of a national number written without any prefix; None where it may be something else.

    >>> national_number("9198765432", "91", closed_plan=False), national_number("919876543210", "91", closed_plan=False)
    ('+919198765432', '+919876543210')
    """
    try:
        parsed = parse(number, region_code_for_country_code(int(country_code)))
    except NumberParseException:
        return None
    if not is_valid_number(parsed) or not (closed_plan or number_type(parsed) in MOBILE):
        return None
    return str(format_number(parsed, PhoneNumberFormat.E164))


@lru_cache(maxsize=REMEMBERED_NUMBERS)
def world_plan(number: str) -> Literal["fixed", "other", "none"]:
    """What the numbering plans of the world know of an international number; `none`: no country has such a number.

    >>> world_plan("+493012345678"), world_plan("+4915112345678"), world_plan("+999123456"), world_plan("+491")
    ('fixed', 'other', 'none', 'none')
    """
    try:
        parsed = parse(number)
    except NumberParseException:
        return "none"
    if not is_possible_number(parsed):
        return "none"
    return "fixed" if number_type(parsed) == PhoneNumberType.FIXED_LINE else "other"
