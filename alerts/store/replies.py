"""Replies of a Redis client with `decode_responses=True`, as the types they then have; redis-py itself allows bytes."""

from collections.abc import Sequence
from typing import Any, cast


def texts(reply: Any) -> list[str]:
    return cast(list[str], list(reply))


def optional_texts(reply: Any) -> list[str | None]:
    return cast(list[str | None], reply)


def text_set(reply: Any) -> set[str]:
    return cast(set[str], set(reply))


def fields(reply: Any) -> dict[str, str]:
    return cast(dict[str, str], reply)


def server_fields(reply: Any) -> dict[str, Any]:
    return cast(dict[str, Any], reply)


def entries(reply: Any) -> Sequence[tuple[str, dict[str, str] | None]]:
    """Entries of a stream: (id, fields). Fields are None for an entry that was deleted while somebody held it."""
    return cast(Sequence[tuple[str, dict[str, str] | None]], reply or ())


def group_entries(reply: Any) -> Sequence[tuple[str, dict[str, str] | None]]:
    """Entries of the one stream that was asked for through a group (RESP2 and RESP3 nest them differently)."""
    streams = reply.values() if isinstance(reply, dict) else (found for _, found in reply or ())
    return [entry for found in streams for entry in entries(found)]
