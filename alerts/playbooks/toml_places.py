"""On which line of a TOML file something stands, so that a message can name it. Knows the plain style of our files."""

import re

TABLE = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?")
KEY = re.compile(r"""^\s*("[^"]*"|'[^']*'|[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)\s*=""")
UNKNOWN = re.compile(r"unknown field `(?P<key>[^`]+)`")
MISSING = re.compile(r"missing required field `(?P<key>[^`]+)`")
ENUM = re.compile(r"Invalid enum value '(?P<value>[^']*)'")
AT = re.compile(r"at `\$(?P<path>[^`]*)`")
STEP = re.compile(r"\.([A-Za-z0-9_-]+)|\[(\d+)\]")
FENCES = ('"""', "'''")


def places(text: str) -> dict[str, int]:
    r"""Line numbers, from 1, by path: "offers[0].cost_once", "script".

    >>> places('[script]\nen = "x"\n[[offers]]\nid = "a"')
    {'script': 1, 'script.en': 2, 'offers[0]': 3, 'offers': 3, 'offers[0].id': 4}
    """
    found: dict[str, int] = {}
    counts: dict[str, int] = {}
    inside, fence = "", ""
    for number, line in enumerate(text.splitlines(), start=1):
        if fence:
            fence = "" if fence in line else fence
            continue
        if table := TABLE.match(line):
            inside = table[2].replace(" ", "")
            if table[1] == "[[":
                place = counts[inside] = counts.get(inside, -1) + 1
                found.setdefault(f"{inside}[{place}]", number)
                found.setdefault(inside, number)
                inside = f"{inside}[{place}]"
            else:
                found.setdefault(inside, number)
        elif key := KEY.match(line):
            name = key[1].strip("\"'")
            found.setdefault(f"{inside}.{name}" if inside else name, number)
            fence = next((mark for mark in FENCES if line.count(mark) == 1), "")
    return found


def line_of(text: str, problem: str) -> int | None:
    r"""The line that a message of msgspec speaks of: of the unknown key, or of the nearest table around it.

    >>> line_of('[aim]\nen = "x"\nfr = "y"', "Object contains unknown field `fr` - at `$.aim`")
    3
    """
    known = places(text)
    at = AT.search(problem)
    steps = STEP.findall(at["path"]) if at else []
    path = "".join(f".{name}" if name else f"[{place}]" for name, place in steps).removeprefix(".")
    if unknown := UNKNOWN.search(problem):
        path = f"{path}.{unknown['key']}".removeprefix(".")
    while path and path not in known:
        path = path[: max(path.rfind("."), path.rfind("["))] if "." in path or "[" in path else ""
    line = known.get(path)
    if line is not None and (value := ENUM.search(problem)):
        # Of the values of a table msgspec names none: the first one that reads so is meant.
        rows = enumerate(text.splitlines()[line - 1 :], start=line)
        return next((number for number, row in rows if f'"{value["value"]}"' in row), line)
    return line
