"""How people talk, measured the same way on real and on simulated calls: rhythm, bursts, contacts."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pipeline.events import CallDetailRecord, CustomerRecord, Stream
from pipeline.refusals import decode_record
from pipeline.sources.operator.clock import HOUR_MS, START_MS
from pipeline.sources.operator.config import OperatorConfig
from pipeline.sources.operator.simulate import days

LOCAL_OFFSET_H = {"CN": 8, "UK": 0, "IN": 5}


class Contact(NamedTuple):
    """One call or message as one person sees it; `at_s` counts from day 0 in local time."""

    person: str
    peer: str
    at_s: int


@dataclass(frozen=True, slots=True)
class Habits:
    """`hour_shares` (24,) sum 1; `gaps_s`: sorted times between two contacts of a person; `contacts`
    and `records_per_day`: sorted, by person.
    """

    hour_shares: NDArray[np.float64]
    gaps_s: NDArray[np.float64]
    contacts: NDArray[np.float64]
    records_per_day: NDArray[np.float64]


def measure(events: Iterable[Contact], days_seen: int) -> Habits:
    """Habits of all persons who appear.

    >>> habits = measure([Contact("a", "b", 0), Contact("a", "b", 60), Contact("a", "c", 3660)], 1)
    >>> habits.gaps_s.tolist(), habits.contacts.tolist(), habits.hour_shares[1].round(2)
    ([60.0, 3600.0], [2.0], np.float64(0.33))
    """
    times: dict[str, list[int]] = defaultdict(list)
    peers: dict[str, set[str]] = defaultdict(set)
    for person, peer, at_s in events:
        times[person].append(at_s)
        peers[person].add(peer)
    hours = np.zeros(24)
    gaps = []
    for moments in times.values():
        ordered = np.sort(np.array(moments))
        gaps.append(np.diff(ordered))
        hours += np.bincount(ordered // 3600 % 24, minlength=24)
    return Habits(
        hour_shares=hours / hours.sum(),
        gaps_s=np.sort(np.concatenate(gaps)).astype(np.float64),
        contacts=np.sort(np.array([float(len(known)) for known in peers.values()])),
        records_per_day=np.sort(np.array([len(moments) / days_seen for moments in times.values()])),
    )


def copenhagen_contacts(folder: Path) -> Iterator[Contact]:
    """Calls and messages of the Copenhagen Networks Study (Sapiezynski et al., 2019), seen from both ends.

    Raises:
        FileNotFoundError: the two tables are not in the folder.
    """
    for name, sender, receiver in (("calls.csv", "caller", "callee"), ("sms.csv", "sender", "recipient")):
        with (folder / name).open(newline="") as file:
            for row in csv.DictReader(file):
                at_s = int(row["timestamp"])
                yield Contact(row[sender], row[receiver], at_s)
                yield Contact(row[receiver], row[sender], at_s)


def simulated_contacts(config: OperatorConfig) -> Iterator[Contact]:
    """Calls and messages of the public lines of a simulation, duplicates left out."""
    public: set[str] = set()
    seen: set[str] = set()
    offset_s = LOCAL_OFFSET_H[config.country] * HOUR_MS // 1000
    for day in days(config):
        for line in day.streams[Stream.CUSTOMERS].lines:
            customer = decode_record(Stream.CUSTOMERS, line)
            if isinstance(customer, CustomerRecord) and customer.segment == "public":
                public.update(customer.lines)
        for line in day.streams[Stream.CDR].lines:
            call = decode_record(Stream.CDR, line)
            if not isinstance(call, CallDetailRecord) or call.peer_id is None or call.record_id in seen:
                continue
            seen.add(call.record_id)
            if call.line_id in public:
                yield Contact(call.line_id, call.peer_id, (call.ts_ms - START_MS) // 1000 + offset_s)


def distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Largest difference of two distribution functions (Kolmogorov-Smirnov) of sorted samples.

    >>> distance(np.array([1.0, 2.0]), np.array([2.0, 3.0]))
    0.5
    """
    points = np.concatenate((one, other))
    below_one = np.searchsorted(one, points, side="right") / len(one)
    below_other = np.searchsorted(other, points, side="right") / len(other)
    return float(np.abs(below_one - below_other).max())
