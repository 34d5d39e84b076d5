"""The generated reference of settings and the file to start from."""

import re
import tomllib
from pathlib import Path

from churnwatch.settings import Settings
from churnwatch.settings_document import documents, reference, template
from churnwatch.settings_sources import section_schema


def test_every_setting_and_every_section_says_what_it_is_for() -> None:
    silent = [
        f"{section}.{key}"
        for section in Settings.model_fields
        for key, schema in section_schema(Settings, section).items()
        if not schema.get("description")
    ]

    assert silent == []


def test_the_template_with_its_comment_signs_taken_away_is_the_defaults() -> None:
    uncommented = [line.removeprefix("# ") if " = " in line.split("(")[0] else line for line in template().splitlines()]

    values = tomllib.loads("\n".join(uncommented))

    assert Settings(**values) == Settings()
    assert {section: list(keys) for section, keys in values.items()} == {
        section: list(section_schema(Settings, section)) for section in Settings.model_fields
    }


def test_the_reference_names_every_variable() -> None:
    text = reference()

    for section in Settings.model_fields:
        for key in section_schema(Settings, section):
            assert f"`CHURNWATCH_{section.upper()}__{key.upper()}`" in text


def test_the_generated_files_are_current() -> None:
    stale = [path.name for path, text in documents().items() if path.read_text(encoding="utf-8") != text]

    assert stale == [], "run `python -m churnwatch.settings_document --write`"


def test_every_setting_is_read_by_some_code() -> None:
    root = Path(__file__).resolve().parents[3]
    files = [
        path for package in ("churnwatch", "alerts", "models", "pipeline") for path in (root / package).rglob("*.py")
    ]
    code = "\n".join(path.read_text(encoding="utf-8") for path in files if path.name != "settings.py")

    unread = [
        f"{section}.{key}"
        for section in Settings.model_fields
        for key in section_schema(Settings, section)
        if not re.search(rf"\b{section}\.{key}\b", code)
    ]

    assert unread == []
