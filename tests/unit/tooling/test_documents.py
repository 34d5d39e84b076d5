"""Documents: links lead somewhere, commands exist, the README stays short, ADRs have their parts."""

import re
from pathlib import Path

import pytest

from tests.fakes.command_line import run_command

ROOT = Path(__file__).resolve().parents[3]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def commands_named() -> list[str]:
    """Commands of ours that a document tells somebody to type."""
    code = "\n".join(
        block
        for page in PAGES
        for pair in re.findall(r"```sh\n(.*?)```|`([^`\n]+)`", page.read_text(encoding="utf-8"), re.DOTALL)
        for block in pair
    )
    start = r"(?:^(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?churnwatch|docker compose run --rm [^\n]*?worker)"
    ours = re.findall(start + r" ((?:(?:dlq|model) )?[a-z][a-z-]+)", code, re.MULTILINE)
    return sorted(set(ours))


def targets_named() -> list[str]:
    texts = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    return sorted(set(re.findall(r"(?:`|^)make ([a-z]+)", texts, re.MULTILINE)))


@pytest.mark.parametrize("command", commands_named())
def test_a_command_in_a_document_exists(command: str) -> None:
    done = run_command(*command.split(), "--help")

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("target", targets_named())
def test_a_make_target_in_a_document_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_link_leads_to_a_file_of_the_repository(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text)]

    inside = [link for link in links if link and "://" not in link and "MMMM" not in link]
    assert [link for link in inside if not (page.parent / link).exists()] == []


def test_the_readme_is_read_in_one_go() -> None:
    assert (ROOT / "README.md").read_text(encoding="utf-8").count("\n") < 150


@pytest.mark.parametrize("page", sorted((ROOT / "docs" / "adr").glob("*.md")), ids=lambda page: page.name)
def test_an_adr_has_its_number_its_state_and_its_three_parts(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    number = "NNNN" if page.name.startswith("0000") else page.name[:4]
    assert text.startswith(f"# {number}: ")
    assert re.search(r"^Status: (proposed|accepted|replaced)", text, re.MULTILINE)
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]


def test_no_two_adrs_have_the_same_number() -> None:
    numbers = [page.name[:4] for page in (ROOT / "docs" / "adr").glob("*.md")]

    assert len(numbers) == len(set(numbers))
