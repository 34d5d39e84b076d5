"""The command line that the benchmarks of learning share: options, the document, one JSON object at the end."""

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.operator_learning.bars import Bar, as_json

Figures = dict[str, dict[str, float]]


def parser_of(
    description: str, document: Path, *, seeds: int, first_seed: int, customers: int
) -> argparse.ArgumentParser:
    """A parser with the options that all have, and these defaults."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    parser.add_argument("--seeds", type=int, default=seeds)
    parser.add_argument("--first-seed", type=int, default=first_seed)
    parser.add_argument("--customers", type=int, default=customers)
    parser.add_argument("--no-write", action="store_true", help=f"leave docs/{document.name} as it is")
    return parser


def told(
    options: argparse.Namespace,
    document: Path,
    figures: Figures,
    as_markdown: Callable[[Figures, argparse.Namespace], str],
    bars: Callable[[Figures], Sequence[Bar]],
) -> int:
    """Print the document, write it and the JSON object as the options want it; the exit code."""
    text = as_markdown(figures, options)
    print(text)
    if not options.no_write:
        document.write_text(text, encoding="utf-8")
    if options.json:
        print(json.dumps({"figures": figures, "bars": as_json(bars(figures))}, sort_keys=True))
    return 0


def seeds_of(options: argparse.Namespace) -> range:
    """The seeds to run."""
    return range(options.first_seed, options.first_seed + options.seeds)


def words_of(options: argparse.Namespace, *names: str) -> str:
    """How to call it again: `--seeds 2 --customers 1500 ...`."""
    return " ".join(f"--{name.replace('_', '-')} {getattr(options, name)}" for name in names)
