"""The side of a store that keeps what belongs to the people who decide, and how the queues stand."""

from collections.abc import Mapping
from datetime import datetime

from handrail.store import kept_answers, own, sign_ins
from handrail.store.admin import AdminStore
from handrail.store.kept_answers import KeptAnswer
from handrail.store.own import TokenRecord
from handrail.store.tickets import health, own_answers, pauses, seeded
from handrail.store.tickets.actor import Actor
from handrail.store.tickets.health import Conflict, Load, Look, QueueHealth
from handrail.store.tickets.pauses import Pause
from handrail.store.tickets.seeded import SeededOutcome


class PeopleStore(AdminStore):
    """Holds, queues, and what people keep for themselves."""

    def pause(self, tenant: str, role: str, *, why: str, actor: Actor) -> None:
        """Put a role on hold, or everything for an empty role: nothing is approved or begun meanwhile."""
        self._written(tenant, lambda tx: pauses.pause(tx, role, why, actor))

    def resume(self, tenant: str, role: str, *, why: str, actor: Actor) -> None:
        """End a hold."""
        self._written(tenant, lambda tx: pauses.resume(tx, role, why, actor))

    def pauses(self, tenant: str) -> tuple[Pause, ...]:
        """Return what is on hold."""
        with self.read(tenant) as tx:
            return pauses.pauses_of(tx)

    def queues(self, tenant: str, *, now: datetime, since: datetime) -> tuple[QueueHealth, ...]:
        """Return how each role's queue stands, and how long people took since a moment."""
        with self.read(tenant) as tx:
            return health.queues(tx, now=now, since=since)

    def loads(self, tenant: str, *, since: datetime) -> tuple[Load, ...]:
        """Return what each person has claimed now, and decided since a moment."""
        with self.read(tenant) as tx:
            return health.loads(tx, since=since)

    def conflicts(self, tenant: str, *, since: datetime) -> tuple[Conflict, ...]:
        """Return which rules disagreed since a moment, the most frequent first."""
        with self.read(tenant) as tx:
            return health.conflicts(tx, since=since)

    def looks(self, tenant: str, *, since: datetime) -> tuple[Look, ...]:
        """Return people's decisions since a moment, with the time since they first looked at the ticket."""
        with self.read(tenant) as tx:
            return health.looks(tx, since=since)

    def seed(self, tenant: str, source: str, actor: Actor) -> str:
        """Put a copy of a decided ticket into the queue as a seeded case; returns its id."""
        return self._written(tenant, lambda tx: seeded.place(tx, source, actor))

    def seeded_outcome(self, tenant: str, ticket: str) -> SeededOutcome | None:
        """Return how a seeded case was decided; None while nobody has, and for a real ticket."""
        with self.read(tenant) as tx:
            return seeded.outcome(tx, ticket)

    def seeded_outcomes(self, tenant: str, *, since: datetime) -> tuple[SeededOutcome, ...]:
        """Return how seeded cases were decided since a moment."""
        with self.read(tenant) as tx:
            return seeded.outcomes(tx, since=since)

    def give_own_answer(self, tenant: str, ticket: str, text: str, actor: Actor) -> None:
        """Keep what a person would answer before they see the draft."""
        self._written(tenant, lambda tx: own_answers.give(tx, ticket, text, actor))

    def own_answer(self, tenant: str, ticket: str, person: str) -> str | None:
        """Return what a person wrote before they saw the draft; None if nothing."""
        with self.read(tenant) as tx:
            return own_answers.given(tx, ticket, person)

    def take_key(
        self, tenant: str, person: str, key: str, digest: str, *, now: datetime
    ) -> KeptAnswer | None:
        """Take an idempotency key for a step; returns what it was taken for before, None where it is new."""
        return self._written(tenant, lambda tx: kept_answers.take(tx, person, key, digest, now))

    def take_sign_in(self, tenant: str, address: str, *, per_minute: int, now: datetime) -> int:
        """Count one try of an address; returns after how many seconds it may go on, 0 for at once."""
        return self._written(tenant, lambda tx: sign_ins.take(tx, address, per_minute=per_minute, now=now))

    def keep_answer(self, tenant: str, person: str, key: str, answer: str) -> None:
        """Keep the answer to the step of a key."""
        self._written(tenant, lambda tx: kept_answers.keep(tx, person, key, answer))

    def give_key_back(self, tenant: str, person: str, key: str) -> None:
        """Free a key whose step was refused."""
        self._written(tenant, lambda tx: kept_answers.give_back(tx, person, key))

    def add_token(self, tenant: str, record: TokenRecord, secret: str) -> None:
        """Keep an API token."""
        self._written(tenant, lambda tx: own.add_token(tx, record, secret))

    def token(self, tenant: str, name: str, secret: str, *, now: datetime) -> TokenRecord | None:
        """Return a token that is in use and has this secret; None otherwise."""
        with self.read(tenant) as tx:
            return own.token(tx, name, secret, now)

    def tokens(self, tenant: str, person: str) -> tuple[TokenRecord, ...]:
        """Return a person's tokens, the newest first."""
        with self.read(tenant) as tx:
            return own.tokens(tx, person)

    def revoke_token(self, tenant: str, name: str, person: str, *, now: datetime) -> bool:
        """End a token of a person; returns whether it was in use."""
        return self._written(tenant, lambda tx: own.revoke(tx, name, person, now))

    def save_view(self, tenant: str, person: str, name: str, query: str, *, now: datetime) -> None:
        """Keep a person's view under a name."""
        self._written(tenant, lambda tx: own.save_view(tx, person, name, query, now))

    def views(self, tenant: str, person: str) -> Mapping[str, str]:
        """Return a person's saved views by name."""
        with self.read(tenant) as tx:
            return own.views(tx, person)

    def drop_view(self, tenant: str, person: str, name: str) -> None:
        """Forget a saved view."""
        self._written(tenant, lambda tx: own.drop_view(tx, person, name))

    def mark(self, tenant: str, person: str, **when: datetime) -> None:
        """Keep when a person last looked (`seen_at`), or since when sessions count (`signed_out_at`)."""
        self._written(tenant, lambda tx: own.mark(tx, person, **when))

    def marked(self, tenant: str, person: str) -> tuple[datetime | None, datetime | None]:
        """Return when a person last looked, and since when their sessions count."""
        with self.read(tenant) as tx:
            return own.marked(tx, person)
