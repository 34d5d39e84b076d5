"""Who is at the ends of a record: numbers become pseudonyms, accounts and operators here and nowhere else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from pipeline.events import PeerKind
from pipeline.sources.numbers import ABROAD, OWN, UNKNOWN, NumberPlan

Pseudonym = Callable[[str], str]
AccountCode = Literal["account", "number", "ignore"]
#: So many unknown trunk groups are remembered to be shown; a table that lacks more is not mended by a longer list.
MAX_UNKNOWN_TRUNKS = 100
DIGEST_DIGITS = 32

_PEER_KINDS: dict[str, PeerKind] = {kind: kind for kind in get_args(PeerKind)}


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end as the contract has it."""

    peer_id: str | None
    operator: str
    kind: PeerKind


@dataclass(slots=True)
class Subscribers:
    """Turns normalised numbers into what may leave a source.

    `pseudonym` makes a keyed hash of a text; `accounts` maps a normalised number to the account it belongs to;
    `accountcode` tells what account columns hold (`account`: an account's id, `number`: a telephone number, `ignore`:
    neither). Trunk groups that are in no table are collected in `unknown_trunks`.
    """

    plan: NumberPlan
    pseudonym: Pseudonym
    accounts: Mapping[str, str] = field(default_factory=dict)
    accountcode: AccountCode = "account"
    unknown_trunks: set[str] = field(default_factory=set)

    def account(self, number: str, code: str = "") -> str:
        """The account of a line: by the table, by the record's account code, else the line itself."""
        known = self.accounts.get(number)
        if known is not None:
            return known
        code = code.strip()
        if not code or self.accountcode == "ignore":
            return self.pseudonym(number)
        return code if self.accountcode == "account" else self.pseudonym(self.plan.normalise(code) or code)

    def peer(self, number: str | None, operator: str | None = None) -> Peer:
        """The other end; `operator` where trunk or routing number have told it, else the number's prefix does.

        A number abroad stays abroad: the trunk group leads to who carries the call there.
        """
        if number is None:
            return Peer(None, operator or UNKNOWN, "other")
        kind = _PEER_KINDS[self.plan.peer_kind(number)]
        by_prefix = self.plan.operator_of(number)
        told = operator if operator is not None and kind == "subscriber" and by_prefix != ABROAD else by_prefix
        return Peer(self.pseudonym(number), told, kind)

    def operator_behind(self, trunk: str | None, routing_number: str | None = None) -> str | None:
        """The network by a ported number's routing number, then by the trunk group; None where neither tells."""
        if routing_number and (routed := self.plan.routed_to(routing_number)) is not None:
            return routed
        if not trunk:
            return None
        operator = self.plan.trunks.get(trunk)
        if operator is None and len(self.unknown_trunks) < MAX_UNKNOWN_TRUNKS:
            self.unknown_trunks.add(trunk)
        return operator

    def is_own(self, number: str | None) -> bool:
        """Whether the plan, or the table of accounts, knows this number as ours."""
        return number is not None and (number in self.accounts or self.plan.is_own(number))

    def owner_code(self, number: str) -> str:
        """`self` where a number is ours, else its operator."""
        return OWN if self.is_own(number) else self.plan.operator_of(number)

    def digest(self, *parts: object) -> str:
        """A keyed digest that names a record by what it holds: numbers stand in it, and cannot be read from it."""
        return self.pseudonym("\x1f".join(map(str, parts)))[-DIGEST_DIGITS:]
