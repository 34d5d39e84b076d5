"""What the linters do not see: size of files, unfinished work, paths of one machine, words of a package registry."""

import re
import subprocess
from pathlib import Path

import pytest

LINES_MAX = 400
#: Written in pieces, so that this file does not find itself.
UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b|\bNotImplemented" + r"Error\b")
ONE_MACHINE = re.compile(r"(?<![\w.$}-])/(?:wo" + r"rk|home/\w+|ro" + r"ot)/")
REGISTRY = re.compile(r"\b(?:pypi\.o" + r"rg|pythonho" + r"sted|npmjs\.c" + r"om|index-u" + r"rl)\b")
TEXTS = {".py", ".md", ".toml", ".yml", ".yaml", ".json", ".txt", ".lua", ".html", ".css", ".js", ".sh", ""}


@pytest.fixture(scope="module")
def files(repository: Path) -> list[Path]:
    """Every text file that is, or will be, in the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=repository, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    if listed.returncode != 0:
        pytest.skip("this is no git checkout, so its files cannot be told from others")
    found = [repository / name for name in listed.stdout.splitlines()]
    return [path for path in found if path.suffix in TEXTS and path.is_file()]


def places(files: list[Path], pattern: re.Pattern[str], repository: Path) -> list[str]:
    return [
        f"{path.relative_to(repository)}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if pattern.search(line)
    ]


def test_no_source_file_is_longer_than_a_person_reads(files: list[Path]) -> None:
    lengths = {path.name: path.read_text(encoding="utf-8").count("\n") for path in files if path.suffix == ".py"}

    assert {name: length for name, length in lengths.items() if length > LINES_MAX} == {}


def test_nothing_is_left_unfinished(files: list[Path], repository: Path) -> None:
    assert places(files, UNFINISHED, repository) == []


def test_no_file_names_a_path_of_one_machine(files: list[Path], repository: Path) -> None:
    assert places(files, ONE_MACHINE, repository) == []


def test_no_file_names_a_package_registry(files: list[Path], repository: Path) -> None:
    assert places(files, REGISTRY, repository) == []


def test_every_ignore_says_why(files: list[Path], repository: Path) -> None:
    ignores = re.compile(r"#\s*(?:type:\s*ignore|noqa)\b(?!(?:\[[\w, -]+\]|: [A-Z0-9, ]+)\s+(?:#|-{1,2}|:|\()\s*\w)")

    assert places([path for path in files if path.suffix == ".py"], ignores, repository) == []
