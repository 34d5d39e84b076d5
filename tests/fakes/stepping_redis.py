"""A Redis client that halts before every round trip, so that a test chooses who goes first, at the real server.

Product code runs unchanged in greenlets. What it sends is collected from all of them that a test lets go on and travels in one
pipeline: many independent worlds cost little more than their own commands.
"""

from collections.abc import Callable, Sequence
from typing import Any

import redis
from greenlet import getcurrent, greenlet  # type: ignore[import-untyped]  # its stubs are a package of their own, for two calls
from redis.client import Pipeline

#: A command and redis-py's options for its reply.
Command = tuple[tuple[Any, ...], dict[str, Any]]


class SteppingRedis(redis.Redis):
    """Every command goes through the greenlet's parent, which answers when it pleases."""

    def execute_command(self, *args: Any, **options: Any) -> Any:
        (reply,) = _ask([(args, options)])
        if isinstance(reply, Exception):
            raise reply
        return reply

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> "SteppingPipeline":
        pool: Any = self.connection_pool
        return SteppingPipeline(pool, self.response_callbacks, transaction, shard_hint)


class SteppingPipeline(Pipeline):
    """Its commands travel together, as those of a pipeline mostly do."""

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        commands: Sequence[Command] = self.command_stack
        self.command_stack = []
        replies = _ask(commands) if commands else []
        failed = next((reply for reply in replies if isinstance(reply, Exception)), None)
        if failed is not None and raise_on_error:
            raise failed
        return replies


class Halted:
    """Somebody at work, halted before the next round trip; `waiting`: what it wants to send, None when it is done."""

    def __init__(self, work: Callable[[], object]) -> None:
        self._work = greenlet(work)
        self.waiting: Sequence[Command] | None = None
        self.go_on(None)

    def go_on(self, replies: Sequence[Any] | None) -> None:
        """Hand over the replies and let it work up to its next round trip."""
        asked = self._work.switch(replies) if replies is not None else self._work.switch()
        self.waiting = None if self._work.dead else asked


def send(client: redis.Redis, halted: Sequence[Halted]) -> None:
    """Send what these wait for, in this order, in one pipeline, and let each go on with its replies."""
    pipe: Any = client.pipeline(transaction=False)
    for one in halted:
        for args, options in one.waiting or ():
            pipe.execute_command(*_unblocked(args), **options)
    replies = pipe.execute(raise_on_error=False)
    at = 0
    for one in halted:
        count = len(one.waiting or ())
        one.go_on(replies[at : at + count])
        at += count


def _ask(commands: Sequence[Command]) -> list[Any]:
    parent = getcurrent().parent
    assert parent is not None, "a stepping client works in a greenlet only"
    replies: list[Any] = parent.switch(commands)
    return replies


def _unblocked(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Nobody waits on the connection that all share."""
    if args[0] != "XREADGROUP" or b"BLOCK" not in args:
        return args
    at = args.index(b"BLOCK")
    return args[:at] + args[at + 2 :]
