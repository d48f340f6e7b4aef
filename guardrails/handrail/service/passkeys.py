"""A person's passkeys: which they have, a new one, one that is gone, and each use of one."""

from handrail.clock import Clock
from handrail.errors import CheckFailed
from handrail.service.reviewer import Reviewer
from handrail.store import SqlStore
from handrail.store import passkeys as kept
from handrail.store.passkeys import Passkey

MOST = 10


class Passkeys:
    """The passkeys of people, each person's own.

    Args:
        store: a store as an inbox opens it.
        clock: gives the time.
    """

    def __init__(self, store: SqlStore, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def of(self, who: Reviewer) -> tuple[Passkey, ...]:
        """Return a person's passkeys, oldest first."""
        with self._store.read(who.tenant) as tx:
            return kept.of_person(tx, who.person)

    def add(self, who: Reviewer, *, id: str, public_key: str, uses: int, name: str) -> Passkey:  # noqa: A002
        """Keep a new passkey of a person.

        Raises:
            CheckFailed: they have too many.
        """
        made = Passkey(
            id=id, person=who.person, name=name, public_key=public_key, uses=uses, made_at=self._clock()
        )
        with self._store.write(who.tenant) as tx:
            if len(kept.of_person(tx, who.person)) >= MOST:
                raise CheckFailed("passkey", why=f"a person has at most {MOST}")
            kept.add(tx, made)
        return made

    def used(self, who: Reviewer, passkey: Passkey, uses: int) -> None:
        """Keep how often a passkey was used; raises NotPermitted if another use came in between."""
        with self._store.write(who.tenant) as tx:
            kept.used(tx, passkey, uses)

    def remove(self, who: Reviewer, passkey: str) -> bool:
        """Forget a passkey; returns whether the person had it."""
        with self._store.write(who.tenant) as tx:
            return kept.remove(tx, who.person, passkey, self._clock())
