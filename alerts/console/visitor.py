"""Who looks, in which language and light. Preferences come from the query and stay in a cookie.

Whoever is signed in acts as themselves. Where there is no login (`--insecure-no-login`, the demo) the actor is a claim from
a form, not a proof.
"""

import re
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from alerts.accounts.people import Person
from alerts.accounts.roles import StaffRole, acting_role
from alerts.console.csrf import set_cookie
from alerts.tasks import OUTBOUND, UNASSIGNED, Actor, Role

YEAR_S = 365 * 86_400
THEMES = ("auto", "light", "dark")
ACTING_ROLES = (Role.MANAGER, Role.CALLER, Role.SUPERVISOR)
STAFF_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
ACTOR_COOKIE = "churnwatch-actor"
DEFAULT_CALLER = "caller-1"
DEFAULT_SUPERVISOR = "supervisor-1"


@dataclass(frozen=True, slots=True)
class Preferences:
    language: str
    theme: str


def preferences(request: Request, languages: tuple[str, ...], default_language: str) -> Preferences:
    """From the query, else the cookie, else the default; an unknown value counts as none."""
    return Preferences(
        _chosen(request, "lang", languages, default_language),
        _chosen(request, "theme", THEMES, THEMES[0]),
    )


def remember_preferences(request: Request, response: Response, chosen: Preferences) -> None:
    """Keep for a year what the query chose."""
    for key, value in (("lang", chosen.language), ("theme", chosen.theme)):
        if request.query_params.get(key) == value and request.cookies.get(f"churnwatch-{key}") != value:
            set_cookie(request, response, f"churnwatch-{key}", value, YEAR_S)


def person_of(request: Request) -> Person | None:
    """Who is signed in, as the route's `Needs` found; None where there is no login, or on an open page."""
    person = getattr(request.state, "person", None)
    return person if isinstance(person, Person) else None


def acting(request: Request, owner: str | None) -> Actor:
    """Whoever is signed in; without login whoever was named in the actor form, else the owner of what is looked at."""
    person = person_of(request)
    if person is not None:
        return person_acts(person, owner)
    named = parse_actor(request.cookies.get(ACTOR_COOKIE, ""))
    if named is not None:
        return named
    if owner == UNASSIGNED:
        return Actor(DEFAULT_SUPERVISOR, Role.SUPERVISOR)
    if owner is None or owner == OUTBOUND:
        return Actor(DEFAULT_CALLER, Role.CALLER)
    return Actor(owner, Role.MANAGER)


def person_acts(person: Person, owner: str | None = None) -> Actor:
    """In whose name this person changes tasks of this owner: a manager by the code that customers carry, others by their login.

    Who is a manager and a caller works the outbound team's tasks as a caller.
    """
    role = acting_role(person.roles)
    if owner == OUTBOUND and role is Role.MANAGER and StaffRole.CALLER in person.roles:
        role = Role.CALLER
    return Actor(person.inbox if role is Role.MANAGER else person.login, role or Role.SYSTEM)


def parse_actor(text: str) -> Actor | None:
    """Role and name as the cookie holds them; None for anything else.

    >>> parse_actor("manager:m-17")
    Actor(name='m-17', role=<Role.MANAGER: 'manager'>)
    >>> parse_actor("dialer:x") is None
    True
    """
    role, _, name = text.partition(":")
    if role not in ACTING_ROLES or not STAFF_ID.fullmatch(name):
        return None
    return Actor(name, Role(role))


def remember_actor(request: Request, response: Response, actor: Actor) -> None:
    set_cookie(request, response, ACTOR_COOKIE, f"{actor.role}:{actor.name}")


def _chosen(request: Request, key: str, allowed: tuple[str, ...], default: str) -> str:
    for value in (request.query_params.get(key), request.cookies.get(f"churnwatch-{key}")):
        if value in allowed:
            return value
    return default
