"""Why a customer is on the list, in one sentence with numbers (texts: `config/reasons/<language>.toml`).

A missing text or number never breaks a page: without a sentence the code itself is shown, without a number the next
plainer sentence. What is wrong in a file is found when it is loaded.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from alerts.evidence_numbers import KINDS, UnitWords, in_words, is_one
from pipeline.reasons import told_reasons

LANGUAGES = ("zh", "en")
PLACEHOLDER = re.compile(r"\{(?P<key>[a-z][a-z0-9_]*)(?::(?P<kind>[a-z_]+)|\?(?P<one>[^|{}]*)\|(?P<many>[^{}]*))\}")

Evidence = Mapping[str, float]


class ReasonTextsError(ValueError):
    """A file of reason texts is unreadable or wrong; the message names the file and the entry."""


class SignalText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The words for one signal; `sentences` from the most telling to one without any number.

    `benign`: which harmless explanations were checked before it warned; empty: nothing is told.
    """

    name: str
    sentences: list[str]
    ask: str
    benign: str = ""


class EvidenceText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an evidence number is called, and how it is said (one of `KINDS`)."""

    label: str
    kind: str


class ReasonTexts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All words about reasons in one language."""

    units: dict[str, dict[str, str]]
    signals: dict[str, SignalText]
    evidence: dict[str, EvidenceText]

    def name(self, code: str) -> str:
        """A few words for a tag; the code itself when there is no text."""
        text = self.signals.get(code)
        return code if text is None else text.name

    def ask(self, code: str) -> str:
        """What to find out in the call; empty when there is no text."""
        text = self.signals.get(code)
        return "" if text is None else text.ask

    def benign(self, code: str, evidence: Evidence | None = None) -> str:
        """Which harmless explanations were checked, of a score also for each reason that it tells; empty without a text."""
        codes = [code, *_with_numbers(evidence or {})]
        texts = [self.signals[one].benign for one in codes if one in self.signals]
        return " ".join(dict.fromkeys(text for text in texts if text))

    def sentence(self, code: str, evidence: Evidence) -> str:
        """The first sentence whose numbers are all there; the code itself without a text. A score tells its reasons, too."""
        reasons = _with_numbers(evidence).items()
        return " ".join([self._sentence(code, evidence), *(self._sentence(*reason) for reason in reasons)])

    def _sentence(self, code: str, evidence: Evidence) -> str:
        text = self.signals.get(code)
        if text is None:
            return code
        filled = (_fill(sentence, evidence, self.units) for sentence in text.sentences)
        return next((sentence for sentence in filled if sentence is not None), text.name)

    def evidence_rows(self, evidence: Evidence) -> list[tuple[str, str]]:
        """(label, value in words) of every number that can be said, in the order in which it was given."""
        rows = [(self._label(key), self._value(key, value)) for key, value in evidence.items()]
        return [(label, value) for label, value in rows if value is not None]

    def _label(self, key: str) -> str:
        code, dot, name = key.rpartition(".")
        text = self.evidence.get(name)
        label = name if text is None else text.label
        return f"{self.name(code)}: {label}" if dot else label

    def _value(self, key: str, value: float) -> str | None:
        text = self.evidence.get(key.rpartition(".")[2])
        return in_words(value, "number" if text is None else text.kind, self.units)


def _with_numbers(evidence: Evidence) -> dict[str, dict[str, float]]:
    """The reasons of a score that bring more than their share: the others are signals that stand beside it."""
    return {code: numbers for code, numbers in told_reasons(evidence).items() if len(numbers) > 1}


def load_reason_texts(folder: Path, languages: Sequence[str] = LANGUAGES) -> dict[str, ReasonTexts]:
    """Texts by language from `<folder>/<language>.toml`.

    Raises:
        ReasonTextsError: a file is missing, not TOML, or has an entry that could not be shown.
    """
    return {language: _load(folder / f"{language}.toml") for language in languages}


def _load(path: Path) -> ReasonTexts:
    try:
        texts = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), ReasonTexts)
    except OSError as error:
        raise ReasonTextsError(f"cannot read the reason texts {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ReasonTextsError(f"{path} is wrong: {error}") from None
    _check(texts, path)
    return texts


def _check(texts: ReasonTexts, path: Path) -> None:
    for code, text in texts.signals.items():
        if not text.sentences or PLACEHOLDER.search(text.sentences[-1]):
            raise ReasonTextsError(f"{path}: the last sentence of `{code}` must have no placeholder")
        for sentence in text.sentences:
            _check_placeholders(sentence, f"{path}: `{code}`")
    for key, evidence in texts.evidence.items():
        if evidence.kind not in KINDS:
            raise ReasonTextsError(f"{path}: evidence `{key}` has kind `{evidence.kind}`; kinds are {_listed()}")


def _check_placeholders(sentence: str, where: str) -> None:
    if re.search(r"[{}]", PLACEHOLDER.sub("", sentence)):
        raise ReasonTextsError(
            f"{where} has a broken placeholder in {sentence!r}; write {{key:kind}} or {{key?one|many}}"
        )
    for match in PLACEHOLDER.finditer(sentence):
        if match["kind"] is not None and match["kind"] not in KINDS:
            raise ReasonTextsError(f"{where} uses kind `{match['kind']}`; kinds are {_listed()}")


def _listed() -> str:
    return ", ".join(sorted(KINDS))


def _fill(sentence: str, evidence: Evidence, units: UnitWords) -> str | None:
    """The sentence with its numbers, None when one of them is missing or cannot be said."""
    values: dict[str, str] = {}
    for match in PLACEHOLDER.finditer(sentence):
        value = evidence.get(match["key"])
        said = in_words(value, match["kind"] or "number", units)
        if value is None or said is None:
            return None
        values[match[0]] = said if match["kind"] else (match["one"] if is_one(value) else match["many"])
    return PLACEHOLDER.sub(lambda match: values[match[0]], sentence)
