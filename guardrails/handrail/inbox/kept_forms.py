"""What a person had filled in when they had to sign in again: theirs alone, and only for a short while."""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from handrail.clock import Clock

KEPT_FOR = timedelta(minutes=15)
_MOST = 500
_NOT_KEPT = frozenset({"csrf", "previewed", "digest", "version", "key"})
"""What belongs to the page that was sent, and is made anew for the next one."""


@dataclass(frozen=True, slots=True)
class _Owner:
    tenant: str
    person: str
    ticket: str


class KeptForms:
    """Forms of this process's memory, one for each person and ticket; the oldest make way for new ones.

    Args:
        clock: gives the time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._forms: OrderedDict[_Owner, tuple[datetime, dict[str, str]]] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, tenant: str, person: str, ticket: str, form: Mapping[str, str]) -> None:
        """Keep what a person filled in about a ticket, by its reference."""
        filled = {name: value for name, value in form.items() if name not in _NOT_KEPT and value}
        owner = _Owner(tenant, person, ticket)
        with self._lock:
            self._forms.pop(owner, None)
            self._forms[owner] = (self._clock() + KEPT_FOR, filled)
            while len(self._forms) > _MOST:
                self._forms.popitem(last=False)

    def take(self, tenant: str, person: str, ticket: str) -> dict[str, str]:
        """Return what a person filled in about a ticket, once; empty where nothing is kept."""
        with self._lock:
            until, filled = self._forms.pop(_Owner(tenant, person, ticket), (self._clock(), {}))
        return filled if self._clock() < until else {}
