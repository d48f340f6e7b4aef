"""A store that notes every use of its database in a thread that runs an event loop."""

import asyncio
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from handrail import Guard
from handrail.store import SqlStore
from handrail.store.transaction import Transaction
from support.shop_guard import POLICY, shop_guard

COUNTED = POLICY.replace(
    "facts:\n",
    """facts:
  refunds: {type: money, currencies: [USD], from: ledger, sum: refund.amount, where: issue_refund,
            per: customer, within: 30 days}
""",
).replace("refund.amount > 500 USD\n", "(refund.amount > 500 USD or refunds > 2000 USD)\n")


class WatchedStore(SqlStore):
    """`uses` counts; `stalls` names the methods whose database work would have made a loop wait."""

    uses: int
    stalls: list[str]

    @contextmanager
    def write(self, tenant: str) -> Iterator[Transaction]:
        self._watch()
        with super().write(tenant) as tx:
            yield tx

    @contextmanager
    def read(self, tenant: str) -> Iterator[Transaction]:
        self._watch()
        with super().read(tenant) as tx:
            yield tx

    def _watch(self) -> None:
        self.uses += 1
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return
        frames = [frame for frame, _ in traceback.walk_stack(None) if _is_of_store(frame.f_code.co_filename)]
        self.stalls.append(frames[-1].f_code.co_name)


def _is_of_store(file: str) -> bool:
    return "/handrail/store/" in file


def watched(store: SqlStore) -> WatchedStore:
    """Watch a store from now on."""
    store.__class__ = WatchedStore
    assert isinstance(store, WatchedStore)
    store.uses, store.stalls = 0, []
    return store


@contextmanager
def watched_guard(folder: Path) -> Iterator[tuple[Guard, WatchedStore]]:
    """A guard over the shop's policy, with refunds counted, whose store is watched."""
    with shop_guard(folder, COUNTED) as guard:
        assert isinstance(guard.store, SqlStore)
        yield guard, watched(guard.store)
