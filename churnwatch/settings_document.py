"""docs/operations/settings.md and config/churnwatch.toml, from the settings: `--write` renews, `--check` compares."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from churnwatch.settings import CONFIG_DIR, DEFAULT_FILE, Settings
from churnwatch.settings_sources import ENV_ALIASES, allowed_values, section_schema

REPOSITORY = CONFIG_DIR.parent
REFERENCE = REPOSITORY / "docs" / "operations" / "settings.md"
RENEW = "python -m churnwatch.settings_document --write"


def reference() -> str:
    """Every setting with its variable, what is allowed, its default and its meaning, as Markdown."""
    lines = [
        "# Settings",
        "",
        f"Written from `churnwatch/settings.py` by `{RENEW}`; do not edit.",
        "",
        "Read in this order, the later one wins: `config/churnwatch.toml`, the file named by `CHURNWATCH_CONFIG`,",
        "environment variables. A wrong key or value ends the command with a message that names it, its file or",
        "variable, and what is allowed.",
        "",
        *(f"`{short}` may be written for `{long}`.  " for short, long in ENV_ALIASES.items()),
    ]
    for section, meaning in _sections():
        lines += ["", f"## [{section}]", "", meaning, ""]
        lines += ["| key | variable | allowed | default | meaning |", "|---|---|---|---|---|"]
        for key, schema in section_schema(Settings, section).items():
            lines.append(_row(section, key, schema))
    return "\n".join(lines) + "\n"


def template() -> str:
    """A TOML file with every setting at its default, commented out."""
    lines = [
        "# Every setting at its default. Take the comment sign away to change one here, or keep a file of your own",
        f"# with what differs and name it in CHURNWATCH_CONFIG. Written by `{RENEW}`.",
    ]
    for section, meaning in _sections():
        lines += ["", f"# {meaning}", f"[{section}]"]
        for key, schema in section_schema(Settings, section).items():
            lines += [f"# {_meaning(schema)} ({allowed_values(schema)})", f"# {key} = {_default(schema)}"]
    return "\n".join(lines) + "\n"


def _sections() -> Iterator[tuple[str, str]]:
    definitions = Settings.model_json_schema()
    for section, schema in definitions["properties"].items():
        name = schema["$ref"].rsplit("/", 1)[-1]
        yield section, str(definitions["$defs"][name]["description"]).split("\n", maxsplit=1)[0]


def _row(section: str, key: str, schema: dict[str, Any]) -> str:
    variable = f"CHURNWATCH_{section.upper()}__{key.upper()}"
    cells = [f"`{key}`", f"`{variable}`", allowed_values(schema), f"`{_default(schema)}`", _meaning(schema)]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _meaning(schema: dict[str, Any]) -> str:
    return str(schema.get("description", ""))


def _default(schema: dict[str, Any]) -> str:
    """A default as TOML writes it; for our types JSON writes the same."""
    return json.dumps("" if schema["default"] is None else schema["default"], ensure_ascii=False)


def documents() -> dict[Path, str]:
    """Text of each generated file."""
    return {REFERENCE: reference(), DEFAULT_FILE: template()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Check or write the files; 1 when the check finds one out of date."""
    parser = argparse.ArgumentParser(description="The settings as a reference and as a file to start from.")
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--check", action="store_true", help="exit 1 when a file is not current")
    choice.add_argument("--write", action="store_true", help="renew the files")
    write = parser.parse_args(arguments).write
    stale = [path for path, text in documents().items() if not path.exists() or path.read_text("utf-8") != text]
    for path in stale:
        if write:
            path.write_text(documents()[path], encoding="utf-8")
        else:
            sys.stderr.write(f"{path.relative_to(REPOSITORY)} is not current; run `{RENEW}`\n")
    return 1 if stale and not write else 0


if __name__ == "__main__":
    sys.exit(main())
