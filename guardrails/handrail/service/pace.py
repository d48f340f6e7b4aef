"""How long a decision takes of late, for people who wait for one and people who give it."""

from datetime import datetime, timedelta
from statistics import median

from handrail.clock import Clock
from handrail.service.managing import PERIOD
from handrail.service.permissions import Operation, require
from handrail.service.reviewer import Reviewer
from handrail.store import SqlStore
from handrail.store.tickets.health import minutes_by_role

_KEPT_FOR = timedelta(minutes=1)
"""Every list shows it, and it changes slowly: the store is asked once a minute for each tenant."""


class Pace:
    """Says how many minutes a decision takes at the median of the last days.

    Args:
        store: a store as an inbox opens it.
        clock: gives the time.
    """

    def __init__(self, store: SqlStore, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._known: dict[str, tuple[datetime, dict[str, list[float]]]] = {}

    def minutes(self, who: Reviewer, roles: tuple[str, ...]) -> float | None:
        """Return the median of these roles together, None where nobody has decided.

        Raises:
            NotPermitted: no scope to read.
        """
        require(Operation.LIST, who)
        by_role = self._of(who.tenant)
        found = [minutes for role in roles for minutes in by_role.get(role, ())]
        return round(median(found), 1) if found else None

    def _of(self, tenant: str) -> dict[str, list[float]]:
        now = self._clock()
        at, found = self._known.get(tenant, (None, {}))
        if at is None or not timedelta(0) <= now - at < _KEPT_FOR:
            with self._store.read(tenant) as tx:
                found = minutes_by_role(tx, since=now - PERIOD)
            self._known[tenant] = (now, found)
        return found
