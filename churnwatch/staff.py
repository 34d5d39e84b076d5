"""The console's staff: who may sign in, over this installation's Redis."""

import time

import redis

from alerts.accounts.passwords import Passwords
from alerts.accounts.people import PersonError, new_person
from alerts.accounts.roles import StaffRole
from alerts.accounts.sign_in import SignIn
from alerts.accounts.store import PeopleStore
from alerts.console.staff import Staff
from churnwatch.errors import UserError
from churnwatch.settings import Settings

FIRST_LOGIN = "admin"


def staff_of(settings: Settings, client: redis.Redis) -> Staff:
    """Everybody with a login here."""
    people = people_store(settings, client)
    return Staff(people, SignIn(people, Passwords()), wall_ms)


def people_store(settings: Settings, client: redis.Redis) -> PeopleStore:
    """People as Redis has them."""
    return PeopleStore(client, settings.kafka.topic_prefix)


def first_link(people: PeopleStore) -> str | None:
    """Where nobody has a login yet: an administrator, and the one-time link to choose a password; else None.

    While that administrator has no password, every start makes a fresh link.
    """
    if people.is_empty():
        people.add(new_person(FIRST_LOGIN, "", (StaffRole.ADMIN,), "", wall_ms()))
    everybody = people.everybody()
    if len(everybody) == 1 and everybody[0].password_hash is None:
        return people.new_link(everybody[0].login)
    return None


def add_person(people: PeopleStore, login: str, name: str, roles: list[StaffRole], inbox: str) -> str:
    """A new person; returns the token of their one-time link.

    Raises:
        UserError: no such login is possible, or it is taken, or no role was given.
    """
    try:
        people.add(new_person(login, name, tuple(roles), inbox, wall_ms()))
    except PersonError as error:
        raise UserError(f"{error}") from None
    return people.new_link(login)


def new_link(people: PeopleStore, login: str) -> str:
    """A fresh one-time link for somebody who forgot a password or locked the login.

    Raises:
        UserError: there is no such login.
    """
    if people.get(login) is None:
        known = ", ".join(person.login for person in people.everybody()) or "nobody yet"
        raise UserError(f"there is no login {login}; there are: {known}")
    people.forget_tries(login)
    return people.new_link(login)


def wall_ms() -> int:
    """Wall time, epoch milliseconds."""
    return time.time_ns() // 1_000_000
