"""Signing in by the provider: there with a question, back with an answer, and in with a new session or not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

import structlog

from alerts.accounts.oidc.attempts import Attempt, Attempts
from alerts.accounts.oidc.id_token import TokenError
from alerts.accounts.oidc.mapping import Known, Unmapped, known, merged
from alerts.accounts.oidc.provider import CodeRefusedError, Provider, ProviderAwayError, Question
from alerts.accounts.people import Person, PersonError
from alerts.accounts.store import PeopleStore

STATE_CHARS_MAX = 256
CODE_CHARS_MAX = 4096

log = structlog.get_logger()


class ProviderRefusal(StrEnum):
    """Why somebody was not let in; the page has words for each (`sign_in.provider_<value>`)."""

    #: No attempt of this browser: too late, used up, or not begun here.
    OVER = "over"
    #: The provider says no, or the person did.
    DENIED = "denied"
    #: The answer proves nothing.
    UNPROVEN = "unproven"
    BUSY = "busy"
    AWAY = "away"
    SHUT = "shut"
    TAKEN = "taken"
    NO_ROLE = "no_role"
    NO_INBOX = "no_inbox"
    NO_LOGIN = "no_login"


#: These are told to the audit: somebody whom the provider vouches for was turned away.
WRITTEN_DOWN = frozenset({
    ProviderRefusal.SHUT, ProviderRefusal.TAKEN, ProviderRefusal.NO_ROLE, ProviderRefusal.NO_INBOX,
    ProviderRefusal.NO_LOGIN,
})  # fmt: skip

#: Tells the audit: login, and why; returns when it is written down.
WriteDown = Callable[[str, ProviderRefusal], None]


@dataclass(frozen=True, slots=True)
class LetIn:
    """A person with the token of a new session, and where they were going. `person` is as the provider tells of them now."""

    person: Person
    token: str
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """Somebody who is not let in. `login`: as the provider knows them; `attempt`: where they were going, if known."""

    why: ProviderRefusal
    login: str = ""
    attempt: Attempt | None = None


class ProviderSignIn:
    """Lets people in by the provider. It makes no passwords, and neither counts nor lifts tries with passwords.

    Args:
        write_down: called for the refusals of `WRITTEN_DOWN`.
    """

    def __init__(self, provider: Provider, attempts: Attempts, people: PeopleStore, write_down: WriteDown) -> None:
        self._provider = provider
        self._attempts = attempts
        self._people = people
        self._write_down = write_down

    @property
    def name(self) -> str:
        """What the button says."""
        return self._provider.config.name

    def begin(self, browser: str, then: str, again: str, typed: dict[str, str]) -> str | ProviderRefusal:
        """The provider's address to go to; `browser` is a cookie that only this browser has."""
        question = self._attempts.begin(browser, then, again, typed)
        if question is None:
            return ProviderRefusal.BUSY
        try:
            return self._provider.address(question)
        except ProviderAwayError as error:
            log.warning("provider.away", reason=str(error))
            return ProviderRefusal.AWAY

    def finish(self, browser: str, answer: Mapping[str, str], now_ms: int) -> LetIn | TurnedAway:
        """Whoever comes back with an answer (the query of the redirect). The state is used up, whatever comes of it."""
        state, code = answer.get("state", ""), answer.get("code", "")
        attempt = self._attempts.end(state, browser) if state and len(state) <= STATE_CHARS_MAX else None
        if attempt is None:
            return TurnedAway(ProviderRefusal.OVER)
        try:
            refusal = self._answered(answer)
            if refusal is not None or not 0 < len(code) <= CODE_CHARS_MAX:
                return TurnedAway(refusal or ProviderRefusal.UNPROVEN, attempt=attempt)
            question = Question(state, attempt.nonce, attempt.verifier)
            claims = self._provider.claims(code, question, now_ms // 1000)
        except ProviderAwayError as error:
            log.warning("provider.away", reason=str(error))
            return TurnedAway(ProviderRefusal.AWAY, attempt=attempt)
        except (TokenError, CodeRefusedError) as error:
            log.warning("provider.unproven", reason=type(error).__name__, why=str(error)[:200])
            return TurnedAway(ProviderRefusal.UNPROVEN, attempt=attempt)
        return self._let_in(known(claims, self._provider.config, now_ms), attempt, now_ms)

    def _answered(self, answer: Mapping[str, str]) -> ProviderRefusal | None:
        issuer = answer.get("iss")
        if issuer is None and self._provider.names_itself():
            return ProviderRefusal.UNPROVEN
        if issuer is not None and issuer != self._provider.config.issuer:
            return ProviderRefusal.UNPROVEN
        return ProviderRefusal.DENIED if "error" in answer else None

    def _let_in(self, told: Known, attempt: Attempt, now_ms: int) -> LetIn | TurnedAway:
        if isinstance(told.person, Unmapped):
            return self._refused(told.login, ProviderRefusal(told.person.value), attempt)
        try:
            person = self._kept(told.person)
        except PersonError as error:
            if error.key != "taken":
                raise
            return self._refused(told.login, ProviderRefusal.TAKEN, attempt)
        if person.disabled:
            return self._refused(told.login, ProviderRefusal.SHUT, attempt)
        return LetIn(person, self._people.begin_session(person.login, now_ms), attempt)

    def _kept(self, told: Person) -> Person:
        if self._people.get(told.login) is None:
            try:
                self._people.add(told)
            except PersonError as error:
                if error.key != "taken":  # taken: came in by two browsers at once
                    raise
        return self._people.change(told.login, lambda before: merged(before, told))

    def _refused(self, login: str, why: ProviderRefusal, attempt: Attempt) -> TurnedAway:
        """Written down, but not more than a few times within a quarter of an hour for one login."""
        if why in WRITTEN_DOWN and self._people.count_try(f"refused:{login}"):
            self._write_down(login, why)
        return TurnedAway(why, login, attempt)
