"""Building a warning: who, how urgent, why, and an id that the same cause always has."""

import hashlib
from collections.abc import Iterable, Mapping

import msgspec

from pipeline.episodes import LEVEL_RANK
from pipeline.events import ChurnWarning, Level, ScoreBasis, SignalReport
from pipeline.policy import SignalPolicy
from pipeline.reasons import told_reasons
from pipeline.state.cases import Case, Episode
from pipeline.state.decay import DAY_MS

EVIDENCE_DIGITS = 4
SCORE_DIGITS = 6


def warning_id(account_id: str, line_id: str | None, signal: str, episode: Episode) -> str:
    """Hash of the line (or account), the signal, and the start of its episode at this level.

    >>> episode = Episode(5, 5, Level.WARN, 0.9, {})
    >>> warning_id("a1", "l1", "silence", episode) == warning_id("a1", None, "silence", episode)
    False
    """
    subject = f"account\x00{account_id}" if line_id is None else f"line\x00{line_id}"
    cause = f"{subject}\x00{signal}\x00{episode.level_ms}\x00{episode.started_by}"
    return hashlib.blake2b(cause.encode(), digest_size=16).hexdigest()


def build_warning(
    *,
    account_id: str,
    line_id: str | None,
    cause: str,
    cases: Iterable[Case],
    now_ms: int,
    score: float,
    basis: ScoreBasis,
    model_version: str,
    policy: SignalPolicy,
) -> ChurnWarning:
    """The warning that `cause` makes now, with everything else that is on, and told, for the line and its account."""
    episodes = {name: episode for name, episode in _all_episodes(cases).items() if episode.told}
    order = _by_importance(episodes, policy, first=cause)
    signals = [_report(name, episodes[name], policy) for name in order]
    level = max((episode.level for episode in episodes.values()), key=LEVEL_RANK.__getitem__, default=Level.WATCH)
    return ChurnWarning(
        warning_id=warning_id(account_id, line_id, cause, episodes[cause]),
        ts_ms=now_ms,
        account_id=account_id,
        line_id=line_id,
        level=level,
        score=round(score, SCORE_DIGITS),
        score_basis=basis,
        days_left=days_left(episodes, now_ms, policy),
        signals=signals,
        reasons=_reasons(order, episodes[cause])[: policy.reasons_max],
        model_version=model_version,
        features_hash=_digest(signals, round(score, SCORE_DIGITS)),
    )


def _reasons(order: list[str], cause: Episode) -> list[str]:
    """The cause, what a model's score gives as its own reasons, then what else is on."""
    return list(dict.fromkeys([order[0], *told_reasons(cause.evidence), *order[1:]]))


def days_left(episodes: Mapping[str, Episode], now_ms: int, policy: SignalPolicy) -> float | None:
    """Days that are left to act by the most urgent hard signal; None when only gradual ones are on."""
    left = []
    for name, episode in episodes.items():
        if name in policy.hard:
            until_ms = episode.until_ms or episode.began_ms + policy.hard[name].days_left * DAY_MS
            left.append(max(0.0, (until_ms - now_ms) / DAY_MS))
    return round(min(left), 2) if left else None


def report_episodes(cases: Iterable[Case], policy: SignalPolicy) -> list[SignalReport]:
    """Everything that is on in these cases, the weightiest first."""
    episodes = _all_episodes(cases)
    return [_report(name, episodes[name], policy) for name in _by_importance(episodes, policy)]


def _all_episodes(cases: Iterable[Case]) -> dict[str, Episode]:
    """Episodes of all cases by signal; the first case wins."""
    episodes: dict[str, Episode] = {}
    for case in cases:
        for name, episode in case.episodes.items():
            episodes.setdefault(name, episode)
    return episodes


def _by_importance(episodes: Mapping[str, Episode], policy: SignalPolicy, first: str = "") -> list[str]:
    return sorted(episodes, key=lambda name: (name != first, -policy.weight(name) * episodes[name].strength, name))


def _report(name: str, episode: Episode, policy: SignalPolicy) -> SignalReport:
    evidence = {key: round(value, EVIDENCE_DIGITS) for key, value in sorted(episode.evidence.items())}
    return SignalReport(
        name,
        policy.origin(name),
        round(min(1.0, max(0.0, episode.strength)), EVIDENCE_DIGITS),
        episode.began_ms,
        evidence,
    )


def _digest(signals: list[SignalReport], score: float) -> str:
    """What the decision was made from, as a hash, so that two runs can be compared."""
    return hashlib.blake2b(msgspec.json.encode([signals, score], order="deterministic"), digest_size=8).hexdigest()
