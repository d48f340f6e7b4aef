"""Which sessions have ended before their time: a person signed out, here or in another process."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

from handrail.inbox.sessions import Session
from handrail.service import Reviewer, TicketService

_KEPT_S = 5.0
_MOST = 10_000


class Endings:
    """Knows since when a person's sessions count no more.

    The store is asked at most every few seconds for each person: what another process ended counts here that
    much later, what this one ended counts at once.

    Args:
        service: keeps when people signed out.
        seconds: a clock that never goes back.
    """

    def __init__(self, service: TicketService, *, seconds: Callable[[], float] = monotonic) -> None:
        self._service, self._seconds = service, seconds
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def has_ended(self, session: Session) -> bool:
        """Tell whether a session was ended; raises StoreUnavailable where that cannot be known."""
        who, now = (session.tenant, session.person), self._seconds()
        with self._lock:
            known = self._known.get(who)
        if known is None or now - known[0] > _KEPT_S:
            ended = self._service.signed_out_at(session.tenant, session.person)
            known = (now, ended.timestamp() if ended is not None else 0.0)
            with self._lock:
                self._known[who] = known
                self._known.move_to_end(who)
                while len(self._known) > _MOST:
                    self._known.popitem(last=False)
        return session.signed_in_at < known[1]

    def end(self, who: Reviewer) -> None:
        """End every session that a person began before now."""
        self._service.sign_out_everywhere(who)
        with self._lock:
            self._known.pop((who.tenant, who.person), None)
