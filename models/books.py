"""Small facts kept by key (a line, an account) and stored in a fixed number of pages."""

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeVar
from zlib import crc32

import msgspec

Fact = TypeVar("Fact", bound=msgspec.Struct)

BUCKETS = 64


class Book(Generic[Fact]):
    """Lists of facts by key. A page holds the keys of one bucket (a hash of the key): a change rewrites little."""

    def __init__(self, name: str, fact_type: type[Fact]) -> None:
        self._name = name
        self._decoder = msgspec.msgpack.Decoder(dict[str, list[fact_type]])  # type: ignore[valid-type]  # a value at run time
        self._buckets: list[dict[str, list[Fact]]] = [{} for _ in range(BUCKETS)]
        self._changed: set[int] = set()

    def get(self, key: str) -> Sequence[Fact]:
        """The facts of a key, oldest first; empty when there are none."""
        return self._buckets[_bucket(key)].get(key, ())

    def put(self, key: str, facts: list[Fact]) -> None:
        """Replace the facts of a key; an empty list removes it."""
        bucket = _bucket(key)
        if facts:
            self._buckets[bucket][key] = facts
        else:
            self._buckets[bucket].pop(key, None)
        self._changed.add(bucket)

    def add(self, key: str, fact: Fact) -> None:
        self.put(key, [*self.get(key), fact])

    def items(self) -> Iterator[tuple[str, list[Fact]]]:
        for bucket in self._buckets:
            yield from bucket.items()

    def prune(self, keep: Callable[[Fact], bool]) -> None:
        """Forget the facts that `keep` does not want any more."""
        stale = [(key, facts) for key, facts in self.items() if not all(map(keep, facts))]
        for key, facts in stale:
            self.put(key, [fact for fact in facts if keep(fact)])

    def __len__(self) -> int:
        return sum(map(len, self._buckets))

    def changed_pages(self) -> dict[str, bytes | None]:
        """Pages changed since the last call, by name; None = nothing left in it. Equal content gives equal bytes."""
        pages: dict[str, bytes | None] = {}
        for bucket in sorted(self._changed):
            content = self._buckets[bucket]
            pages[f"{self._name}/{bucket:02d}"] = msgspec.msgpack.encode(content, order="sorted") if content else None
        self._changed.clear()
        return pages

    def restore(self, page_name: str, page: bytes) -> None:
        """Take back one page.

        Raises:
            msgspec.DecodeError: the page is not ours.
        """
        self._buckets[int(page_name.rpartition("/")[2])] = self._decoder.decode(page)


def _bucket(key: str) -> int:
    return crc32(key.encode()) % BUCKETS
