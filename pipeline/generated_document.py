"""The command that renews a generated document (`--write`) or says that it is not current (`--check`)."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def renew_or_check(arguments: Sequence[str] | None, text: str, document: Path, renew: str) -> int:
    """Write the text, or compare it with the file; 1 when the check finds the file out of date.

    Args:
        arguments: `--write` or `--check`; None: those of the process.
        text: what the document should say.
        document: its file.
        renew: the command that a reader of the message should run.
    """
    parser = argparse.ArgumentParser(description=f"Writes or checks {document.name}.")
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--check", action="store_true", help="exit 1 when the document is not current")
    choice.add_argument("--write", action="store_true", help="renew the document")
    if parser.parse_args(arguments).write:
        document.write_text(text, encoding="utf-8")
        return 0
    if document.exists() and document.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"{document.name} is not current; run `{renew}`\n")
    return 1
