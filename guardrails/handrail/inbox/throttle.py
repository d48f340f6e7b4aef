"""How often somebody may try: in this process, and for sign-ins over all processes of one store."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from handrail.clock import Clock

if TYPE_CHECKING:
    from handrail.store import SqlStore

_MOST_NAMES = 10_000
_MINUTE_S = 60.0


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class Throttle:
    """Lets each name try `per_minute` times a minute, all of them at once if it likes.

    Args:
        per_minute: how often.
        seconds: a clock that never goes back.
    """

    def __init__(self, per_minute: int, *, seconds: Callable[[], float] = monotonic) -> None:
        self._most, self._seconds = float(per_minute), seconds
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, name: str) -> int:
        """Count one try of a name; returns 0 if it may go on, otherwise after how many seconds it may."""
        now = self._seconds()
        bucket = self._buckets.pop(name, None) or _Bucket(self._most, now)
        bucket.left = min(self._most, bucket.left + (now - bucket.at) * self._most / _MINUTE_S)
        bucket.at = now
        self._buckets[name] = bucket
        while len(self._buckets) > _MOST_NAMES:
            self._buckets.popitem(last=False)
        if bucket.left < 1.0:
            return max(1, round((1.0 - bucket.left) * _MINUTE_S / self._most))
        bucket.left -= 1.0
        return 0


class SignInThrottle:
    """Lets each address try to sign in `per_minute` times a minute, over all processes of one store.

    What this process would refuse by itself never reaches the store, so a flood costs no writes.

    Args:
        store: where the tries are counted, as keyed hashes of their addresses.
        tenant: of the inbox.
        per_minute: how often.
        clock: gives the time.
    """

    def __init__(self, store: "SqlStore", tenant: str, per_minute: int, clock: Clock) -> None:
        self._own = Throttle(per_minute)
        self._store, self._tenant, self._per_minute, self._clock = store, tenant, per_minute, clock

    def take(self, address: str) -> int:
        """Count one try of an address; returns 0 if it may go on, otherwise after how many seconds it may.

        Raises:
            StoreUnavailable: the store is out of reach.
        """
        return self._own.take(address) or self._store.take_sign_in(
            self._tenant, address, per_minute=self._per_minute, now=self._clock()
        )
