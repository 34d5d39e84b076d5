"""The playbooks' files, checked when read: what is wrong is named with its file and line."""

import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import TypeVar

import msgspec

from alerts.playbooks.playbook import Economics, Lines, Playbook, Playbooks
from alerts.playbooks.toml_places import line_of, places

CONFIG = Path(__file__).resolve().parent.parent.parent / "config"
PLAYBOOKS_DIR = CONFIG / "playbooks"
ECONOMICS_FILE = CONFIG / "policies" / "offers.toml"

Shape = TypeVar("Shape")


class PlaybookError(ValueError):
    """A playbook is unreadable or wrong; the message names file, line, key and what is allowed."""


def read_playbooks(
    reason_groups: Collection[str], folder: Path = PLAYBOOKS_DIR, economics: Path = ECONOMICS_FILE
) -> Playbooks:
    """All playbooks of a folder; `reason_groups` are those that tasks can have (config/policies/tasks.toml).

    Raises:
        PlaybookError: a file is wrong, or two playbooks serve the same reason, segment and stars.
    """
    found = [_playbook(path, reason_groups) for path in sorted(folder.glob("*.toml"))]
    if not found:
        raise PlaybookError(f"there is no playbook in {folder}")
    _refuse_overlaps(found, folder)
    return Playbooks(sorted(found, key=lambda one: -one.stars_min), _converted(economics, Economics)[0])


def _playbook(path: Path, reason_groups: Collection[str]) -> Playbook:
    playbook, text = _converted(path, Playbook)
    known = places(text)
    if unknown := set(playbook.reasons).difference(reason_groups):
        allowed = ", ".join(sorted(reason_groups))
        raise _error(
            path, known.get("reasons"), f"reasons: there is no reason group {min(unknown)!r}; allowed are {allowed}"
        )
    for name in ("script", "do_not"):
        lines: Lines = getattr(playbook, name)
        if len(lines.zh) != len(lines.en):
            raise _error(path, known.get(name), f"{name}: {len(lines.zh)} sentences in zh and {len(lines.en)} in en")
    ids = [offer.id for offer in playbook.offers]
    for place, offer_id in enumerate(ids):
        if offer_id in ids[:place]:
            raise _error(path, known.get(f"offers[{place}].id"), f"offers: a second offer {offer_id!r}")
    for place, offer in enumerate(playbook.offers):
        if offer.cost_month and not offer.months:
            raise _error(path, known.get(f"offers[{place}].cost_month"), "cost_month needs `months`, 1 or more")
    return msgspec.structs.replace(playbook, id=path.stem)


def _converted(path: Path, shape: type[Shape]) -> tuple[Shape, str]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PlaybookError(f"cannot read {path}: {error}") from None
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PlaybookError(f"{path}: {error}") from None
    if "id" in values and shape is Playbook:
        raise _error(path, places(text).get("id"), "unknown field `id`: a playbook is known by the name of its file")
    try:
        return msgspec.convert(values, shape), text
    except msgspec.ValidationError as error:
        raise _error(path, line_of(text, str(error)), str(error)) from None


def _refuse_overlaps(playbooks: list[Playbook], folder: Path) -> None:
    taken: dict[tuple[str, str, int], str] = {}
    for one in playbooks:
        for reason in one.reasons:
            for segment in one.segments:
                other = taken.setdefault((reason, segment, one.stars_min), one.id)
                if other != one.id:
                    raise PlaybookError(
                        f"{folder / one.id}.toml and {other}.toml are both for {reason}, {segment}, from star {one.stars_min}"
                    )


def _error(path: Path, line: int | None, problem: str) -> PlaybookError:
    return PlaybookError(f"{path}, line {line}: {problem}" if line else f"{path}: {problem}")
