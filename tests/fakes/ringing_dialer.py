"""A dialer as an operating system's process that writes each ring to a file before it tells anybody: the provider's own record.

Run: python -m tests.fakes.ringing_dialer FILE SEED
"""

import os
import signal
import sys
import threading
import time

from alerts.queue import Lease
from alerts.simulated_people import CALL_SHARES, answer
from alerts.tasks import Task
from churnwatch.dialer_process import run_dialer
from churnwatch.settings import settings
from pipeline.events import Disposition

RING_S = 0.01


def main() -> None:
    path, seed = sys.argv[1], int(sys.argv[2])
    rings = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def ring(task: Task, lease: Lease) -> Disposition:
        os.write(rings, f"{lease.call}\n".encode())
        time.sleep(RING_S)  # the call lasts a moment, in which the process may be killed
        return answer(CALL_SHARES, task.level, lease.call, seed)

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    run_dialer(settings(), ring, stop)


if __name__ == "__main__":
    main()
