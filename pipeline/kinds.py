"""What a call record is about, as one small number.

A block holds thousands of call records but only dozens of combinations of (service, direction, operator, peer, roaming).
Each combination is classified once; after that a record costs one dictionary look-up, and everything that depends on the
combination is a numpy gather from the tables here. Combinations with the same facts share a number, so that there are few
numbers even where operator codes are no codes but free text.
"""

import zlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

OWN_NETWORK = "self"
NOT_A_RIVAL = frozenset({OWN_NETWORK, "fixed", "intl", "unknown"})
#: Places by which rivals are told apart (`rival_place`): a country has a handful; two at one place count as one.
RIVAL_PLACES = 5
#: Combinations whose number is remembered; one beyond them is classified anew each time, which is slower and not wrong.
REMEMBERED_MAX = 65_536

KindKey = tuple[str, str, str, str, bool, bool]


@dataclass(frozen=True, slots=True)
class Kind:
    """Facts of one combination, each 0 or 1; `rival`: 0, or 1 and more for calls and messages with a rival's customers."""

    voice_out: int
    voice_in: int
    sms: int
    data: int
    to_rival: int
    to_own_network: int
    hotline: int
    roaming: int
    forwarded_off_net: int
    own_act: int
    rival: int


def classify(key: KindKey) -> Kind:
    """The facts of one combination.

    `forward_to_operator` naming a rival, or a forwarded leg to a rival, is forwarding off-net: the customer answers
    elsewhere.

    >>> classify(("voice", "mo", "rival-a", "competitor_hotline", False, False)).hotline
    1
    >>> classify(("voice", "mt", "rival-a", "subscriber", False, False)).to_rival
    0
    """
    service, direction, operator, peer_kind, roaming, forwarding_set_off_net = key
    outgoing = direction == "mo"
    rival = operator not in NOT_A_RIVAL
    voice = service == "voice"
    return Kind(
        voice_out=int(voice and outgoing),
        voice_in=int(voice and direction == "mt"),
        sms=int(service == "sms"),
        data=int(service == "data"),
        to_rival=int(rival and outgoing and service != "data"),
        to_own_network=int(operator == OWN_NETWORK and outgoing and service != "data"),
        hotline=int(peer_kind == "competitor_hotline" and outgoing),
        roaming=int(roaming),
        forwarded_off_net=int(forwarding_set_off_net or (direction == "forward" and rival)),
        own_act=int(outgoing or service == "data"),
        rival=1 + rival_place(operator) if rival and service != "data" and peer_kind == "subscriber" else 0,
    )


def rival_place(operator: str) -> int:
    """Where a rival's calls are counted, 0 to `RIVAL_PLACES` - 1; the same in every process.

    >>> [rival_place(f"rival-{letter}") for letter in "abc"]
    [3, 4, 0]
    """
    return zlib.crc32(operator.encode()) % RIVAL_PLACES


KIND_FACTS: tuple[str, ...] = tuple(Kind.__dataclass_fields__)


@dataclass(slots=True)
class KindTable:
    """Numbers kinds in the order of their appearance and keeps their facts as arrays.

    The numbers are local to this process; nothing that is stored depends on them.
    """

    codes: dict[KindKey, int] = field(default_factory=dict)
    kinds: dict[Kind, int] = field(default_factory=dict)
    facts: NDArray[np.int8] = field(default_factory=lambda: np.zeros((64, len(KIND_FACTS)), np.int8))

    def code(self, key: KindKey) -> int:
        """Number of a combination's kind; a new one is classified and added."""
        known = self.codes.get(key)
        if known is not None:
            return known
        number = self._number(classify(key))
        if len(self.codes) < REMEMBERED_MAX:
            self.codes[key] = number
        return number

    def _number(self, kind: Kind) -> int:
        number = self.kinds.setdefault(kind, len(self.kinds))
        if number >= len(self.facts):
            self.facts = np.vstack([self.facts, np.zeros_like(self.facts)])
        self.facts[number] = [getattr(kind, name) for name in KIND_FACTS]
        return number
