"""A process of a replay: its shard's days, told through a pipe. It imports nothing that learns."""

import signal
from collections.abc import Sequence
from multiprocessing.connection import Connection

import msgspec

from churnwatch.backtest.directory import ReplayDirectory
from churnwatch.backtest.shard import Shard, collect_seldom
from churnwatch.engine_parts import EngineParts
from churnwatch.errors import UserError
from pipeline.events import Example


class Midnight(msgspec.Struct, tag=True):
    """A shard has crossed a midnight."""

    midnight_ms: int
    bytes_read: int
    examples: list[Example]


class Finished(msgspec.Struct, tag=True):
    """A shard is through; its result follows, pickled."""


class Failed(msgspec.Struct, tag=True):
    """What the user did wrong."""

    message: str


Told = Midnight | Finished | Failed
_ENCODE = msgspec.msgpack.Encoder().encode
TOLD = msgspec.msgpack.Decoder(Told)


def serve(pipe: Connection, directory: ReplayDirectory, parts: EngineParts, own: Sequence[int]) -> None:
    """The life of a process. When its parent is gone, the pipe is closed, and it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    collect_seldom()
    try:
        _run(pipe, Shard(directory, parts, own))
    except UserError as error:
        pipe.send_bytes(_ENCODE(Failed(str(error))))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _run(pipe: Connection, shard: Shard) -> None:
    is_model_due = False
    try:
        while True:
            more = shard.approach_midnight()
            model = pipe.recv_bytes() if is_model_due else b""
            if not more:
                break
            if model:
                shard.use_model(model)
            examples = shard.cross_midnight()
            pipe.send_bytes(_ENCODE(Midnight(shard.midnight_ms, shard.bytes_read(), examples)))
            is_model_due = True
        pipe.send_bytes(_ENCODE(Finished()))
        pipe.send(shard.finish())
    finally:
        shard.close()
