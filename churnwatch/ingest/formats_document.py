"""docs/formats.md, from the docstrings of the readers: `--write` renews, `--check` compares."""

import argparse
import importlib
import inspect
import sys
from collections.abc import Sequence
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "formats.md"
RENEW = "python -m churnwatch.ingest.formats_document --write"
#: Title of each format, what to type, and the modules whose docstrings tell it.
FORMATS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("Asterisk", "Master.csv", ("asterisk",)),
    ("FreeSWITCH", "--format freeswitch Master.csv", ("freeswitch",)),
    ("CGRateS", "--format cgrates cdrs.json", ("cgrates",)),
    ("3GPP TS 32.298", "--format 3gpp records.json", ("gpp", "gpp_calls", "gpp_services", "gpp_data")),
    (
        "TM Forum Open APIs",
        "--format tmforum payloads.json",
        ("tmforum", "tmf_usage", "tmf_bills", "tmf_orders", "tmf_products", "tmf_tickets"),
    ),
    ("Any CSV through a field map", "--map my.toml any.csv", ("field_map",)),
)


def page() -> str:
    """What each format becomes, as Markdown."""
    origin = f"What each field becomes; written from the readers in `pipeline/sources/` by `{RENEW}`, do not edit."
    parts = ["# Formats", f"{origin}\nHow files are sent, and what all formats share: [ingest.md](ingest.md)."]
    for title, arguments, modules in FORMATS:
        parts += [f"## {title}", f"`churnwatch ingest {arguments}`", *map(_told, modules)]
    return "\n\n".join(parts) + "\n"


def _told(module: str) -> str:
    return inspect.cleandoc(importlib.import_module(f"pipeline.sources.{module}").__doc__ or "")


def main(arguments: Sequence[str] | None = None) -> int:
    """Check or write the page; 1 when the check finds it out of date."""
    parser = argparse.ArgumentParser(description="The formats that can be ingested, as a page.")
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--check", action="store_true", help="exit 1 when the page is not current")
    choice.add_argument("--write", action="store_true", help="renew the page")
    if parser.parse_args(arguments).write:
        PAGE.write_text(page(), encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text("utf-8") != page():
        sys.stderr.write(f"docs/{PAGE.name} is not current; run `{RENEW}`\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
