"""`churnwatch backtest` as people call it: every mistake is one clear line, and none is a traceback."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.command_line import run_command
from tests.fakes.replay_files import DAY_MS, START_MS, call, small_directory, write_stream


def backtest(*arguments: str) -> tuple[int, str]:
    done = run_command("backtest", *arguments)
    return done.returncode, " ".join((done.stdout + done.stderr).split())


def without(stream: str, folder: Path) -> str:
    (small_directory(folder) / f"{stream}.jsonl").unlink()
    return str(folder)


def disordered(folder: Path) -> str:
    small_directory(folder)
    write_stream(folder, "cdr", [call(1, START_MS + DAY_MS), call(2, START_MS)])
    return str(folder)


def with_half_a_line(folder: Path) -> str:
    with (small_directory(folder) / "cdr.jsonl").open("a") as file:
        file.write('{"record_id": "x", "ts_ms')
    return str(folder)


MISTAKES: dict[str, tuple[Callable[[Path], list[str]], str]] = {
    "no customers": (lambda folder: [without("customers", folder)], "has no customers.jsonl"),
    "no calls": (lambda folder: [without("cdr", folder)], "has no cdr.jsonl"),
    "no directory": (lambda folder: [str(folder / "nowhere")], "is no directory"),
    "out of order": (lambda folder: [disordered(folder)], "line 2 was received 24.0 hours before a line above it"),
    "wrong key": (lambda folder: [str(small_directory(folder)), "--set", "engine.tik_s=1"], "perhaps `tick_s`"),
    "no pair": (lambda folder: [str(small_directory(folder)), "--set", "engine"], "write key=value"),
    "no such model": (lambda folder: [str(small_directory(folder)), "--model", "gone.json"], "cannot read the model"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_in_a_line_and_ends_with_one(tmp_path: Path, mistake: str) -> None:
    arguments, words = MISTAKES[mistake]

    code, told = backtest(*arguments(tmp_path))

    assert code == 1
    assert words in told
    assert "Traceback" not in told


def test_half_a_line_and_no_truth_are_told_and_it_runs(tmp_path: Path) -> None:
    code, told = backtest(with_half_a_line(tmp_path))

    assert code == 0
    assert "cdr.jsonl ends in half a line, which was left out" in told
    assert "has no truth.jsonl; left out: churners, base_rate" in told
