"""Remembers answers by their idempotency keys: the same step sent again is answered again, and not repeated.

It remembers in this process. A decision's key is kept in the store besides, so there it holds everywhere.
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass

from starlette.responses import Response

_MOST = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A step as it was sent: by whom, under which key, and a digest of all that was asked for."""

    tenant: str
    person: str
    key: str
    digest: str


class Replays:
    """The answers of the last few thousand steps that had a key."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str, str], tuple[str, Response]] = OrderedDict()

    def answer(self, asked: Asked) -> Response | None:
        """Return the answer that was given to this step before, None if it is new.

        Raises:
            ValueError: another step had this key.
        """
        with self._lock:
            found = self._known.get((asked.tenant, asked.person, asked.key))
        if found is None:
            return None
        if found[0] != asked.digest:
            raise ValueError("another step had this key")
        return found[1]

    def keep(self, asked: Asked, answer: Response) -> None:
        """Remember the answer that was given to a step."""
        with self._lock:
            self._known[asked.tenant, asked.person, asked.key] = (asked.digest, answer)
            while len(self._known) > _MOST:
                self._known.popitem(last=False)
