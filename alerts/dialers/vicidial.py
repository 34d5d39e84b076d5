"""VICIdial: a call is a lead, added through its non-agent API and put into the hopper at once.

`vendor_lead_code` is the task's id (20 characters, as it allows) and `source_id` the call's key, so that what it says later
finds its task. The API knows no idempotency key: what may have arrived is never sent twice. The number goes in the body,
for addresses end up in logs.
"""

from typing import NamedTuple

import httpx2
import structlog

from alerts.dialers.breaker import Breaker
from alerts.dialers.port import HandedOver, NumberOf, dial_number
from alerts.queue import Lease
from alerts.tasks import LEVEL_RANK, Task
from pipeline.events import Disposition

SUCCESS = "SUCCESS: add_lead"
#: Beginnings of its refusals that say something about the customer; all others say something about us.
REFUSALS = {
    "ERROR: add_lead PHONE NUMBER IN DNC": Disposition.OPT_OUT,
    "ERROR: add_lead PHONE NUMBER IN CAMPAIGN DNC": Disposition.OPT_OUT,
    "ERROR: add_lead INVALID PHONE NUMBER": Disposition.BAD_NUMBER,
}
TEXT_SHOWN = 60

log = structlog.get_logger()


class VicidialLogin(NamedTuple):
    """`list_id`: the list that leads are put on, fed to a campaign."""

    url: str
    user: str
    password: str
    list_id: int


class Vicidial:
    """Hands calls to one VICIdial."""

    def __init__(self, login: VicidialLogin, numbers: NumberOf, client: httpx2.Client, breaker: Breaker) -> None:
        self._login = login
        self._numbers = numbers
        self._client = client
        self._breaker = breaker

    def __call__(self, task: Task, lease: Lease) -> Disposition | HandedOver:
        number = self._numbers(task, lease)
        parts = None if number is None else dial_number(number)
        if parts is None:
            return Disposition.NOT_TRIED if number is None else Disposition.BAD_NUMBER
        login = self._login
        fields = {
            "source": "churnwatch", "user": login.user, "pass": login.password, "function": "add_lead",
            "phone_code": parts.country, "phone_number": parts.national, "list_id": str(login.list_id),
            "vendor_lead_code": task.task_id[:20], "source_id": lease.call[:50], "rank": str(LEVEL_RANK[task.level]),
            "add_to_hopper": "Y", "hopper_local_call_time_check": "Y", "dnc_check": "Y",
        }  # fmt: skip
        try:
            answer = self._client.post(login.url, data=fields)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            return self._failed(type(error).__name__)
        except httpx2.TransportError as error:
            # It may have arrived: whether it rings, VICIdial will tell, or nobody; it is not sent again.
            self._breaker.failed()
            log.warning("dialer.answer_lost", kind=type(error).__name__)
            return HandedOver()
        if answer.status_code >= 500:
            self._breaker.failed()
            log.warning("dialer.answer_lost", status=answer.status_code)
            return HandedOver()
        return self._read(answer.text)

    def _read(self, text: str) -> Disposition | HandedOver:
        if text.startswith(SUCCESS):
            self._breaker.worked()
            return HandedOver()
        for beginning, disposition in REFUSALS.items():
            if text.startswith(beginning):
                self._breaker.worked()
                return disposition
        # What follows the dash are the fields that were sent, the number among them.
        return self._failed(text.partition(" - ")[0][:TEXT_SHOWN])

    def _failed(self, problem: str) -> Disposition:
        self._breaker.failed()
        log.warning("dialer.refused_call", problem=problem)
        return Disposition.NOT_TRIED
