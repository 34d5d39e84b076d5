"""Any telephone system that takes a signed message: one POST a call, tried again under the same idempotency key.

The receiver must ring once for a key, however often it comes; so what may have arrived is sent again without harm. It
answers 2xx, with how the call ended (`{"disposition": "busy"}` or `{"code": "B"}`) or without, when it will tell later.
"""

import time
from dataclasses import dataclass
from typing import Any

import httpx2
import msgspec
import stamina
import structlog

from alerts.dialers.breaker import Breaker
from alerts.dialers.codes import DispositionCodes
from alerts.dialers.port import HandedOver, NumberOf
from alerts.dialers.signature import sign
from alerts.queue import Lease
from alerts.tasks import Task
from pipeline.events import Disposition

ATTEMPTS = 4
WAIT_FIRST_S = 0.2
WAIT_MAX_S = 5.0
#: The receiver has this key already.
CONFLICT = 409

log = structlog.get_logger()


class Unanswered(Exception):  # noqa: N818 - what happened, not a mistake
    """The receiver is away, overloaded or failed. `arrived`: it may have the call all the same."""

    def __init__(self, *, arrived: bool) -> None:
        super().__init__()
        self.arrived = arrived


@dataclass(slots=True)
class Tries:
    """Of one call: whether one of them may have arrived."""

    arrived: bool = False


class Answer(msgspec.Struct, frozen=True):
    """What a receiver may say at once; other fields are its own affair."""

    disposition: str | None = None
    code: str | None = None


class Webhook:
    """Hands calls to one receiver.

    Args:
        url: of the receiver. secret: shared with it.
        wait_first_s: pause before the second try; it doubles, with some jitter.
    """

    def __init__(
        self,
        url: str,
        secret: bytes,
        numbers: NumberOf,
        codes: DispositionCodes,
        client: httpx2.Client,
        breaker: Breaker,
        *,
        wait_first_s: float = WAIT_FIRST_S,
    ) -> None:
        self._url = url
        self._secret = secret
        self._numbers = numbers
        self._codes = codes
        self._client = client
        self._breaker = breaker
        self._wait_first_s = wait_first_s

    def __call__(self, task: Task, lease: Lease) -> Disposition | HandedOver:
        number = self._numbers(task, lease)
        if number is None:
            return Disposition.NOT_TRIED
        body = msgspec.json.encode(
            {"call": lease.call, "number": number, "level": task.level, "reason_group": task.reason_group}
        )
        tries = Tries()

        def post() -> httpx2.Response:
            try:
                return self._post(lease, body)
            except Unanswered as error:
                tries.arrived = tries.arrived or error.arrived
                raise

        again = stamina.retry(on=Unanswered, attempts=ATTEMPTS, wait_initial=self._wait_first_s, wait_max=WAIT_MAX_S)
        try:
            return self._read(again(post)())
        except Unanswered:
            self._breaker.failed()
            log.warning("dialer.unanswered", arrived=tries.arrived)
            return HandedOver() if tries.arrived else Disposition.NOT_TRIED

    def _post(self, lease: Lease, body: bytes) -> httpx2.Response:
        sent_s = int(time.time())
        headers = {
            **sign(self._secret, sent_s, f"{lease.call}:{sent_s}", body),
            "idempotency-key": lease.call,
            "content-type": "application/json",
        }
        try:
            answer = self._client.post(self._url, content=body, headers=headers)
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            raise Unanswered(arrived=False) from None
        except httpx2.TransportError:
            raise Unanswered(arrived=True) from None
        if answer.status_code == 429 or answer.status_code >= 500:
            raise Unanswered(arrived=answer.status_code >= 500)
        return answer

    def _read(self, answer: httpx2.Response) -> Disposition | HandedOver:
        if answer.status_code == CONFLICT:
            self._breaker.worked()
            return HandedOver()
        if not answer.is_success:
            self._breaker.failed()
            log.warning("dialer.refused_call", status=answer.status_code)
            return Disposition.NOT_TRIED
        self._breaker.worked()
        told = _told(answer.content)
        return self._codes.of(told) or HandedOver() if told else HandedOver()


def _told(content: bytes) -> str:
    """The disposition or code in an answer; "" where it holds none."""
    try:
        answer: Any = msgspec.json.decode(content, type=Answer)
    except msgspec.DecodeError:
        return ""
    return answer.disposition or answer.code or ""
