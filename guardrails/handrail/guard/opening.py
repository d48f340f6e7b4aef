"""Opens what a guard stands on: the policy, the people, the store and the spool beside it."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from handrail.errors import StoreUnavailable
from handrail.policy import People, Policy, load, load_people
from handrail.store import Spool, SqlStore, open_store
from handrail.store.chain import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The parts of a guard, ready for use."""

    policy: Policy
    people: People | None
    store: SqlStore
    spool: Spool


def opened(
    policy: str | Path, people: str | Path | None, store: str | SqlStore, now: Callable[[], datetime]
) -> Opened:
    """Open the parts, drain the spool and settle what an earlier process left; see `Guard.from_policy`."""
    loaded = load(policy)
    roles = load_people(people, loaded) if people is not None else None
    if isinstance(store, str):
        store = open_store(store, clock=now)
    spool = Spool.beside(store.database.url.render_as_string(hide_password=False))
    # With the store out of reach still, waiting tickets wait on, and new ones join them.
    with suppress(StoreUnavailable):
        spool.drain(store)
        store.recover(now())
        store.note(policy_in_force(loaded, now()))
    return Opened(policy=loaded, people=roles, store=store, spool=spool)


def policy_in_force(policy: Policy, at: datetime) -> Event:
    """The entry in the audit log that says which policy decides from now on."""
    data = {"name": policy.ref.name, "version": policy.ref.version, "sha256": policy.ref.sha256}
    return Event(tenant="default", kind="config.policy", at=at, data=data)
