"""The console's staff: who may sign in. `churn.accounts` keeps people sealed; Redis has them for every click."""

import time

import msgspec
import redis
import structlog
from kafka.errors import KafkaError

from alerts.accounts.passwords import Passwords
from alerts.accounts.people import Person, PersonError, kept_here, new_person
from alerts.accounts.roles import StaffRole
from alerts.accounts.sign_in import SignIn
from alerts.accounts.store import PeopleStore
from alerts.console.staff import Staff
from alerts.sealed import SealedRecord, SealError
from alerts.store import TaskStore
from churnwatch.clients import kafka_consumer, kafka_producer
from churnwatch.errors import UserError
from churnwatch.provider import provider_sign_in
from churnwatch.report_reader import TopicReader
from churnwatch.seals import ACCOUNTS, SealedPublisher, sealed_view, sealer
from churnwatch.settings import Settings
from churnwatch.topics import ensure_topics

FIRST_LOGIN = "admin"
NAME = "person:"

log = structlog.get_logger()


def staff_of(settings: Settings, client: redis.Redis, store: TaskStore) -> Staff:
    """Everybody with a login here, and the company's provider where one is configured.

    Raises:
        UserError: the provider cannot be used as configured.
    """
    people = people_store(settings, client)
    provider = provider_sign_in(settings, client, people, store)
    return Staff(people, SignIn(people, Passwords()), wall_ms, provider)


def people_store(settings: Settings, client: redis.Redis) -> PeopleStore:
    """People as Redis has them; where it lost them, as `churn.accounts` had them. Without Kafka, Redis alone keeps them."""
    if not settings.kafka.bootstrap:
        return PeopleStore(client, settings.kafka.topic_prefix)
    keeper = PeopleKeeper(settings, client)
    people = PeopleStore(client, settings.kafka.topic_prefix, keeper.keep)
    if people.is_empty():
        for person in keeper.kept():
            people.restore(person)
    return people


class PeopleKeeper:
    """Puts people into `churn.accounts`, each sealed under the name `person:<login>`; connects at the first change."""

    def __init__(self, settings: Settings, client: redis.Redis) -> None:
        self._settings = settings
        self._view = sealed_view(settings, client, ACCOUNTS)
        self._publish: SealedPublisher | None = None

    def keep(self, person: Person) -> None:
        """Return when Kafka has it.

        Raises:
            PersonError: Kafka is away; nothing was changed.
        """
        name = f"{NAME}{person.login}"
        record = sealer(self._settings, ACCOUNTS).seal(name, msgspec.json.encode(person), wall_ms())
        try:
            if self._publish is None:
                ensure_topics(self._settings)
                self._publish = SealedPublisher(self._settings, kafka_producer(self._settings), ACCOUNTS)
            self._publish({name: record})
        except (KafkaError, UserError) as error:
            log.warning("people.not_kept", reason=type(error).__name__)
            raise PersonError(
                "away", "Kafka cannot be reached, so nothing was changed; try again in a moment"
            ) from error
        self._view.put({name: record})

    def kept(self) -> list[Person]:
        """Everybody whom the topic holds, read from Kafka itself: Redis may have lost its copy too.

        Raises:
            UserError: Kafka is away, or somebody cannot be read: the key of the vault is another one.
        """
        ensure_topics(self._settings)
        consumer = kafka_consumer(self._settings)
        try:
            records = TopicReader(self._settings, consumer).records(ACCOUNTS, SealedRecord)
        finally:
            consumer.close()
        latest = {record.name: record for record in records if record.name.startswith(NAME)}
        try:
            opened = [sealer(self._settings, ACCOUNTS).open(record) for record in latest.values()]
        except SealError as error:
            raise UserError(f"people in {ACCOUNTS} cannot be read: {error}; see privacy.vault_key_file") from None
        return [msgspec.json.decode(content, type=Person) for content in opened]


def first_link(people: PeopleStore) -> str | None:
    """Where nobody has a login yet: an administrator, and the one-time link to choose a password; else None.

    While that administrator has no password, every start makes a fresh link.

    Raises:
        UserError: Kafka is away.
    """
    if people.is_empty():
        try:
            people.add(new_person(FIRST_LOGIN, "", (StaffRole.ADMIN,), "", wall_ms()))
        except PersonError as error:
            raise UserError(str(error)) from None
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
        UserError: there is no such login, or it has no password.
    """
    person = people.get(login)
    if person is None:
        known = ", ".join(person.login for person in people.everybody()) or "nobody yet"
        raise UserError(f"there is no login {login}; there are: {known}")
    try:
        kept_here(person)
    except PersonError as error:
        raise UserError(str(error)) from None
    people.forget_tries(login)
    return people.new_link(login)


def wall_ms() -> int:
    """Wall time, epoch milliseconds."""
    return time.time_ns() // 1_000_000
