"""People, sessions and one-time links in Redis. Sessions and links end by themselves; people are also told to a log."""

from collections.abc import Callable

import msgspec
import redis
from msgspec.structs import replace

from alerts.accounts.people import Person, PersonError
from alerts.accounts.sessions import LONGEST_MS, Session, holds, new_token, token_key, touched

ATTEMPTS_MAX = 10
TRIES_MAX = 5
LOCK_MS = 15 * 60_000
LINK_MS = 24 * 3_600_000

#: Tells a changed person to whatever keeps them for good (Kafka), and returns when it has them.
Keep = Callable[[Person], None]


class PeopleStore:
    """Reads and changes. Redis errors propagate; then nothing was done.

    Args:
        client: a Redis client with decoded responses.
        prefix: of all keys.
        keep: called with every changed person before Redis shows the change; by default nobody is told.
    """

    def __init__(self, client: redis.Redis, prefix: str, keep: Keep | None = None) -> None:
        self._redis = client
        self._people = f"{prefix}:people"
        self._prefix = prefix
        self._keep = keep

    def get(self, login: str) -> Person | None:
        """One person by login."""
        stored = self._redis.hget(self._people, login)
        return None if stored is None else msgspec.json.decode(str(stored), type=Person)

    def everybody(self) -> list[Person]:
        """All people, by login."""
        rows: dict[str, str] = self._redis.hgetall(self._people)  # type: ignore[assignment]  # redis-py types sync and async alike
        return [msgspec.json.decode(rows[login], type=Person) for login in sorted(rows)]

    def is_empty(self) -> bool:
        """Whether nobody has a login yet."""
        return not self._redis.hlen(self._people)

    def add(self, person: Person) -> None:
        """A new person.

        Raises:
            PersonError: the login is taken.
        """
        if self.get(person.login) is not None:
            raise PersonError("taken", f"the login {person.login} is taken", login=person.login)
        self._tell(person)
        if not self._redis.hsetnx(self._people, person.login, _text(person)):
            raise PersonError("taken", f"the login {person.login} is taken", login=person.login)

    def change(self, login: str, decide: Callable[[Person], Person]) -> Person:
        """Change a person by a pure rule, which is asked again when somebody else was quicker.

        Raises:
            PersonError: no such login, or too many changes at once.
        """
        for _ in range(ATTEMPTS_MAX):
            with self._redis.pipeline(transaction=True) as pipe:
                pipe.watch(self._people)  # type: ignore[no-untyped-call]  # redis-py leaves it unannotated
                stored = pipe.hget(self._people, login)
                if stored is None:
                    raise PersonError("unknown", f"there is no login {login}", login=login)
                before = msgspec.json.decode(str(stored), type=Person)
                after = decide(before)
                if after == before:
                    return after
                pipe.multi()
                pipe.hset(self._people, login, _text(after))
                # A used code need not outlive Redis, and signing in must not wait for Kafka.
                if replace(after, totp_step=before.totp_step) != before:
                    self._tell(after)
                try:
                    pipe.execute()
                except redis.WatchError:
                    continue
                return after
        raise PersonError("busy", f"{login} is being changed by somebody else; try again", login=login)

    def restore(self, person: Person) -> None:
        """A person as the log tells of them, after Redis lost everything."""
        self._redis.hset(self._people, person.login, _text(person))

    # Tries to sign in, also with logins that do not exist: so nobody learns which do

    def count_try(self, login: str) -> bool:
        """Count one try before it is judged; False when there were five within 15 minutes: then nothing is judged."""
        key = self._tries_key(login)
        with self._redis.pipeline(transaction=True) as pipe:
            pipe.set(key, 0, px=LOCK_MS, nx=True)
            pipe.incr(key)
            _, tries = pipe.execute()
        return int(tries) <= TRIES_MAX

    def forget_tries(self, login: str) -> None:
        """After a right one, and when an administrator sends a new link."""
        self._redis.delete(self._tries_key(login))

    # Sessions

    def begin_session(self, login: str, now_ms: int) -> str:
        """A new session; returns its token."""
        token = new_token()
        self._write_session(token, Session(login=login, begun_ms=now_ms, seen_ms=now_ms))
        return token

    def visitor(self, token: str, now_ms: int) -> Person | None:
        """Whose session a token is; None where it does not count (any more)."""
        stored = self._redis.get(self._session_key(token))
        if stored is None:
            return None
        session = msgspec.json.decode(str(stored), type=Session)
        person = self.get(session.login)
        if person is None or not holds(session, person, now_ms):
            return None
        if (seen := touched(session, now_ms)) is not None:
            self._write_session(token, seen)
        return person

    def end_session(self, token: str) -> None:
        """Sign out: the token is worth nothing from now on."""
        self._redis.delete(self._session_key(token))

    # One-time links

    def new_link(self, login: str) -> str:
        """A token with which this person may set a password, once, within a day."""
        token = new_token()
        self._redis.set(self._link_key(token), login, px=LINK_MS)
        return token

    def link_of(self, token: str) -> str | None:
        """Whose link this is, without using it up."""
        login = self._redis.get(self._link_key(token))
        return None if login is None else str(login)

    def use_link(self, token: str) -> str | None:
        """Whose link this was; only the first asks in time."""
        login = self._redis.getdel(self._link_key(token))
        return None if login is None else str(login)

    def _tell(self, person: Person) -> None:
        if self._keep is not None:
            self._keep(person)

    def _tries_key(self, login: str) -> str:
        return f"{self._prefix}:tries:{login}"

    def _write_session(self, token: str, session: Session) -> None:
        self._redis.set(self._session_key(token), _text(session), px=LONGEST_MS)

    def _session_key(self, token: str) -> str:
        return f"{self._prefix}:session:{token_key(token)}"

    def _link_key(self, token: str) -> str:
        return f"{self._prefix}:link:{token_key(token)}"


def _text(record: msgspec.Struct) -> str:
    return msgspec.json.encode(record).decode()
