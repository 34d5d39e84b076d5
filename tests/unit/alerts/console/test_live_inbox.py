"""Live updates: who watches is told once, and a crowd asks the store no more often than one."""

import asyncio
from collections.abc import AsyncGenerator

from fastapi.testclient import TestClient

from alerts.console import ConsoleConfig, ConsoleTexts, create_console
from alerts.console.live import LiveInbox, inbox_mark
from alerts.tasks import Task, TaskState
from tests.fakes.console_samples import task
from tests.fakes.task_board import FakeTaskBoard
from tests.unit.alerts.console.conftest import URL

POLL_S = 0.01
WAIT_S = 5.0


async def event(stream: AsyncGenerator[bytes, None]) -> str:
    return (await asyncio.wait_for(anext(stream), WAIT_S)).decode()


def test_a_change_is_told_with_the_new_mark_and_only_once() -> None:
    async def watch() -> None:
        board = FakeTaskBoard()
        live = LiveInbox(board, 50, POLL_S, 9)
        stream = live.stream("m-17", inbox_mark(board.open_tasks("m-17")))
        assert (await event(stream)).startswith("retry:")
        board.add(task("t-new", "ACC-1", ["silence"]))
        mark = inbox_mark(board.open_tasks("m-17"))
        assert await event(stream) == f"event: changed\nid: {mark}\ndata: {mark}\n\n"
        board.away = True
        assert "away" in await event(stream)
        board.away = False
        assert "back" in await event(stream)
        await stream.aclose()

    asyncio.run(watch())


def test_what_changed_before_the_stream_began_is_told_at_once() -> None:
    async def watch() -> None:
        live = LiveInbox(FakeTaskBoard(), 50, POLL_S, 9)
        stream = live.stream("m-17", "an-older-mark")
        await event(stream)
        assert "changed" in await event(stream)
        await stream.aclose()

    asyncio.run(watch())


def test_a_crowd_looks_as_often_as_one() -> None:
    class Counting(FakeTaskBoard):
        looks = 0

        def open_tasks(
            self, owner: str | None = None, state: TaskState | None = None, limit: int = 50, offset: int = 0
        ) -> list[Task]:
            self.looks += 1
            return super().open_tasks(owner, state, limit, offset)

    async def watch() -> None:
        board = Counting()
        live = LiveInbox(board, 50, 60.0, 99)
        streams = [live.stream("m-17", "older") for _ in range(20)]
        for stream in streams:
            await event(stream)
            assert "changed" in await event(stream)
        assert board.looks == 1
        for stream in streams:
            await stream.aclose()

    asyncio.run(watch())


def test_closing_ends_every_stream_and_frees_its_place() -> None:
    async def watch() -> None:
        live = LiveInbox(FakeTaskBoard(), 50, POLL_S, 1)
        stream = live.stream("m-17", "")
        await event(stream)
        assert live.full
        live.close()
        assert [part async for part in stream] == []
        assert not live.full

    asyncio.run(watch())


def test_one_stream_too_many_is_told_to_come_back(board: FakeTaskBoard, texts: ConsoleTexts) -> None:
    with TestClient(create_console(board, texts, ConsoleConfig(streams_max=0)), base_url=URL) as client:
        answer = client.get("/live/m-17")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "30"
