"""Names of everything the alerts keep in Redis, under one prefix. One Redis, no cluster: scripts touch many keys."""

from typing import NamedTuple


class Keys(NamedTuple):
    """Keys under `prefix`. "open" and "closed" are sorted sets of task ids; "s" a state, "o" an owner, "g" a group."""

    prefix: str

    def book(self, account_id: str) -> str:
        """Hash: `seq` of the account's latest event, `body` the rest as JSON."""
        return f"{self.prefix}:book:{account_id}"

    def task(self, task_id: str) -> str:
        return f"{self.prefix}:task:{task_id}"

    def tasks_of(self, account_id: str) -> str:
        """Sorted set of all task ids of an account by creation time."""
        return f"{self.prefix}:tasks-of:{account_id}"

    def open(self, owner: str | None = None, state: str | None = None) -> str:
        """Most urgent last."""
        return f"{self.prefix}:open{_part('o', owner)}{_part('s', state)}"

    def open_in_group(self, group: str) -> str:
        return f"{self.prefix}:open:g:{group}"

    def closed(self, owner: str | None = None) -> str:
        """By the time they closed."""
        return f"{self.prefix}:closed{_part('o', owner)}"

    @property
    def groups(self) -> str:
        """Set of the reason groups that ever had a task."""
        return f"{self.prefix}:groups"

    @property
    def owners(self) -> str:
        """Set of those who ever had a task."""
        return f"{self.prefix}:owners"

    @property
    def due(self) -> str:
        """Open tasks by due time."""
        return f"{self.prefix}:due"

    @property
    def escalate(self) -> str:
        """Open tasks by the time of the next step of their escalation chain."""
        return f"{self.prefix}:escalate"

    @property
    def expire(self) -> str:
        """Open tasks by the time at which they close because nobody came to them."""
        return f"{self.prefix}:expire"

    @property
    def planned(self) -> str:
        """Open tasks with a reserved contact, by its time."""
        return f"{self.prefix}:planned"

    @property
    def person_contacts(self) -> str:
        """Tasks whose contact a person has begun, by when."""
        return f"{self.prefix}:person-contacts"

    def capacity(self, day: str, owner: str) -> str:
        """Contacts of one owner on one day, reserved or made: "task:attempt" by their time."""
        return f"{self.prefix}:capacity:{day}:{owner}"

    @property
    def day_plan(self) -> str:
        """What the latest daily plan came to, as JSON: its day and the shadow price of each owner's hour."""
        return f"{self.prefix}:day-plan"

    @property
    def rates(self) -> str:
        """Hash: how many contacts reached and kept people (alerts/capacity_rates.py)."""
        return f"{self.prefix}:rates"

    def visits(self, month: str) -> str:
        """Hash of a month: return visits kept and not kept, by person (alerts/visit_counts.py)."""
        return f"{self.prefix}:visits:{month}"

    def surge(self, region: str, group: str) -> str:
        """Tasks made of one region and reason, by when."""
        return f"{self.prefix}:surge:{region}:{group}"

    def measured(self, kind: str, account_id: str) -> str:
        """Single facts of an account by when they happened (alerts/value/measures.py)."""
        return f"{self.prefix}:measured:{kind}:{account_id}"

    def happened(self, account_id: str) -> str:
        """Orders and tickets of an account, lately, by when (alerts/store/happenings.py)."""
        return f"{self.prefix}:happened:{account_id}"

    def looked(self, actor: str, account_id: str) -> str:
        """There for an hour after somebody opened a customer's page: until then it is not written down again."""
        return f"{self.prefix}:looked:{actor}:{account_id}"

    @property
    def barred_numbers(self) -> str:
        """Set of lines that must not be called, whoever's account they belong to."""
        return f"{self.prefix}:barred-numbers"

    @property
    def contract_ends(self) -> str:
        """Accounts by the end of their contract."""
        return f"{self.prefix}:contract-ends"

    @property
    def stale(self) -> str:
        """Open tasks by the time at which they close themselves unless refreshed."""
        return f"{self.prefix}:stale"

    @property
    def seen(self) -> str:
        """Warning ids by the time they were handled."""
        return f"{self.prefix}:seen"

    @property
    def counters(self) -> str:
        """Hash: created, closed, refused:<reason>."""
        return f"{self.prefix}:counters"

    @property
    def outbox(self) -> str:
        """Stream of what still has to reach Kafka."""
        return f"{self.prefix}:outbox"

    @property
    def ready(self) -> str:
        """Run id of the server whose view is complete; without it nobody may change a task."""
        return f"{self.prefix}:ready"

    @property
    def positions(self) -> str:
        """Hash: next offset to read, by topic and partition."""
        return f"{self.prefix}:positions"

    @property
    def clock(self) -> str:
        """The latest stream time."""
        return f"{self.prefix}:stream-ms"

    @property
    def schedule(self) -> str:
        """Calls to come, "task:attempt" by time."""
        return f"{self.prefix}:calls:schedule"

    @property
    def calls(self) -> str:
        """Stream of calls to make, read by the group `dialers`."""
        return f"{self.prefix}:calls"

    @property
    def dead_calls(self) -> str:
        """Stream of calls handed out too often."""
        return f"{self.prefix}:calls:dead"

    def customer(self, account_id: str) -> str:
        return f"{self.prefix}:customer:{account_id}"

    def lines_of(self, account_id: str) -> str:
        return f"{self.prefix}:lines-of:{account_id}"

    def line_view(self, line_id: str) -> str:
        return f"{self.prefix}:view:{line_id}"


def _part(kind: str, value: str | None) -> str:
    return "" if value is None else f":{kind}:{value}"
