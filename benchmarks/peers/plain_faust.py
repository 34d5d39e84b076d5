"""What Churnwatch is compared with: a Faust app as Faust's documentation writes one. One model, one agent, four tables.

    python benchmarks/peers/plain_faust.py worker --loglevel error

`churnwatch bench pipeline` starts it. It prints, once a second, how many records it has taken.
"""

import os
import sys

import faust

PREFIX = os.environ["CHURNWATCH_KAFKA__TOPIC_PREFIX"]


class Call(faust.Record):
    """The part of a call record that is summed."""

    line_id: str
    duration_s: float
    charge: float
    bytes_up: int = 0
    bytes_down: int = 0


app = faust.App(
    f"{PREFIX}-plain-faust",
    broker=f"kafka://{os.environ['KAFKA_BOOTSTRAP']}",
    store="memory://",
    topic_partitions=int(os.environ.get("CHURNWATCH_KAFKA__PARTITIONS", "8")),
    datadir=os.environ["CHURNWATCH_WORKER__DATA_DIR"],
    web_enabled=False,
    topic_disable_leader=True,
    table_standby_replicas=0,
    consumer_auto_offset_reset="earliest",
    broker_session_timeout=float(os.environ.get("CHURNWATCH_KAFKA__SESSION_TIMEOUT_S", "60")),
    broker_heartbeat_interval=float(os.environ.get("CHURNWATCH_KAFKA__HEARTBEAT_S", "3")),
)
calls = app.topic(f"{PREFIX}.cdr", key_type=bytes, value_type=Call)
seconds = app.Table("seconds", default=float)
charge = app.Table("charge", default=float)
volume = app.Table("bytes", default=int)
records = app.Table("records", default=int)
taken = 0


@app.agent(calls)
async def total(stream: faust.StreamT[Call]) -> None:
    """Sum up each line."""
    global taken  # noqa: PLW0603 - the one figure that is read from outside
    async for call in stream:
        seconds[call.line_id] += call.duration_s
        charge[call.line_id] += call.charge
        volume[call.line_id] += call.bytes_up + call.bytes_down
        records[call.line_id] += 1
        taken += 1


@app.timer(1.0)  # type: ignore[untyped-decorator]  # faust leaves its timers untyped
async def tell() -> None:
    """The figure, past Faust's logging."""
    print(f"taken {taken}", file=sys.__stdout__, flush=True)


if __name__ == "__main__":
    app.main()
