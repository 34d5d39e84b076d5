"""Signing in: password, second factor, lock after failures. A wrong login and a wrong password look the same."""

from dataclasses import dataclass
from enum import StrEnum
from threading import BoundedSemaphore

from msgspec.structs import replace

from alerts.accounts import second_factor
from alerts.accounts.passwords import Passwords
from alerts.accounts.people import LOGIN, Person, signed_out
from alerts.accounts.store import PeopleStore

#: Each check of a password takes a core and 64 MiB for a moment.
CHECKS_AT_ONCE = 2


class SignInRefusal(StrEnum):
    """Why somebody was not let in, in words that tell no stranger which logins exist."""

    WRONG = "wrong"
    LOCKED = "locked"
    CODE_WANTED = "code_wanted"
    LINK_OVER = "link_over"


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person with the token of a new session."""

    person: Person
    token: str


class SignIn:
    """Lets people in."""

    def __init__(self, people: PeopleStore, passwords: Passwords) -> None:
        self._people = people
        self._passwords = passwords
        self._checks = BoundedSemaphore(CHECKS_AT_ONCE)

    def with_password(self, login: str, password: str, code: str, now_ms: int) -> SignedIn | SignInRefusal:
        """By login and password, and by code where the person set one up."""
        if not LOGIN.fullmatch(login):
            return SignInRefusal.WRONG
        if not self._people.count_try(login):
            return SignInRefusal.LOCKED
        person = self._people.get(login)
        with self._checks:
            right = self._passwords.fits(None if person is None else person.password_hash, password)
        if person is None or person.disabled or not right:
            return SignInRefusal.WRONG
        return self._second_step(person, password, code, now_ms)

    def _second_step(self, person: Person, password: str, code: str, now_ms: int) -> SignedIn | SignInRefusal:
        if person.totp_secret is not None:
            if not code:
                return SignInRefusal.CODE_WANTED
            if not self._use_code(person.login, code, now_ms):
                return SignInRefusal.WRONG
        self._people.forget_tries(person.login)
        if person.password_hash is not None and self._passwords.is_old(person.password_hash):
            renewed = self._passwords.hash(person.login, password)
            person = self._people.change(person.login, lambda now: replace(now, password_hash=renewed))
        return SignedIn(person, self._people.begin_session(person.login, now_ms))

    def _use_code(self, login: str, code: str, now_ms: int) -> bool:
        accepted = False

        def use(now: Person) -> Person:
            nonlocal accepted
            after = second_factor.used(now, code, now_ms)
            accepted = after is not None
            return now if after is None else after

        self._people.change(login, use)
        return accepted

    def with_link(self, link: str, password: str, now_ms: int) -> SignedIn | SignInRefusal:
        """By a one-time link: sets the first or a new password, ends all other sessions.

        Raises:
            PasswordError: the password is not good enough; the link can be used again.
        """
        login = self._people.link_of(link)
        if login is None:
            return SignInRefusal.LINK_OVER
        password_hash = self._passwords.hash(login, password)
        if self._people.use_link(link) is None:
            return SignInRefusal.LINK_OVER
        person = self._people.change(login, lambda now: replace(signed_out(now, now_ms), password_hash=password_hash))
        self._people.forget_tries(login)
        return SignedIn(person, self._people.begin_session(login, now_ms))

    def new_password(self, person: Person, old: str, new: str, now_ms: int) -> SignedIn | SignInRefusal:
        """Another password; every session of this person ends, and a new one begins.

        Raises:
            PasswordError: the new one is not good enough.
        """
        if not self._people.count_try(person.login):
            return SignInRefusal.LOCKED
        with self._checks:
            right = self._passwords.fits(person.password_hash, old)
        if not right:
            return SignInRefusal.WRONG
        password_hash = self._passwords.hash(person.login, new)
        changed = self._people.change(
            person.login, lambda now: replace(signed_out(now, now_ms), password_hash=password_hash)
        )
        return SignedIn(changed, self._people.begin_session(person.login, now_ms))
