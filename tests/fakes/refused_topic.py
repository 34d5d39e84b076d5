"""A broker that refuses what is sent to some topics, played on the way back: everything else goes through as it is."""

from io import BytesIO
from typing import Any

from aiokafka.protocol import produce
from aiokafka.protocol.types import Int16, Int32

PRODUCE = 0
MESSAGE_TOO_LARGE = 10


class RefusedTopic:
    """One connection's requests and answers; answers about the topic are changed while `active`.

    Both in whole frames without their length. The broker has stored what it is made to refuse, which is the harder case: a
    reader of the changelog will find it.
    """

    def __init__(self, topic: str, active: list[bool]) -> None:
        self._topic = topic.encode()
        self._active = active
        self._versions: dict[int, int] = {}

    def request(self, frame: bytes) -> bytes:
        """Note a request that sends to the topic."""
        head = BytesIO(frame)
        key, version, number = Int16.decode(head), Int16.decode(head), Int32.decode(head)
        if self._active[0] and key == PRODUCE and self._topic in frame[:400]:
            self._versions[number] = version
        return frame

    def answer(self, frame: bytes) -> bytes:
        """The broker's answer, or a refusal in its place."""
        body = BytesIO(frame)
        number = Int32.decode(body)
        version = self._versions.pop(number, None)
        if version is None:
            return frame
        response: Any = getattr(produce, f"ProduceResponse_v{version}")
        told = response.decode(body)
        refused = [
            (topic, [(partition, MESSAGE_TOO_LARGE, -1, *rest) for partition, _, _, *rest in partitions])
            for topic, partitions in told.topics
        ]
        head: bytes = Int32.encode(number)
        return head + bytes(response(topics=refused, throttle_time_ms=0).encode())
