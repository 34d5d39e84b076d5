"""The words of the pages, by language (`config/console/<language>.toml`). A missing one shows its key, never an error."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from alerts.reason_texts import LANGUAGES, ReasonTexts, load_reason_texts


class PageTextsError(ValueError):
    """A file of page texts is unreadable or holds something else than texts; the message names it."""


@dataclass(frozen=True, slots=True)
class PageTexts:
    """Texts of one language under dotted keys: `texts("inbox.title", owner="m-17")`."""

    language: str
    texts: Mapping[str, str]

    def __call__(self, key: str, **values: object) -> str:
        """The text with its `{name}`s filled in; the key where there is no text, the `{name}` where there is no value.

        >>> PageTexts("en", {"inbox.title": "Inbox of {owner}"})("inbox.title", owner="m-17")
        'Inbox of m-17'
        """
        text = self.texts.get(key, key)
        for name, value in values.items():
            text = text.replace("{" + name + "}", str(value))
        return text

    def word(self, table: str, code: str) -> str:
        """The text of a code out of a closed set, or the code itself: `texts.word("state", "new")`."""
        return self.texts.get(f"{table}.{code}", code)

    def table(self, name: str) -> list[str]:
        """All codes that a table has words for."""
        start = f"{name}."
        return [key.removeprefix(start) for key in self.texts if key.startswith(start)]


@dataclass(frozen=True, slots=True)
class ConsoleTexts:
    """Everything the console can say."""

    pages: Mapping[str, PageTexts]
    reasons: Mapping[str, ReasonTexts]

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self.pages)


def load_console_texts(config: Path, languages: Sequence[str] = LANGUAGES) -> ConsoleTexts:
    """Read `<config>/console` and `<config>/reasons`.

    Raises:
        PageTextsError, ReasonTextsError: a file is missing or wrong.
    """
    pages = {language: _load(config / "console" / f"{language}.toml", language) for language in languages}
    return ConsoleTexts(pages, load_reason_texts(config / "reasons", languages))


def _load(path: Path, language: str) -> PageTexts:
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PageTextsError(f"cannot read the page texts {path}: {error.strerror}") from None
    except tomllib.TOMLDecodeError as error:
        raise PageTextsError(f"{path} is wrong: {error}") from None
    return PageTexts(language, dict(_flat(tables, path)))


def _flat(tables: Mapping[str, object], path: Path) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for table, entries in tables.items():
        if not isinstance(entries, dict):
            raise PageTextsError(f"{path}: `{table}` stands outside a table")
        for key, text in entries.items():
            if not isinstance(text, str):
                raise PageTextsError(f"{path}: `{table}.{key}` must be a text")
            found.append((f"{table}.{key}", text))
    return found
